"""Server-sent events from pieces of bytes: the division into pieces does not matter.

Line ends may be LF, CRLF or CR (HTML standard, "Server-sent events"). Two extensions of servers are also supported: a line of JSON without
a field name, and several data lines that are separate events because the empty lines between them are missing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
DATA = b"data: "
_PLAIN = DATA + b"{"
_FIELDS = (b"data", b"event", b"id", b"retry", b"error")
_STATUS_COMMENT = re.compile(rb":\s*HTTP_STATUS/(\d{3})")


class Event(NamedTuple):
    """One event: its name (usually empty), its data lines, and the status in its comment (Alibaba), or None.

    ``is_event``: whether it begins like an event; None if it has only comments.
    """

    data: tuple[bytes, ...]
    name: bytes = b""
    status: int | None = None
    is_event: bool | None = True


class EventReader:
    """Divides a stream into events, in time linear in its length, also for small pieces."""

    def __init__(self) -> None:
        self._open = bytearray()  # the unfinished event
        self._ends_in_return = False
        self._at_start = True

    @property
    def open_bytes(self) -> int:
        """The length of the unfinished event."""
        return len(self._open)

    def feed(self, piece: bytes) -> bytes:
        """The events that end in this piece, each with its empty line."""
        piece = self._with_line_feeds(piece)
        searched = max(0, len(self._open) - 1)
        self._open += piece
        end = self._open.rfind(b"\n\n", searched)
        if end < 0:
            return b""
        blocks = bytes(self._open[: end + 2])
        del self._open[: end + 2]
        return self._without_mark(blocks)

    def finish(self) -> bytes:
        """The last event, if the stream ends without an empty line."""
        blocks = bytes(self._open)
        self._open.clear()
        return self._without_mark(blocks)

    def _with_line_feeds(self, piece: bytes) -> bytes:
        if not piece:
            return piece
        if self._ends_in_return and piece[:1] == b"\n":
            piece = piece[1:]
            self._ends_in_return = False
        if b"\r" in piece:
            self._ends_in_return = piece.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        elif piece:
            self._ends_in_return = False
        return piece

    def _without_mark(self, blocks: bytes) -> bytes:
        if self._at_start and blocks:
            self._at_start = False
            return blocks.removeprefix(BYTE_ORDER_MARK)
        return blocks


def next_event(blocks: bytes, start: int) -> tuple[bytes | Event | None, int]:
    """The event at ``start``, and where the next one begins. One with a single line of JSON comes as its bytes, an empty one as None."""
    end = blocks.find(b"\n\n", start)
    if end < 0:
        end = len(blocks)
    if blocks.startswith(_PLAIN, start) and blocks.find(b"\n", start, end) < 0:
        return blocks[start + len(DATA) : end], end + 2
    return _read_event(blocks[start:end]) if end > start else None, end + 2


def _read_event(block: bytes) -> Event:
    name, status, is_event = b"", None, None
    data = []
    for line in block.split(b"\n"):
        field, colon, value = line.partition(b":")
        if is_event is None and field.strip():
            is_event = field in _FIELDS
        if line[:1] == b"{":
            data.append(line)
        elif not field and colon:
            in_comment = _STATUS_COMMENT.match(line)
            status = int(in_comment[1]) if in_comment is not None else status
        elif field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.strip()
        elif field == b"error":  # llama.cpp
            name = field
            data.append(value)
    return Event(tuple(data), name, status, is_event)
