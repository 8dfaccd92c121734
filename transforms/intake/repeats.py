"""Contents that occur in several parts of the input, and how often each occurs before a part. Contents are identified by 64 bits.

Every part packs its digests into buckets by their last byte. One bucket of all parts is enough to count how often each of its digests
occurs before each part, and a bucket has about a 256th of the rows.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

import numpy as np

_COUNTED = np.dtype([("digest", "<u8"), ("rows", "<u4")])


def packed_buckets(digests: array[int]) -> Iterator[tuple[int, bytes]]:
    """The digests of a part with their counts, by bucket. ``digests`` are 64-bit numbers in any order."""
    found, rows = np.unique(np.frombuffer(digests, np.uint64), return_counts=True)
    buckets = (found & np.uint64(0xFF)).astype(np.uint8)
    order = np.argsort(buckets, kind="stable")
    counted = np.empty(len(found), _COUNTED)
    counted["digest"], counted["rows"] = found[order], rows[order]
    begins = np.searchsorted(buckets[order], np.arange(257))
    for bucket in range(256):
        if begins[bucket] < begins[bucket + 1]:
            yield bucket, counted[begins[bucket] : begins[bucket + 1]].tobytes()


def repeats_before(parts: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """In: one bucket of all parts, by part number. Out: the parts with a digest of an earlier part, and how often it occurs before them."""
    packed = sorted(parts)
    counted = [np.frombuffer(content, _COUNTED) for _, content in packed]
    if not counted:
        return
    every = np.concatenate(counted)
    places = np.repeat(np.arange(len(packed)), [len(part) for part in counted])
    order = np.argsort(every["digest"], kind="stable")  # stable: equal digests stay in the order of the parts
    digests, rows = every["digest"][order], every["rows"][order].astype(np.uint64)
    is_first = np.concatenate(([True], digests[1:] != digests[:-1]))
    sums = np.cumsum(rows) - rows
    firsts = np.flatnonzero(is_first)
    before = sums - np.repeat(sums[firsts], np.diff(np.append(firsts, len(digests))))
    again = np.flatnonzero(~is_first)
    found = np.empty(len(again), _COUNTED)
    found["digest"], found["rows"] = digests[again], before[again]
    of_part = places[order][again]
    for place in np.unique(of_part):
        yield packed[place][0], found[of_part == place].tobytes()


def unpacked_repeats(packed: bytes) -> dict[int, int]:
    """How often each digest occurs before, by digest."""
    if not packed:
        return {}
    counted = np.frombuffer(packed, _COUNTED)
    return dict(zip(counted["digest"].tolist(), counted["rows"].tolist(), strict=True))
