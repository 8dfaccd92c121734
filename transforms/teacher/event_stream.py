"""Server-sent events from pieces of bytes: the division into pieces does not matter.

Line ends may be LF, CRLF or CR (HTML standard, "Server-sent events"). Two extensions of servers are also supported: a line of JSON without
a field name, and several data lines that are separate events because the empty lines between them are missing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PLAIN = b"data: {"
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

    def feed(self, piece: bytes) -> list[bytes | Event]:
        """The events that end in this piece. One with a single line of JSON comes as its bytes."""
        piece = self._with_line_feeds(piece)
        searched = max(0, len(self._open) - 1)
        self._open += piece
        end = self._open.rfind(b"\n\n", searched)
        if end < 0:
            return []
        blocks = bytes(self._open[:end])
        del self._open[: end + 2]
        return self._events(blocks)

    def finish(self) -> list[bytes | Event]:
        """The last event, if the stream ends without an empty line."""
        blocks = bytes(self._open)
        self._open.clear()
        return self._events(blocks) if blocks else []

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

    def _events(self, blocks: bytes) -> list[bytes | Event]:
        if self._at_start:
            self._at_start = False
            blocks = blocks.removeprefix(BYTE_ORDER_MARK)
        found: list[bytes | Event] = []
        for block in blocks.split(b"\n\n"):
            if block.startswith(_PLAIN) and b"\n" not in block:
                found.append(block[6:])
            elif block:
                found.append(_read_event(block))
        return found


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
