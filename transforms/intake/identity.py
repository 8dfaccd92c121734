"""Row keys: the same row has the same key in every run, two equal rows have two."""

from __future__ import annotations

from hashlib import blake2b

import orjson

from transforms.elements.rows import ChatMessage, Split


class RowKeys:
    """Gives keys in reading order: a digest of split and messages, and how many equal rows came before.

    Adding, removing or moving other rows changes no key. Memory: one 64-bit number per distinct row.
    """

    def __init__(self, split: Split) -> None:
        self._salt = split.value.encode()
        self._seen: set[int] = set()
        self._repeats: dict[int, int] = {}

    def key(self, messages: tuple[ChatMessage, ...]) -> str:
        """The key of the next row."""
        # a NamedTuple is a tuple to orjson: [["role","content"], ...]
        digest = blake2b(orjson.dumps([list(message) for message in messages]), digest_size=16, key=self._salt)
        short = int.from_bytes(digest.digest()[:8], "big")
        if short not in self._seen:
            self._seen.add(short)
            return digest.hexdigest() + "-0"
        occurrence = self._repeats[short] = self._repeats.get(short, 0) + 1
        return f"{digest.hexdigest()}-{occurrence}"
