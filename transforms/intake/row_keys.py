"""Row keys: the same in every run and on every machine, and different for every row of a split."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import orjson

from transforms.elements.rows import ChatMessage, Split
from transforms.intake.key_set import KeySet
from transforms.intake.repeats import unpacked_repeats

DIGEST_BYTES = 16


def content_digest(split: Split, messages: Sequence[ChatMessage]) -> bytes:
    """16 bytes that identify a split and the messages of a row.

    BLAKE2b over ``[split, role, content, role, content, ...]`` as compact JSON in UTF-8. Only sent and written
    texts count: not spacing, escapes, the order of keys or other keys of the line.
    """
    flat = [split.value]
    for message in messages:
        flat += message
    return blake2b(orjson.dumps(flat), digest_size=DIGEST_BYTES).digest()


def short_digest(digest: bytes) -> int:
    """64 bits of a content digest, to count rows with the same content."""
    return int.from_bytes(digest[:8], "little")


class RowKeys:
    """The keys of one split's rows, in input order. ``repeats`` has the number of earlier rows by content, packed by the module ``repeats``.

    A key is the content digest and the number of earlier rows with the same content: ``...-0``, ``...-1``. For content
    seen once, only 64 bits are kept. If two contents share these, the count of the second one starts at 1, and all keys
    are still different.
    """

    def __init__(self, split: Split, repeats: bytes = b"") -> None:
        self._split = split
        self._seen = KeySet()
        self._earlier = unpacked_repeats(repeats)

    def next_key(self, messages: Sequence[ChatMessage]) -> str:
        """The key of the next row."""
        digest = content_digest(self._split, messages)
        short = short_digest(digest)
        earlier = 0
        if not self._seen.add(short):
            earlier = self._earlier.get(short, 1)
            self._earlier[short] = earlier + 1
        elif self._earlier:
            earlier = self._earlier.get(short, 0)
            if earlier:
                self._earlier[short] = earlier + 1
        return f"{digest.hex()}-{earlier}"
