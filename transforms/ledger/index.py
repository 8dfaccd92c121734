"""Finding records again: which request has an answer on the ledger, and what the answer was.

The index is made from the segments each time, so it can never disagree with them. It holds 16 bytes for a record, whatever its size: a
64-bit hash of the record's identity, sorted, and where the record stands. The records themselves stay on disk.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.elements.replies import FailureRecord, TeacherReply
from transforms.ledger.schema import ANSWER_SCHEMA, FAILURE_SCHEMA, IDENTITY_SCHEMA, failure_record
from transforms.ledger.segments import BlockReader, TornSegment, read_blocks
from transforms.ledger.storage import DirectoryStorage, LedgerStorage, StoredSegment
from transforms.teacher.response import read_reply

STRETCHES_IN_MEMORY = 32
STRETCH_BYTES = 256 * 1024
"""Neighbouring blocks are read together up to this size: opening a reader costs as much as decoding a hundred records."""
OPEN_SEGMENTS = 64
POSITION_BITS = 24  # a place is a stretch's number and a position in the stretch, in one integer


class _RecordIndex:
    """Records of a folder of segments by identity; the last record of an identity stands, so that a row asked again gets its new answer."""

    def __init__(
        self, folder: str, identity: dict[str, Any], content: dict[str, Any], names: tuple[str, ...], storage: LedgerStorage | None
    ) -> None:
        self._folder = folder
        self._identity = identity
        self._content = content
        self._names = names
        self._storage = storage or DirectoryStorage()
        self._segments: list[StoredSegment] = []
        self._numbers: dict[str, int] = {}
        self._read_to: list[int] = []  # how far each segment was read, in bytes
        self._torn: dict[int, TornSegment] = {}
        self._where: list[tuple[int, int, int]] = []  # segment, offset and size of each stretch
        self._readers: OrderedDict[int, BlockReader] = OrderedDict()
        self._stretches: OrderedDict[int, list[Any]] = OrderedDict()
        self._hashes: NDArray[np.int64] = np.empty(0, np.int64)
        self._places: NDArray[np.int64] = np.empty(0, np.int64)
        self.refresh()

    @property
    def size(self) -> int:
        """Records, those that others of the same identity stand above included."""
        return len(self._hashes)

    @property
    def torn(self) -> list[TornSegment]:
        """Segments that could not be read to their end."""
        return list(self._torn.values())

    def refresh(self) -> None:
        """Take in what was recorded since: new segments, and what grew of the others. Costs a listing when nothing was."""
        hashes, places = array("q"), array("q")
        for segment in self._storage.segments(self._folder):
            number = self._numbers.setdefault(segment.path, len(self._segments))
            is_new = number == len(self._segments)
            if is_new:
                self._segments.append(segment)
                self._read_to.append(0)
            if is_new or segment.size > self._read_to[number]:
                self._read(number, segment, hashes, places)
        if hashes:
            # a stable sort: of equal hashes the last that was written stands last
            together = np.concatenate([self._hashes, np.frombuffer(hashes, np.int64)])
            order = np.argsort(together, kind="stable")
            self._hashes = together[order]
            self._places = np.concatenate([self._places, np.frombuffer(places, np.int64)])[order]

    def find(self, *identity: object) -> Any | None:
        """The last record with this identity, None when there is none."""
        return next(self.find_all(*identity), None)

    def find_all(self, *identity: object) -> Iterator[Any]:
        """Every record with this identity, the last one first."""
        # Python's hash of texts differs from process to process; this index never leaves its own
        wanted = hash(identity)
        found = int(self._hashes.searchsorted(wanted, "right")) - 1
        while found >= 0 and self._hashes[found] == wanted:
            place = int(self._places[found])
            record = self._stretch(place >> POSITION_BITS)[place & ((1 << POSITION_BITS) - 1)]
            if tuple([record[name] for name in self._names]) == identity:
                yield record
            found -= 1

    def repeated(self, name_prefix: str) -> int:
        """Records in segments of this name that have the identity of another in them."""
        chosen = np.array([segment.name.startswith(name_prefix) for segment in self._segments], bool)
        if not chosen.any():
            return 0
        of_stretch = chosen[np.array([number for number, _, _ in self._where], np.int64)]
        hashes = self._hashes[of_stretch[self._places >> POSITION_BITS]]
        return len(hashes) - len(np.unique(hashes))

    def close(self) -> None:
        """Let go of files and memory; nothing is found from now on."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
        self._stretches.clear()
        self._where.clear()
        self._segments.clear()
        self._numbers.clear()
        self._read_to.clear()
        self._torn.clear()
        self._hashes = self._places = np.empty(0, np.int64)
        self._storage.close()

    def _read(self, number: int, segment: StoredSegment, hashes: array[int], places: array[int]) -> None:
        torn: list[TornSegment] = []
        place = offset = size = -1
        for block in read_blocks(self._storage.fetch(segment), self._identity, torn, self._read_to[number]):
            if size < 0 or size + block.size > STRETCH_BYTES:
                place, offset, size = len(self._where) << POSITION_BITS, block.offset, 0
                self._where.append((number, offset, 0))
            size += block.size
            self._where[-1] = (number, offset, size)
            hashes.extend([hash(tuple([record[name] for name in self._names])) for record in block.records])
            places.extend(range(place, place + len(block.records)))
            place += len(block.records)
            self._read_to[number] = block.offset + block.size
        self._torn.pop(number, None)
        for one in torn:
            self._torn[number] = one

    def _stretch(self, number: int) -> list[Any]:
        records = self._stretches.get(number)
        if records is not None:
            self._stretches.move_to_end(number)
            return records
        segment, offset, size = self._where[number]
        reader = self._readers.get(segment)
        if reader is None:
            reader = self._readers[segment] = BlockReader(self._storage.fetch(self._segments[segment]), self._content)
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

    def __init__(self, ledger_dir: str, storage: LedgerStorage | None = None) -> None:
        self._records = _RecordIndex(ledger_dir, IDENTITY_SCHEMA, ANSWER_SCHEMA, ("row_key", "turn", "request_hash"), storage)

    def __len__(self) -> int:
        return self._records.size

    def refresh(self) -> None:
        """Take in what was recorded since the index was made."""
        self._records.refresh()

    def repeated(self, run_id: str) -> int:
        """Answers of one run beyond the first to the same request: paid for more than once, by a worker that was lost or ran twice."""
        return self._records.repeated(f"{run_id}-")

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

    def find_all(self, row_key: str, turn: int, request_hash: str) -> Iterator[TeacherReply]:
        """Every answer to this very request, the last one first."""
        for record in self._records.find_all(row_key, turn, request_hash):
            yield read_reply(record["response"], turn, record["attempts"], record["latency_ms"])

    def asked_by(self, row_key: str, turn: int, request_hash: str) -> str | None:
        """The id of the run that got the answer which ``find`` gives, None when there is none."""
        record = self._records.find(row_key, turn, request_hash)
        return None if record is None else str(record["run_id"])

    def close(self) -> None:
        """Release the files."""
        self._records.close()


class FailureIndex:
    """The requests of one run that ended without an answer."""

    def __init__(self, failures_dir: str, run_id: str, storage: LedgerStorage | None = None) -> None:
        self._run_id = run_id
        self._records = _RecordIndex(failures_dir, FAILURE_SCHEMA, FAILURE_SCHEMA, ("run_id", "row_key"), storage)

    def find(self, row_key: str) -> FailureRecord | None:
        """How the row's request failed in this run, None when it did not."""
        record = self._records.find(self._run_id, row_key)
        return None if record is None else failure_record(record)

    def close(self) -> None:
        """Release the files."""
        self._records.close()
