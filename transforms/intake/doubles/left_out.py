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
            self.add(row.origin.ordinal, row.reason, row.detail)

    def add(self, ordinal: int, reason: str, detail: str) -> None:
        """Add a row by its ordinal."""
        self._packed.append(self._packer.compress(orjson.dumps([ordinal, reason, detail]) + b"\n"))

    def packed(self) -> bytes:
        """All of them; nothing can be added after this."""
        return b"".join([*self._packed, self._packer.flush()])


def left_out_again(rows: Iterator[Row], packed: bytes) -> Iterator[Row]:
    """The rows of a stretch, with rejects in place of those that are left out. ``packed`` may also have rows of other stretches."""
    lines = lines_of(packed)
    left_out = next(lines, None)
    for row in rows:
        while left_out is not None and left_out[0] < row.origin.ordinal:
            left_out = next(lines, None)
        if left_out is not None and left_out[0] == row.origin.ordinal:
            yield RejectedRow(row.origin, left_out[1], left_out[2], row.row_key)
        else:
            yield row


def lines_of(packed: bytes) -> Iterator[tuple[int, str, str]]:
    """Ordinal, reason and detail of each row."""
    unpacker, rest = zlib.decompressobj(), b""
    while packed:
        *whole, rest = (rest + unpacker.decompress(packed, _PIECE_BYTES)).split(b"\n")
        packed = unpacker.unconsumed_tail
        for line in whole:
            ordinal, reason, detail = orjson.loads(line)
            yield ordinal, reason, detail
