"""Run ids: names that sort by time."""

from __future__ import annotations

import re
import uuid
from contextlib import closing, suppress
from datetime import datetime, timedelta

from beam_distill.work_dir.files import segments_storage

_BEGAN = re.compile(r"(\d{8}T\d{6})(\d{3})?-")


def new_run_id(began: datetime, kind: str = "", ledger_dir: str | None = None) -> str:
    """A name for a run that began at that time (in UTC), such as ``20260126T093015042-1f0c55ab``; ``kind`` goes before the random part.

    A later run must sort later as text: the ledger's segments are named after their run, and of two answers to one request the last counts.
    So the name has milliseconds, because a retry may begin in the same second as the run before. And it considers the ledger's latest run,
    because the clock may have been set back since.
    """
    latest = None if ledger_dir is None else _latest(ledger_dir, began)
    if latest is not None and latest >= began:
        began = latest + timedelta(milliseconds=1)
    return f"{began:%Y%m%dT%H%M%S}{began.microsecond // 1000:03d}-{kind}{uuid.uuid4().hex[:8]}"


def _latest(ledger_dir: str, now: datetime) -> datetime | None:
    """When the latest run with segments on the ledger began, by their names."""
    found = []
    with suppress(Exception), closing(segments_storage(ledger_dir)) as storage:  # the ledger's reader reports why it cannot be listed
        for segment in storage.segments(ledger_dir):
            name = _BEGAN.match(segment.name)
            if name is not None:
                found.append(f"{name[1]}{name[2] or '999'}")
    with suppress(ValueError):
        return datetime.strptime(f"{max(found)}000", "%Y%m%dT%H%M%S%f").replace(tzinfo=now.tzinfo)
    return None
