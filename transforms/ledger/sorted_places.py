"""Where the records of a ledger are, by key: 16 bytes a record, and no object of Python's for any of them.

Some are in memory. Where there are more, all others are in a temporary file without a name, so a process needs no more memory for a larger
ledger: the system keeps what is read often, and can do without.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

from transforms.ledger.index_maker import OFFSET_BITS
from transforms.ledger.record_keys import REQUEST_BITS
from transforms.ledger.sorted_run import SortedRun, Words

IN_MEMORY_RECORDS = 1 << 18
"""Larger needs more memory, most of all while an index is opened; smaller, more parts to join then."""
_OFFSETS = (1 << OFFSET_BITS) - 1
_SHIFT = np.uint64(OFFSET_BITS)
_NONE = np.empty(0, np.uint64)


def place_of(segment: int, offset: int) -> int:
    """A place in one number: the segment's number above the offset at which the record's block begins."""
    return segment << OFFSET_BITS | offset


def segment_and_offset(place: int) -> tuple[int, int]:
    """The segment's number and the block's offset of a place."""
    return place >> OFFSET_BITS, place & _OFFSETS


class SortedPlaces:
    """Places of records by their keys (``ledger.record_keys``).

    ``in_memory`` records are in memory, more where no file can be written. Raises OSError where the disk fails later.
    """

    def __init__(self, in_memory: int = IN_MEMORY_RECORDS) -> None:
        self._in_memory = in_memory
        self._can_write = True
        self._fresh: list[tuple[Words, Words]] = []
        self._fresh_records = 0
        self._keys, self._places = _NONE, _NONE
        self._file: IO[bytes] | None = None
        self._runs: list[SortedRun] = []  # of the file; one after they were joined

    def __len__(self) -> int:
        return sum(map(len, self._runs)) + len(self._keys) + self._fresh_records

    def add(self, keys: Words, places: Words) -> None:
        """Take in more, in any order."""
        self._fresh.append((keys, places))
        self._fresh_records += len(keys)
        if len(self._keys) + self._fresh_records >= self._in_memory and self._can_write:
            self._take_in()
            self._move_to_file()

    def find(self, first_key: int, last_key: int) -> list[int]:
        """The places of all records whose keys are within these bounds; a place for each record of a block."""
        if self._fresh or len(self._runs) > 1:
            self._settle()
        found = [place for run in self._runs for place in run.find(first_key, last_key)]
        if not len(self._keys):
            return found
        at = int(self._keys.searchsorted(np.uint64(first_key)))
        while at < len(self._keys) and self._keys.item(at) <= last_key:
            found.append(self._places.item(at))
            at += 1
        return found

    def drop(self, segment: int) -> None:
        """Forget the records of a segment."""
        self._take_in()
        if self._runs:
            self._write(segment)
        kept = _segments(self._places) != segment
        self._keys, self._places = self._keys[kept], self._places[kept]

    def with_equal_keys(self, at_most: int) -> list[int]:
        """Places of records whose key another has too."""
        found: list[int] = []
        for keys, places in self._in_order():
            equal = np.zeros(len(keys) + 1, bool)
            equal[1:-1] = keys[1:] == keys[:-1]
            found += places[equal[1:] | equal[:-1]][: at_most - len(found)].tolist()
            if len(found) >= at_most:
                break
        return found

    def of_segment(self, segment: int) -> tuple[Words, Words]:
        """Keys and offsets of one segment's records, in their order there."""
        chosen = [(keys[mask], places[mask]) for keys, places in self._in_order() if (mask := _segments(places) == segment).any()]
        keys = np.concatenate([_NONE, *(keys for keys, _ in chosen)])
        offsets = np.concatenate([_NONE, *(places for _, places in chosen)]) & np.uint64(_OFFSETS)
        order = offsets.argsort(kind="stable")
        return keys[order], offsets[order]

    @property
    def turns(self) -> int:
        """How many turns of rows have a record."""
        return sum(_distinct(keys >> np.uint64(REQUEST_BITS)) for keys, _ in self._in_order())

    def repeated(self, segments: list[int]) -> int:
        """Records in these segments beyond the first of each key."""
        chosen = (keys[np.isin(_segments(places), segments)] for keys, places in self._in_order())
        return sum(len(keys) - _distinct(keys) for keys in chosen)

    def close(self) -> None:
        """Let go of the file; nothing is found from now on."""
        if self._file is not None:
            self._file.close()

    def _in_order(self) -> Iterator[tuple[Words, Words]]:
        """All records by key, in pieces: a turn of a row is not divided."""
        self._take_in()
        bits = min((len(self) // self._in_memory).bit_length(), 64 - REQUEST_BITS)  # keys are spread evenly
        for number in range(1 << bits):
            first = number << 64 - bits
            last = first + (1 << 64 - bits) - 1
            inside = slice(self._keys.searchsorted(np.uint64(first)), self._keys.searchsorted(np.uint64(last), "right"))
            found = [run.between(first, last) for run in self._runs]
            found.append((self._keys[inside], self._places[inside]))
            keys, places = np.concatenate([keys for keys, _ in found]), np.concatenate([places for _, places in found])
            if sum(1 for keys, _ in found if len(keys)) > 1:
                order = keys.argsort(kind="stable")
                keys, places = keys[order], places[order]
            yield keys, places

    def _settle(self) -> None:
        """Prepare for look-ups."""
        self._take_in()
        if len(self._runs) > 1 and self._can_write:
            try:
                self._write()
            except OSError:
                self._can_write = False

    def _take_in(self) -> None:
        if not self._fresh:
            return
        keys = np.concatenate([keys for keys, _ in self._fresh])
        places = np.concatenate([places for _, places in self._fresh])
        self._fresh, self._fresh_records = [], 0
        order = keys.argsort()
        keys, places = keys[order], places[order]
        if len(self._keys):
            # the new ones are few: sorting all again would cost more
            at = self._keys.searchsorted(keys)
            keys, places = np.insert(self._keys, at, keys), np.insert(self._places, at, places)
        self._keys, self._places = keys, places

    def _move_to_file(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
            run = SortedRun(self._file)
            run.append(self._keys, self._places)
        except OSError:
            self._can_write = False
            return
        self._runs.append(run)
        self._keys, self._places = _NONE, _NONE

    def _write(self, without: int | None = None) -> None:
        """All records as one run of a new file, except those of a segment. Raises OSError, and nothing is changed then."""
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        try:
            run = SortedRun(file)
            for keys, places in self._in_order():
                if without is not None:
                    kept = _segments(places) != without
                    keys, places = keys[kept], places[kept]
                run.append(keys, places)
        except OSError:
            file.close()
            raise
        if self._file is not None:
            self._file.close()
        self._file, self._runs = file, [run]
        self._keys, self._places = _NONE, _NONE


def _segments(places: Words) -> NDArray[np.int64]:
    return (places >> _SHIFT).astype(np.int64)


def _distinct(ordered: Words) -> int:
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + 1 if len(ordered) else 0
