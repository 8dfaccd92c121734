"""Finding records of the ledger again by what they belong to.

Where the records are is read from the index beside each segment, and from the segment itself where that has none, or one that is too short
or wrong; the records stay where they are, and are read when they are looked up. One rule says which of several records is current, for
everyone who asks: the last that can be read, in the order of the segments' names and of the records in a segment.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from transforms.ledger.avro_schema import IDENTITY_SCHEMA, record_key
from transforms.ledger.index_file import index_content
from transforms.ledger.known_segment import KnownSegment
from transforms.ledger.record_keys import first_key_of, key_of, last_key_from
from transforms.ledger.segment_reader import Block, Damage, NotASegment, SegmentReader
from transforms.ledger.segments import TornSegment, lost_of, name_prefix_of
from transforms.ledger.sorted_places import SortedPlaces, place_of, segment_and_offset
from transforms.ledger.storage import DirectoryStorage, LedgerStorage

BLOCKS_IN_MEMORY = 32
"""Blocks of many records, as old ledgers have them: neighbours are often looked up together."""
REPEATED_LOOKED_AT = 10_000
"""To say what is damaged; more would take seconds."""
SCANNED_AT_ONCE = 10_000
"""Records without an index whose keys are held as numbers of Python's, 70 bytes each."""
WORTH_KEEPING = 1_000
"""Records that must have been read without an index before one is written: for fewer it is not worth a file."""

FoundT = TypeVar("FoundT")
_FOUND = itemgetter(2)


class Identity(NamedTuple):
    """What records belong to: row, turn and request of each, and the fields that it is read from."""

    view: dict[str, Any]
    of: Callable[[dict[str, Any]], tuple[str, int, str]]


ANSWERED = Identity(IDENTITY_SCHEMA, lambda record: (record_key(record), record["turn"], record["request_hash"]))


class RecordIndex(Generic[FoundT]):
    """Records of a folder of segments by what they belong to.

    ``content`` is the view of what is looked up, with the fields of the identity; ``read`` makes of a record what is found; where it raises
    ValueError, the record is damaged.
    """

    def __init__(
        self,
        folder: str,
        identity: Identity,
        content: dict[str, Any],
        read: Callable[[dict[str, Any]], FoundT],
        storage: LedgerStorage | None,
    ) -> None:
        self._folder = folder
        self._identity = identity
        self._content = content
        self._read_record = read
        self._storage = storage or DirectoryStorage()
        self._segments: list[KnownSegment] = []
        self._numbers: dict[str, int] = {}
        self._ranks: list[int] = []  # of each segment, its place among all by name
        self._places = SortedPlaces()
        self._damaged: dict[int, set[int]] = {}  # of a block's place, the positions of records that cannot be read
        self._readers: OrderedDict[int, SegmentReader] = OrderedDict()
        self._blocks: OrderedDict[int, Block] = OrderedDict()
        self._looked_at = 0  # how many records there were when ``torn`` looked at those that have another of the same request
        self._opened: set[str] = set()  # the runs that ``openings`` gave a record of
        self._unopened: list[int] = []  # segments that may be of others
        self.refresh()

    @property
    def size(self) -> int:
        """Records, those that a later one supersedes included."""
        return len(self._places)

    @property
    def turns(self) -> int:
        """How many turns of rows have a record."""
        return self._places.turns

    @property
    def torn(self) -> list[TornSegment]:
        """Segments of which something could not be read, as far as it was looked at.

        Looks at records that have another of the same request: a damaged one was asked again, and nobody looks it up any more.
        """
        looked_at, self._looked_at = self._looked_at, len(self._places)
        for place in self._places.with_equal_keys(REPEATED_LOOKED_AT) if looked_at != len(self._places) else ():
            block = self._block(place)
            unreadable = {position for position, record in enumerate(block.records) if record is None} if block is not None else {0}
            if unreadable:
                self._damaged.setdefault(place, set()).update(unreadable)
        records = [0] * len(self._segments)
        for place, positions in self._damaged.items():
            records[segment_and_offset(place)[0]] += len(positions)
        found = []
        for segment, damaged in zip(self._segments, records, strict=True):
            why = segment.foreign or lost_of(Damage(damaged, segment.damage.size_bytes, segment.damage.tail_bytes))
            if why:
                found.append(TornSegment(segment.stored.path, segment.kept - damaged, why))
        return found

    def refresh(self) -> None:
        """Take in what was recorded since: new segments, and what grew of the others. Costs a listing when nothing was."""
        before = len(self._segments)
        grown = []
        for stored in self._storage.segments(self._folder):
            number = self._numbers.setdefault(stored.path, len(self._segments))
            if number == len(self._segments):
                self._segments.append(KnownSegment(stored))
                self._unopened.append(number)
            elif stored.size <= self._segments[number].covered:
                continue
            self._segments[number].stored = stored
            grown.append(number)
        if len(self._segments) > before:
            by_name = sorted(range(len(self._segments)), key=lambda number: self._segments[number].stored.name)
            self._ranks = np.argsort(by_name).tolist()
        wanted = [(number, self._segments[number]) for number in grown]
        indexed = [(number, one) for number, one in wanted if one.index_bytes is not None and one.index_bytes < one.stored.index_size]
        contents = self._storage.indexes([(one.stored, one.index_bytes or 0) for _, one in indexed])
        for (number, _), content in zip(indexed, contents, strict=True):
            for keys, begins in self._segments[number].take_entries(content):
                self._places.add(keys, begins | np.uint64(place_of(number, 0)))
        for number in grown:
            stored = self._segments[number].stored
            if self._segments[number].covered < stored.size or not stored.size:
                self._scan(number)

    def find(self, row_key: str, turn: int, request: str | None = None) -> FoundT | None:
        """The current record of this, None when there is none."""
        return next(self.find_all(row_key, turn, request), None)

    def find_all(self, row_key: str, turn: int, request: str | None = None) -> Iterator[FoundT]:
        """Every record of a request, or of all requests about a turn of a row, the current one first."""
        return map(_FOUND, self._all(row_key, turn, request))

    def is_current(self, path: str, offset: int, position: int, row_key: str, turn: int) -> bool:
        """Whether the record at this position of a block is the current one of its row and turn. One that came after this index is."""
        number = self._numbers.get(path)
        if number is None or offset >= self._segments[number].covered:
            return True
        place = place_of(number, offset)
        first = first_key_of(row_key, turn)
        if self._places.find(first, last_key_from(first)) == [place]:
            return True
        current = next(self._all(row_key, turn, None), None)
        return current is None or current[:2] == (place, position)

    def openings(self, view: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """One record of every run that has any and did not give one before."""
        unopened, self._unopened = self._unopened, []
        for number in unopened:
            segment = self._segments[number]
            prefix = name_prefix_of(segment.stored.name)
            if prefix in self._opened:
                continue
            with suppress(NotASegment), closing(SegmentReader(self._storage.open(segment.stored), view)) as reader:
                first = next((record for block in reader.blocks() for record in block.records if record is not None), None)
                if first is not None:
                    self._opened.add(prefix)
                    yield first
                    continue
            self._unopened.append(number)

    def repeated(self, name_prefix: str) -> int:
        """Records in segments of this name that belong to the same as another in them."""
        return self._places.repeated([number for number, one in enumerate(self._segments) if one.stored.name.startswith(name_prefix)])

    def write_indexes(self) -> None:
        """Write an index for every complete segment that was largely read without one, for the next reader."""
        for number, segment in enumerate(self._segments):
            if segment.made_again < WORTH_KEEPING or segment.covered != segment.stored.size or segment.damage != Damage():
                continue
            segment.made_again = 0
            keys, begins = self._places.of_segment(number)
            if len(keys) != segment.kept:
                continue
            after = np.append(np.unique(begins), np.uint64(segment.covered))
            ends = after[after.searchsorted(begins, "right")]
            self._storage.write_index(segment.stored, index_content(segment.stored.name, segment.header_bytes, keys, ends))

    def close(self) -> None:
        """Let go of files and memory; nothing is found from now on."""
        for reader in self._readers.values():
            reader.close()
        for held in (self._readers, self._blocks, self._segments, self._numbers, self._ranks, self._damaged):
            held.clear()
        self._places.close()
        self._places = SortedPlaces()
        self._storage.close()

    def _all(self, row_key: str, turn: int, request: str | None) -> Iterator[tuple[int, int, FoundT]]:
        """Place, position in the block and what is found, of every record of this that can be read, the current one first."""
        first = first_key_of(row_key, turn) if request is None else key_of(row_key, turn, request)
        last = last_key_from(first) if request is None else first
        before: tuple[int, int] | None = None
        while True:
            order, place = self._last_place(first, last, before)
            if order is None:
                return
            block = self._block(place)
            found, is_as_indexed = [], False
            for position, record in enumerate(block.records if block is not None else ()):
                if record is None:
                    is_as_indexed = True
                    self._damaged.setdefault(place, set()).add(position)
                    continue
                belongs = self._identity.of(record)
                if belongs[:2] == (row_key, turn) and request in (None, belongs[2]):
                    found.append((position, record))
            if not found and not is_as_indexed and not self._has_key(block, first, last) and self._distrust(place):
                continue
            if block is None:
                self._damaged.setdefault(place, set()).add(0)
            before = order
            for position, record in reversed(found):
                try:
                    read = self._read_record(record)
                except ValueError:
                    self._damaged.setdefault(place, set()).add(position)
                    continue
                yield place, position, read

    def _last_place(self, first: int, last: int, before: tuple[int, int] | None) -> tuple[tuple[int, int] | None, int]:
        """The last place with such a key in the ledger's order, before the one that is given; its order is None when there is none."""
        places = self._places.find(first, last)
        if len(places) == 1 and before is None:
            return (0, 0), places[0]
        found: tuple[int, int] | None = None
        at = 0
        for place in places:
            number, offset = segment_and_offset(place)
            order = self._ranks[number], offset
            if (before is None or order < before) and (found is None or order > found):
                found, at = order, place
        return found, at

    def _has_key(self, block: Block | None, first: int, last: int) -> bool:
        """Whether a block has a record with such a key, of another that happens to have the same."""
        records = block.records if block is not None else ()
        return any(record is not None and first <= key_of(*self._identity.of(record)) <= last for record in records)

    def _distrust(self, place: int) -> bool:
        """Read the segment of a place itself, since its index is wrong about it; False where that was done before."""
        number, _ = segment_and_offset(place)
        segment = self._segments[number]
        if segment.index_bytes is None:
            return False
        self._forget(number)
        self._scan(number)
        return True

    def _forget(self, number: int) -> KnownSegment:
        """Forget what was read of a segment, and do not believe its index again."""
        self._places.drop(number)
        self._segments[number] = KnownSegment(self._segments[number].stored, None)
        for place in [place for place in self._damaged if segment_and_offset(place)[0] == number]:
            del self._damaged[place]
        return self._segments[number]

    def _scan(self, number: int) -> None:
        """Read a segment itself from where its index ends."""
        segment = self._segments[number]
        try:
            reader = SegmentReader(self._storage.open(segment.stored, whole=True), self._identity.view)
        except NotASegment as error:
            segment.foreign = str(error)
            return
        segment.foreign = None
        keys: list[int] = []
        places: list[int] = []
        with closing(reader):
            if segment.index_bytes and segment.covered == segment.indexed and not reader.ends_a_block(segment.covered):
                segment = self._forget(number)
            for block in reader.blocks(segment.covered):
                place = place_of(number, block.offset)
                for position, record in enumerate(block.records):
                    if record is None:
                        self._damaged.setdefault(place, set()).add(position)
                    else:
                        keys.append(key_of(*self._identity.of(record)))
                        places.append(place)
                segment.kept += len(block.records)
                if len(keys) >= SCANNED_AT_ONCE:
                    segment.made_again += self._take_in(keys, places)
            segment.made_again += self._take_in(keys, places)
        segment.header_bytes = reader.header_bytes
        segment.covered = reader.reached
        segment.damage.size_bytes += reader.damage.size_bytes
        segment.damage.tail_bytes = reader.damage.tail_bytes

    def _take_in(self, keys: list[int], places: list[int]) -> int:
        """Take in records, and empty the lists; returns how many they were."""
        taken = len(keys)
        self._places.add(np.array(keys, np.uint64), np.array(places, np.uint64))
        keys.clear()
        places.clear()
        return taken

    def _block(self, place: int) -> Block | None:
        """The block at a place; None where none is."""
        block = self._blocks.get(place)
        if block is not None:
            self._blocks.move_to_end(place)
            return block
        number, offset = segment_and_offset(place)
        reader = self._reader(number)
        block = None if reader is None else reader.block(offset)
        if block is not None and len(block.records) > 1:
            self._blocks[place] = block
            if len(self._blocks) > BLOCKS_IN_MEMORY:
                self._blocks.popitem(last=False)
        return block

    def _reader(self, number: int) -> SegmentReader | None:
        reader = self._readers.get(number)
        if reader is not None:
            self._readers.move_to_end(number)
            return reader
        try:
            reader = SegmentReader(self._storage.open(self._segments[number].stored), self._content)
        except NotASegment:  # removed since, or damaged in what says how to read it
            return None
        self._readers[number] = reader
        if len(self._readers) > self._storage.open_at_once:
            self._readers.popitem(last=False)[1].close()
        return reader
