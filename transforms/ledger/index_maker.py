"""Making the index beside a segment, entry by entry, as the segment is written. Its layout: ``ledger.index_file``."""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct

from transforms.ledger.record_keys import key_of

INDEX_SUFFIX = ".index"
"""What an index is called behind the whole name of its segment."""
ENTRY_BYTES = 16
OFFSET_BITS = 40
CHECK_BITS = 24
HEADER_KEY = int.from_bytes(b"ledger-1", "little")
FACTORS = (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93)
"""Odd, with bits as if by chance: they spread every bit of what they multiply over the higher ones."""
_WORD = 2**64 - 1
_ENTRY = Struct("<QQ")


class IndexMaker:
    """Makes the index of the segment with this file name, whose header takes so many bytes, as its blocks are written."""

    def __init__(self, segment_name: str, header_bytes: int) -> None:
        self._name = name_word(segment_name)
        self._end = 0
        self._entries = bytearray()
        self._add(HEADER_KEY, header_bytes)

    def add(self, row_key: str, turn: int, request: str, block_bytes: int) -> None:
        """The next record, in a block of its own of this size."""
        self._add(key_of(row_key, turn, request), self._end + block_bytes)

    def take(self) -> bytes:
        """The entries since the last call."""
        entries = bytes(self._entries)
        self._entries.clear()
        return entries

    def _add(self, key: int, end: int) -> None:
        # as index_file checks it, with arrays, which cost too much for a few entries
        mixed = (key ^ self._name) * FACTORS[0] & _WORD
        mixed ^= mixed >> 32 ^ end ^ self._end << CHECK_BITS
        mixed = mixed * FACTORS[1] & _WORD
        mixed = (mixed ^ mixed >> 32) * FACTORS[0] & _WORD
        self._entries += _ENTRY.pack(key, end << CHECK_BITS | mixed >> 64 - CHECK_BITS)
        self._end = end


def name_word(segment_name: str) -> int:
    """What of a segment's name goes into the checks of its index."""
    return int.from_bytes(blake2b(segment_name.encode("utf-8", "replace"), digest_size=8).digest(), "little")
