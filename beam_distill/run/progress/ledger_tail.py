"""Readings of the ledger's newest blocks: for scoring processes that are not this one."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from beam_distill.work_dir.reading import Reading
from transforms.elements.usage import Usage
from transforms.ledger.schema import USAGE_SCHEMA, paid_usage
from transforms.ledger.segments import read_blocks
from transforms.ledger.storage import LedgerStorage
from transforms.ledger.tail import SegmentTail

log = logging.getLogger("beam_distill")


class _Counted:
    """Answers that were seen on the ledger."""

    def __init__(self) -> None:
        self._answers = 0
        self._usage = Usage()
        self._first_turns: dict[str, int] = {}

    def add(self, records: Iterable[dict[str, Any]]) -> None:
        for record in records:
            self._answers += 1
            self._usage = self._usage.plus(paid_usage(record))
            if record["turn"] == 0:
                self._first_turns[record["split"]] = self._first_turns.get(record["split"], 0) + 1

    def reading(self) -> Reading:
        """Rows are counted by the answers to their first turn; other ends are not on the ledger."""
        return Reading(
            rows_done=dict(self._first_turns),
            rows_scored=sum(self._first_turns.values()),
            answers=self._answers,
            usage=self._usage,
            rejects=None,
        )


class LedgerTailSource:
    """The answers that one run has put on a ledger of this machine. Reads only what was added since the last reading."""

    def __init__(self, ledger_dir: str, run_id: str) -> None:
        self._folder = Path(ledger_dir)
        self._run_id = run_id
        self._tails: dict[Path, SegmentTail] = {}
        self._counted = _Counted()

    def read(self) -> Reading:
        """The state of about this moment."""
        if self._folder.is_dir():
            for path in sorted(self._folder.glob(f"{self._run_id}-*")):
                self._counted.add(self._tails.setdefault(path, SegmentTail(path)).new_records())
        return self._counted.reading()


class SealedLedgerSource:
    """The answers that one run has put on a ledger on object storage: every segment is whole there, and is fetched and read once."""

    def __init__(self, ledger_dir: str, run_id: str, storage: LedgerStorage) -> None:
        self._folder = ledger_dir
        self._run_id = run_id
        self._storage = storage
        self._seen: set[str] = set()
        self._counted = _Counted()

    def read(self) -> Reading:
        """The state when the newest segment was sealed; the one before when the storage does not answer."""
        try:
            for segment in self._storage.segments(self._folder):
                if segment.name.startswith(f"{self._run_id}-") and segment.name not in self._seen:
                    records = [record for block in read_blocks(self._storage.fetch(segment), USAGE_SCHEMA, []) for record in block.records]
                    self._seen.add(segment.name)
                    self._counted.add(records)
        except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own, and progress must not end a job
            log.debug("the ledger cannot be looked at: %s", error)
        finally:
            self._storage.close()  # copies are not kept: the next reading needs none of them
        return self._counted.reading()
