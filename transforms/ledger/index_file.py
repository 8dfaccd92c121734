"""The index beside a segment: 16 bytes for each record, in the order of the segment.

An entry is two little-endian 64-bit words: the record's key (``ledger.record_keys``), and the offset at which its block ends (40 bits) above a
check (24 bits) over the key, the offset, that of the entry before and the segment's name. A block begins where the one before it ends. The
first entry is that of the segment's header, with a key of its own. What damage, a torn write or another segment's index leaves behind is
known by the check.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.ledger.index_maker import CHECK_BITS, ENTRY_BYTES, FACTORS, HEADER_KEY, name_word

Words = NDArray[np.uint64]


class Entries(NamedTuple):
    """The entries of an index that can be believed, in order: keys, and where each record's block begins and ends."""

    keys: Words
    begins: Words
    ends: Words


NO_ENTRIES = Entries(*(np.empty(0, np.uint64) for _ in range(3)))


def index_content(segment_name: str, header_bytes: int, keys: Words, ends: Words) -> bytes:
    """A whole index. Records of one block have the same end."""
    words = np.empty((len(keys) + 1, 2), "<u8")
    words[:, 0] = np.append(np.uint64(HEADER_KEY), keys)
    ends = np.append(np.uint64(header_bytes), ends)
    words[:, 1] = ends << np.uint64(CHECK_BITS) | _checks(segment_name, words[:, 0], _before(ends, 0), ends)
    return words.tobytes()


def read_entries(content: bytes, segment_name: str, segment_bytes: int, follows: int | None = None) -> Entries:
    """The entries up to the first that cannot be believed, or that is about more than the ``segment_bytes`` there are.

    ``follows`` is where the entries before ``content`` end; None where it begins with that of the header.
    """
    words = np.frombuffer(content, "<u8", len(content) // ENTRY_BYTES * 2).reshape(-1, 2)
    keys, ends = words[:, 0], words[:, 1] >> np.uint64(CHECK_BITS)
    believed = (words[:, 1] & np.uint64((1 << CHECK_BITS) - 1)) == _checks(segment_name, keys, _before(ends, follows or 0), ends)
    believed &= ends <= np.uint64(segment_bytes)
    believed[1:] &= ends[1:] >= ends[:-1]
    if len(keys):
        believed[0] &= keys.item(0) == HEADER_KEY if follows is None else ends.item(0) >= follows
    wrong = np.flatnonzero(~believed)
    count = int(wrong[0]) if len(wrong) else len(keys)
    keys, ends = keys[:count].copy(), ends[:count]
    if follows is None:
        if not count:
            return NO_ENTRIES
        keys, ends, follows = keys[1:], ends[1:], int(ends[0])
    return Entries(keys, _begins(ends, follows), ends)


def _before(ends: Words, first: int) -> Words:
    """For each entry the end of the one before it."""
    before = np.empty_like(ends)
    before[:1] = first
    before[1:] = ends[:-1]
    return before


def _begins(ends: Words, first: int) -> Words:
    """Where the blocks begin that end there; records of one block, with the same end, begin together."""
    before = _before(ends, first)
    # what begins where it ends is another record of the block before; begins never sink, so the greatest so far is that of its block
    begins: Words = np.maximum.accumulate(np.where(before == ends, np.uint64(0), before))
    return begins


def _checks(segment_name: str, keys: Words, before: Words, ends: Words) -> Words:
    mixed = (keys ^ np.uint64(name_word(segment_name))) * np.uint64(FACTORS[0])
    mixed ^= mixed >> np.uint64(32)
    mixed ^= ends ^ before << np.uint64(CHECK_BITS)
    mixed *= np.uint64(FACTORS[1])
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(FACTORS[0])
    checks: Words = mixed >> np.uint64(64 - CHECK_BITS)
    return checks
