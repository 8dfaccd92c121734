"""What a record is found by: 64 bits of what it belongs to, the same in every process and on every machine."""

from __future__ import annotations

from hashlib import blake2b
from zlib import crc32

REQUEST_BITS = 16
"""The lowest bits are the request's, all others the row's and the turn's: so both a request and all requests about a turn are found."""
_REQUESTS = 1 << REQUEST_BITS


def key_of(row_key: str, turn: int, request: str) -> int:
    """The key of a record. Two records may have the same, so whoever finds one compares what it belongs to."""
    return first_key_of(row_key, turn) | crc32(request.encode("utf-8", "replace")) & (_REQUESTS - 1)


def first_key_of(row_key: str, turn: int) -> int:
    """The least key that a record of this row and turn can have; the greatest is that of ``last_key_from``."""
    digest = blake2b(f"{row_key} {turn}".encode("utf-8", "replace"), digest_size=8 - REQUEST_BITS // 8).digest()
    return int.from_bytes(digest, "little") << REQUEST_BITS


def last_key_from(first_key: int) -> int:
    """The greatest key of the row and turn whose least key is given."""
    return first_key | (_REQUESTS - 1)
