"""Following segments while their writers still write."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from transforms.ledger.schema import USAGE_SCHEMA
from transforms.ledger.segment_reader import NotASegment, SegmentReader


class SegmentTail:
    """One segment that grows. Each call of ``new_records`` reads only what was added since the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new_records(self) -> list[dict[str, Any]]:
        """Split, turn and tokens of the records in whole blocks that were not there before."""
        records: list[dict[str, Any]] = []
        try:
            with closing(SegmentReader(self._path, USAGE_SCHEMA)) as reader:
                # the rest of a block that is being written comes with the next call
                for stretch in reader.stretches(self._offset):
                    records.extend(record for record in stretch.records if record is not None)
                    self._offset = stretch.offset + stretch.size
        except NotASegment:
            pass  # its header is not written yet
        return records
