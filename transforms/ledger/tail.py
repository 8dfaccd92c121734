"""Following segments while their writers still write."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import fastavro

from transforms.ledger.schema import PROGRESS_SCHEMA
from transforms.ledger.segments import read_blocks


class SegmentTail:
    """One segment that grows. Each call of ``new_records`` reads only what was added since the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._header = b""
        self._offset = 0

    def new_records(self) -> list[dict[str, Any]]:
        """Split, turn and tokens of the records in whole blocks that were not there before."""
        if not self._header:
            first = next(iter(read_blocks(self._path, PROGRESS_SCHEMA, [])), None)
            if first is None:
                return []
            self._offset = first.offset
            with open(self._path, "rb") as file:
                self._header = file.read(first.offset)
        with open(self._path, "rb") as file:
            file.seek(self._offset)
            added = file.read()
        records: list[dict[str, Any]] = []
        try:
            for block in fastavro.block_reader(io.BytesIO(self._header + added), PROGRESS_SCHEMA) if added else ():
                records.extend(block)
                self._offset += block.size
        except (EOFError, ValueError, IndexError, KeyError, AssertionError, StopIteration):
            pass  # the rest of a block that is being written comes with the next call
        return records
