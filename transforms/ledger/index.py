"""Finding records of the ledger again by what they belong to.

The index is made from the segments each time, so it can never disagree with them. It holds 16 bytes for a record, whatever its size: a
64-bit hash of the record's identity, sorted, and where the record is. The records themselves stay on disk.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from transforms.elements.replies import FailureRecord
from transforms.ledger.schema import FAILED_SCHEMA, FAILURE_SCHEMA, failure_record
from transforms.ledger.segment_reader import Damage, NotASegment, SegmentReader
from transforms.ledger.segments import TornSegment, lost_of
from transforms.ledger.storage import DirectoryStorage, LedgerStorage, StoredSegment

STRETCHES_IN_MEMORY = 32
OPEN_SEGMENTS = 64
POSITION_BITS = 24  # a place is a stretch's number and a position in the stretch, in one integer

Found = TypeVar("Found")


class RecordIndex(Generic[Found]):
    """Records of a folder of segments by identity; the last record of an identity counts, so that a row asked again gets its new answer.

    ``read`` makes of a record what is found; where it raises ValueError, the record is damaged.
    """

    def __init__(
        self,
        folder: str,
        identity: dict[str, Any],
        content: dict[str, Any],
        names: tuple[str, ...],
        read: Callable[[dict[str, Any]], Found],
        storage: LedgerStorage | None,
    ) -> None:
        self._folder = folder
        self._identity = identity
        self._content = content
        self._names = names
        self._read_record = read
        self._storage = storage or DirectoryStorage()
        self._segments: list[StoredSegment] = []
        self._numbers: dict[str, int] = {}
        self._read_to: list[int] = []  # how far each segment was read, in bytes
        self._damage: list[Damage] = []
        self._kept: list[int] = []
        self._foreign: dict[int, str] = {}
        self._where: list[tuple[int, int, int, int]] = []  # segment, offset, size and records of each stretch
        self._damaged: dict[int, set[int]] = {}  # of a stretch, the positions of records that cannot be read
        self._readers: OrderedDict[int, SegmentReader] = OrderedDict()
        self._stretches: OrderedDict[int, list[dict[str, Any] | None]] = OrderedDict()
        self._hashes: NDArray[np.int64] = np.empty(0, np.int64)
        self._places: NDArray[np.int64] = np.empty(0, np.int64)
        self.refresh()

    @property
    def size(self) -> int:
        """Records, those that a later one of the same identity supersedes included."""
        return len(self._hashes)

    @property
    def torn(self) -> list[TornSegment]:
        """Segments of which something could not be read, as far as it was looked at."""
        records = [0] * len(self._segments)
        for stretch, positions in self._damaged.items():
            records[self._where[stretch][0]] += len(positions)
        found = []
        for number, segment in enumerate(self._segments):
            damage = self._damage[number]
            why = self._foreign.get(number) or lost_of(Damage(records[number], damage.size_bytes, damage.tail_bytes))
            if why:
                found.append(TornSegment(segment.path, self._kept[number] - records[number], why))
        return found

    def refresh(self) -> None:
        """Take in what was recorded since: new segments, and what grew of the others. Costs a listing when nothing was."""
        hashes, places = array("q"), array("q")
        for segment in self._storage.segments(self._folder):
            number = self._numbers.setdefault(segment.path, len(self._segments))
            is_new = number == len(self._segments)
            if is_new:
                self._segments.append(segment)
                self._read_to.append(0)
                self._damage.append(Damage())
                self._kept.append(0)
            if is_new or segment.size > self._read_to[number]:
                self._read(number, segment, hashes, places)
        if hashes:
            # a stable sort: of equal hashes the last that was written comes last
            together = np.concatenate([self._hashes, np.frombuffer(hashes, np.int64)])
            order = np.argsort(together, kind="stable")
            self._hashes = together[order]
            self._places = np.concatenate([self._places, np.frombuffer(places, np.int64)])[order]

    def find(self, *identity: object) -> Found | None:
        """The last record with this identity, None when there is none."""
        return next(self.find_all(*identity), None)

    def find_all(self, *identity: object) -> Iterator[Found]:
        """Every record with this identity, the last one first."""
        # Python's hash of texts differs from process to process; this index never leaves its own
        wanted = hash(identity)
        found = int(self._hashes.searchsorted(wanted, "right")) - 1
        while found >= 0 and self._hashes[found] == wanted:
            stretch, position = divmod(int(self._places[found]), 1 << POSITION_BITS)
            found -= 1
            record = self._stretch(stretch)[position]
            if record is None or tuple([record[name] for name in self._names]) != identity:
                continue
            try:
                read = self._read_record(record)
            except ValueError:
                self._damaged.setdefault(stretch, set()).add(position)
                continue
            yield read

    def openings(self, start: int, view: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The first record that can be read of every segment from number ``start`` on."""
        for segment in self._segments[start:]:
            with suppress(NotASegment), closing(SegmentReader(self._storage.fetch(segment), view)) as reader:
                yield from islice((record for stretch in reader.stretches() for record in stretch.records if record is not None), 1)

    @property
    def segments(self) -> int:
        """How many segments there are."""
        return len(self._segments)

    @property
    def identities(self) -> int:
        """How many identities records have."""
        return len(np.unique(self._hashes))

    def repeated(self, name_prefix: str) -> int:
        """Records in segments of this name that have the identity of another in them."""
        chosen = np.array([segment.name.startswith(name_prefix) for segment in self._segments], bool)
        if not chosen.any():
            return 0
        of_stretch = chosen[np.array([number for number, _, _, _ in self._where], np.int64)]
        hashes = self._hashes[of_stretch[self._places >> POSITION_BITS]]
        return len(hashes) - len(np.unique(hashes))

    def close(self) -> None:
        """Let go of files and memory; nothing is found from now on."""
        for reader in self._readers.values():
            reader.close()
        for held in (self._readers, self._stretches, self._where, self._segments, self._numbers, self._read_to):
            held.clear()
        for noted in (self._damage, self._kept, self._foreign, self._damaged):
            noted.clear()
        self._hashes = self._places = np.empty(0, np.int64)
        self._storage.close()

    def _read(self, number: int, segment: StoredSegment, hashes: array[int], places: array[int]) -> None:
        try:
            reader = SegmentReader(self._storage.fetch(segment), self._identity)
        except NotASegment as error:
            self._foreign[number] = str(error)
            return
        self._foreign.pop(number, None)
        with closing(reader):
            for stretch in reader.stretches(self._read_to[number]):
                place = len(self._where) << POSITION_BITS
                for position, record in enumerate(stretch.records):
                    if record is None:
                        self._damaged.setdefault(len(self._where), set()).add(position)
                    else:
                        hashes.append(hash(tuple([record[name] for name in self._names])))
                        places.append(place + position)
                self._where.append((number, stretch.offset, stretch.size, len(stretch.records)))
                self._kept[number] += len(stretch.records)
        self._read_to[number] = reader.reached
        self._damage[number].size_bytes += reader.damage.size_bytes
        self._damage[number].tail_bytes = reader.damage.tail_bytes

    def _stretch(self, number: int) -> list[dict[str, Any] | None]:
        records = self._stretches.get(number)
        if records is not None:
            self._stretches.move_to_end(number)
            return records
        segment, offset, size, count = self._where[number]
        reader = self._reader(segment)
        records = reader.records(offset, size) if reader is not None else []
        records += [None] * (count - len(records))
        self._stretches[number] = records
        damaged = {position for position, record in enumerate(records) if record is None}
        if damaged:
            self._damaged.setdefault(number, set()).update(damaged)
        if len(self._stretches) > STRETCHES_IN_MEMORY:
            self._stretches.popitem(last=False)
        return records

    def _reader(self, segment: int) -> SegmentReader | None:
        reader = self._readers.get(segment)
        if reader is not None:
            self._readers.move_to_end(segment)
            return reader
        try:
            reader = SegmentReader(self._storage.fetch(self._segments[segment]), self._content)
        except NotASegment:  # removed since, or damaged in what says how to read it
            return None
        self._readers[segment] = reader
        if len(self._readers) > OPEN_SEGMENTS:
            self._readers.popitem(last=False)[1].close()
        return reader


class FailureIndex:
    """The attempts of one run that gave no answer, and among them those that were a request's last."""

    def __init__(self, failures_dir: str, run_id: str, storage: LedgerStorage | None = None) -> None:
        self._run_id = run_id
        self._records = RecordIndex(
            failures_dir,
            FAILED_SCHEMA,
            FAILURE_SCHEMA,
            ("run_id", "row_key"),
            failure_record,
            storage,
        )

    def find(self, row_key: str) -> FailureRecord | None:
        """How the row's request failed in this run, None when it did not: an attempt that was to be followed by another is not a failure."""
        return next((record for record in self._records.find_all(self._run_id, row_key) if record.given_up), None)

    def latest_attempt(self, row_key: str) -> FailureRecord | None:
        """The row's latest recorded attempt without an answer in this run, whether or not it was to be followed by another."""
        return self._records.find(self._run_id, row_key)

    def close(self) -> None:
        """Release the files."""
        self._records.close()
