"""Run ids: names in the order of time."""

from __future__ import annotations

import uuid
from datetime import datetime


def new_run_id(began: datetime, kind: str = "") -> str:
    """A name for a run that began at that time (in UTC), such as ``20261126T093015042-1f0c55ab``; ``kind`` goes before the random part.

    Sorted as text, a later run comes later: the ledger's segments are named after their run, and of two answers to one request the last stands.
    Hence milliseconds: a retry may begin in the second in which the run before it began.
    """
    return f"{began:%Y%m%dT%H%M%S}{began.microsecond // 1000:03d}-{kind}{uuid.uuid4().hex[:8]}"
