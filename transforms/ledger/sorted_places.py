"""Where the records of a ledger are, in two flat arrays: 16 bytes a record, and no object of Python's for any of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transforms.ledger.index_maker import OFFSET_BITS
from transforms.ledger.keys import REQUEST_BITS

_OFFSETS = (1 << OFFSET_BITS) - 1
_SHIFT = np.uint64(OFFSET_BITS)

Words = NDArray[np.uint64]


def place_of(segment: int, offset: int) -> int:
    """A place in one number: the segment's number above the offset at which the record's block begins."""
    return segment << OFFSET_BITS | offset


def segment_and_offset(place: int) -> tuple[int, int]:
    """The segment's number and the block's offset of a place."""
    return place >> OFFSET_BITS, place & _OFFSETS


class SortedPlaces:
    """Places of records by their keys (``ledger.keys``)."""

    def __init__(self) -> None:
        self._keys: Words = np.empty(0, np.uint64)
        self._places: Words = np.empty(0, np.uint64)

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, keys: list[Words], places: list[Words]) -> None:
        """Take in more, in any order; the lists are emptied."""
        if not keys:
            return
        fresh = np.concatenate(keys)
        keys.clear()
        order = fresh.argsort()
        fresh = fresh[order]
        fresh_places = np.concatenate(places)
        places.clear()
        fresh_places = fresh_places[order]
        del order
        if len(self._keys):
            # the new ones are few: sorting all again would cost more
            at = self._keys.searchsorted(fresh)
            fresh, fresh_places = np.insert(self._keys, at, fresh), np.insert(self._places, at, fresh_places)
        self._keys, self._places = fresh, fresh_places

    def drop(self, segment: int) -> None:
        """Forget the records of a segment."""
        kept = self._places >> _SHIFT != np.uint64(segment)
        self._keys, self._places = self._keys[kept], self._places[kept]

    def find(self, first_key: int, last_key: int) -> list[int]:
        """The places of all records whose keys are within these bounds; a place for each record of a block."""
        at = int(self._keys.searchsorted(np.uint64(first_key)))
        found = []
        while at < len(self._keys) and self._keys.item(at) <= last_key:
            found.append(self._places.item(at))
            at += 1
        return found

    def with_equal_keys(self, at_most: int) -> list[int]:
        """Places of records whose key another has too."""
        equal = np.zeros(len(self._keys) + 1, bool)
        equal[1:-1] = self._keys[1:] == self._keys[:-1]
        chosen = np.flatnonzero(equal[1:] | equal[:-1])[:at_most]
        return [int(place) for place in self._places[chosen]]

    def of_segment(self, segment: int) -> tuple[Words, Words]:
        """Keys and offsets of one segment's records, in their order there."""
        chosen = np.flatnonzero(self._places >> _SHIFT == np.uint64(segment))
        offsets = self._places[chosen] & np.uint64(_OFFSETS)
        order = offsets.argsort(kind="stable")
        return self._keys[chosen][order], offsets[order]

    @property
    def turns(self) -> int:
        """How many turns of rows have a record."""
        return _distinct(self._keys >> np.uint64(REQUEST_BITS))

    def repeated(self, segments: list[int]) -> int:
        """Records in these segments beyond the first of each key."""
        if not segments:
            return 0
        chosen = np.zeros(max(segments) + 2, bool)
        chosen[segments] = True
        keys = self._keys[chosen[np.minimum(self._places >> _SHIFT, np.uint64(len(chosen) - 1)).astype(np.intp)]]
        return len(keys) - _distinct(keys)


def _distinct(ordered: Words) -> int:
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + 1 if len(ordered) else 0
