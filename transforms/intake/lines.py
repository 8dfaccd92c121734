"""Numbered lines of a byte stream, in bounded memory also for very long lines."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple, Protocol

CHUNK_BYTES = 256 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ByteSource(Protocol):
    """What an open file must offer. Not ``readline(size)``, which compressed files on Beam's filesystems do not have."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        ...


class NumberedLine(NamedTuple):
    """One line that is not blank. ``number`` is 1-based and counts blank lines too.

    ``size`` is the length in bytes without the line end. ``text`` is None when the line is longer than was allowed;
    then ``size`` may count the byte order mark and the carriage return too.
    """

    number: int
    text: bytes | None
    size: int


def read_lines(source: ByteSource, max_line_bytes: int) -> Iterator[NumberedLine]:
    """The lines of a source that are not blank, without line ends (LF or CRLF) and without byte order marks.

    A line longer than ``max_line_bytes`` is measured but not held: at most that much of it, and a chunk, is in memory.
    """
    stream = byte_stream(source)
    piece = max_line_bytes + len(BYTE_ORDER_MARK) + len(b"\r\n")  # bytes that do not count must fit too
    number = 0
    while line := stream.readline(piece):
        number += 1
        if len(line) == piece and not line.endswith(b"\n"):
            yield NumberedLine(number, None, len(line) + skip_to_line_end(stream))
            continue
        line = line.rstrip(b"\r\n")
        line = _without_marks(line)
        if not line or line.isspace():
            continue
        size = len(line)
        yield NumberedLine(number, line if size <= max_line_bytes else None, size)


def _without_marks(line: bytes) -> bytes:
    """A line without the byte order mark that each part of a joined file begins with, and without the separator of JSON text sequences."""
    while line.startswith((BYTE_ORDER_MARK, b"\x1e")):
        line = line.removeprefix(BYTE_ORDER_MARK).removeprefix(b"\x1e")
    return line


def with_line_feeds(source: ByteSource, only_after: bytes = b"") -> ByteSource:
    """The source; carriage returns become line feeds if its beginning has no other line ends, as in files of old Mac programs.

    ``only_after``: only if this comes before one of them.
    """
    head = source.read(CHUNK_BYTES)
    begun = PushedBack(head, source)
    return _OneEnd(begun) if b"\n" not in head and only_after + b"\r" in head else begun


class _OneEnd:
    def __init__(self, source: ByteSource) -> None:
        self._source = source

    def read(self, size: int, /) -> bytes:
        return self._source.read(size).replace(b"\r", b"\n")


class PushedBack:
    """A source whose first bytes were read already, from its beginning."""

    def __init__(self, head: bytes, source: ByteSource) -> None:
        self._head = head
        self._source = source

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        if not self._head:
            return self._source.read(size)
        data, self._head = self._head[:size], self._head[size:]
        return data


def line_pieces(source: ByteSource) -> Iterator[tuple[bytes, bool]]:
    """The lines of a source, the longest in several pieces, and whether a piece is the first of its line."""
    stream = byte_stream(source)
    first = True
    while piece := stream.readline(CHUNK_BYTES):
        yield piece, first
        first = piece.endswith(b"\n")


def byte_stream(source: ByteSource) -> io.BufferedReader:
    """The source with a buffer and ``readline``."""
    return io.BufferedReader(_Raw(source), CHUNK_BYTES)


def skip_to_line_end(stream: io.BufferedIOBase) -> int:
    """Read to the end of the line. Returns the number of bytes before the line end."""
    skipped = 0
    while rest := stream.readline(CHUNK_BYTES):
        skipped += len(rest)
        if rest.endswith(b"\n"):
            return skipped - 1 - rest.endswith(b"\r\n")
    return skipped


class _Raw(io.RawIOBase):
    """A source for the io module. It does not close the source; whoever opened it does."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io always passes a memoryview
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
