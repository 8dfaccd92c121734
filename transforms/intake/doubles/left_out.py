"""The rows of a stretch that are left out, as bytes: decided once, and the same when the stretch is read again."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import orjson

from transforms.elements.flow import Row
from transforms.elements.reasons import LEFT_OUT
from transforms.elements.rows import RejectedRow

_PIECE_BYTES = 64 * 1024


class LeftOutRows:
    """Packs rejects as lines of JSON, compressed: some 20 bytes each."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(6)
        self._packed: list[bytes] = []

    def note(self, row: Row) -> None:
        """Add a row if it is left out. Rows come in reading order."""
        if isinstance(row, RejectedRow) and row.reason in LEFT_OUT:
            self._packed.append(self._packer.compress(orjson.dumps([row.origin.ordinal, row.reason, row.detail]) + b"\n"))

    def packed(self) -> bytes:
        """All of them; nothing can be added after this."""
        return b"".join([*self._packed, self._packer.flush()])


def left_out_again(rows: Iterator[Row], packed: bytes) -> Iterator[Row]:
    """The rows of a stretch, with rejects in place of those that are left out."""
    lines = _lines(packed)
    ordinal, reason, detail = next(lines, (-1, "", ""))
    for row in rows:
        if row.origin.ordinal == ordinal:
            yield RejectedRow(row.origin, reason, detail, row.row_key)
            ordinal, reason, detail = next(lines, (-1, "", ""))
        else:
            yield row


def _lines(packed: bytes) -> Iterator[tuple[int, str, str]]:
    unpacker, rest = zlib.decompressobj(), b""
    while packed:
        *whole, rest = (rest + unpacker.decompress(packed, _PIECE_BYTES)).split(b"\n")
        packed = unpacker.unconsumed_tail
        for line in whole:
            ordinal, reason, detail = orjson.loads(line)
            yield ordinal, reason, detail
