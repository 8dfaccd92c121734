"""Finding records again: which request has an answer on the ledger, and what the answer was.

The index is made from the segments each time, so it can never disagree with them. It holds 16 bytes for a record, whatever its size: a
64-bit hash of the record's identity, sorted, and where the record stands. The records themselves stay on disk.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from transforms.elements.replies import FailureRecord, TeacherReply
from transforms.ledger.schema import ANSWER_SCHEMA, FAILURE_SCHEMA, IDENTITY_SCHEMA, failure_record
from transforms.ledger.segments import BlockReader, TornSegment, list_segments, read_blocks
from transforms.teacher.response import read_reply

STRETCHES_IN_MEMORY = 32
STRETCH_BYTES = 256 * 1024
"""Neighbouring blocks are read together up to this size: opening a reader costs as much as decoding a hundred records."""
OPEN_SEGMENTS = 64
POSITION_BITS = 24  # a place is a stretch's number and a position in the stretch, in one integer


class _RecordIndex:
    """Records of a folder of segments by identity; the last record of an identity stands, so that a row asked again gets its new answer."""

    def __init__(self, folder: str, identity: dict[str, Any], content: dict[str, Any], names: tuple[str, ...]) -> None:
        self._content = content
        self._names = names
        self._segments: list[Path] = list_segments(folder)
        self._where: list[tuple[int, int, int]] = []  # segment, offset and size of each stretch
        self._readers: OrderedDict[int, BlockReader] = OrderedDict()
        self._stretches: OrderedDict[int, list[Any]] = OrderedDict()
        self.torn: list[TornSegment] = []
        self._hashes, self._places = self._sorted_entries(identity)
        self.size = len(self._hashes)

    def find(self, *identity: object) -> Any | None:
        """The record with this identity, None when there is none."""
        if not self.size:
            return None
        # Python's hash of texts differs from process to process; this index never leaves its own
        wanted = hash(identity)
        found = self._hashes.searchsorted(wanted)
        if found == self.size or self._hashes[found] != wanted:
            return None
        place = int(self._places[found])
        record = self._stretch(place >> POSITION_BITS)[place & ((1 << POSITION_BITS) - 1)]
        return record if tuple([record[name] for name in self._names]) == identity else None

    def close(self) -> None:
        """Let go of files and memory; nothing is found from now on."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
        self._stretches.clear()
        self._where.clear()
        self._hashes = self._places = np.empty(0, np.int64)
        self.size = 0

    def _sorted_entries(self, identity: dict[str, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        hashes = array("q")
        places = array("q")
        for number, path in enumerate(self._segments):
            place = offset = size = -1
            for block in read_blocks(path, identity, self.torn):
                if size < 0 or size + block.size > STRETCH_BYTES:
                    place, offset, size = len(self._where) << POSITION_BITS, block.offset, 0
                    self._where.append((number, offset, 0))
                size += block.size
                self._where[-1] = (number, offset, size)
                hashes.extend([hash(tuple([record[name] for name in self._names])) for record in block.records])
                places.extend(range(place, place + len(block.records)))
                place += len(block.records)
        # places ascend with run and time, and np.unique keeps the first of equal hashes: turned round, that is the last that was written
        distinct, last = np.unique(np.frombuffer(hashes, np.int64)[::-1], return_index=True)
        return distinct, np.frombuffer(places, np.int64)[::-1][last]

    def _stretch(self, number: int) -> list[Any]:
        records = self._stretches.get(number)
        if records is not None:
            self._stretches.move_to_end(number)
            return records
        segment, offset, size = self._where[number]
        reader = self._readers.get(segment)
        if reader is None:
            reader = self._readers[segment] = BlockReader(self._segments[segment], self._content)
            if len(self._readers) > OPEN_SEGMENTS:
                self._readers.popitem(last=False)[1].close()
        else:
            self._readers.move_to_end(segment)
        records = self._stretches[number] = reader.records(offset, size)
        if len(self._stretches) > STRETCHES_IN_MEMORY:
            self._stretches.popitem(last=False)
        return records


class AnswerIndex:
    """The answered requests of a ledger folder. ``torn`` tells of segments whose tail was lost with a dying writer."""

    def __init__(self, ledger_dir: str) -> None:
        self._records = _RecordIndex(ledger_dir, IDENTITY_SCHEMA, ANSWER_SCHEMA, ("row_key", "turn", "request_hash"))

    def __len__(self) -> int:
        return self._records.size

    @property
    def torn(self) -> list[TornSegment]:
        """Segments that could not be read to their end."""
        return self._records.torn

    def find(self, row_key: str, turn: int, request_hash: str) -> TeacherReply | None:
        """The answer to this very request, None when none was paid for yet."""
        record = self._records.find(row_key, turn, request_hash)
        if record is None:
            return None
        return read_reply(record["response"], turn, record["attempts"], record["latency_ms"])

    def asked_by(self, row_key: str, turn: int, request_hash: str) -> str | None:
        """The id of the run that got the answer which ``find`` gives, None when there is none."""
        record = self._records.find(row_key, turn, request_hash)
        return None if record is None else str(record["run_id"])

    def close(self) -> None:
        """Release the files."""
        self._records.close()


class FailureIndex:
    """The requests of one run that ended without an answer."""

    def __init__(self, failures_dir: str, run_id: str) -> None:
        self._run_id = run_id
        self._records = _RecordIndex(failures_dir, FAILURE_SCHEMA, FAILURE_SCHEMA, ("run_id", "row_key"))

    def find(self, row_key: str) -> FailureRecord | None:
        """How the row's request failed in this run, None when it did not."""
        record = self._records.find(self._run_id, row_key)
        return None if record is None else failure_record(record)

    def close(self) -> None:
        """Release the files."""
        self._records.close()
