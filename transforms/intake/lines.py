"""Numbered lines of a byte stream, in bounded memory also for very long lines."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from typing import NamedTuple, Protocol

CHUNK_BYTES = 256 * 1024
LITTLE_BYTES = 8 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ByteSource(Protocol):
    """What an open file must offer. Not ``readline(size)``, which compressed files on Beam's filesystems do not have."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        ...


class SeekableSource(ByteSource, Protocol):
    """An open file that can be read from any place."""

    def seek(self, offset: int, origin: int = 0, /) -> int:
        """Go to a byte; ``origin`` 2 counts from the end."""
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
    yield from _lines(byte_stream(source), max_line_bytes, 0, None)


def read_lines_between(source: SeekableSource, begin: int, end: int, before: int, max_line_bytes: int) -> Generator[NumberedLine, None, int]:
    """The lines that begin at the bytes from ``begin`` up to ``end``, as ``read_lines`` gives them, numbered on from ``before``.

    The last may go on behind ``end``. Returns the number of the last line, a blank one too.
    """
    skipped = 0
    source.seek(max(begin - 1, 0))
    stream = byte_stream(_LittleBehind(source, end - max(begin - 1, 0)))
    if begin:
        while piece := stream.readline(CHUNK_BYTES):  # the rest of a line that began before, or the line end of the one that ended here
            skipped += len(piece)
            if piece.endswith(b"\n"):
                break
        skipped -= 1
    return (yield from _lines(stream, max_line_bytes, before, end - begin - skipped))


def _lines(stream: io.BufferedReader, max_line_bytes: int, number: int, within_bytes: int | None) -> Generator[NumberedLine, None, int]:
    """The lines that begin within so many bytes, numbered on from ``number``; returns the last number."""
    piece = max_line_bytes + len(BYTE_ORDER_MARK) + len(b"\r\n")  # what does not count still has to fit
    left = float("inf") if within_bytes is None else within_bytes
    while left > 0 and (line := stream.readline(piece)):
        number += 1
        left -= len(line)
        if len(line) == piece and not line.endswith(b"\n"):
            skipped, with_its_end = _skip_line(stream)
            left -= with_its_end
            yield NumberedLine(number, None, len(line) + skipped)
            continue
        line = line.rstrip(b"\r\n")
        line = _without_marks(line)
        if not line or line.isspace():
            continue
        size = len(line)
        yield NumberedLine(number, line if size <= max_line_bytes else None, size)
    return number


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
    return _OneEnd(begun) if has_carriage_returns(head, only_after) else begun


def has_carriage_returns(head: bytes, only_after: bytes = b"") -> bool:
    """Whether the first bytes of a file have carriage returns for line ends, and no others."""
    return b"\n" not in head and only_after + b"\r" in head


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


class _LittleBehind:
    """A source of which only the rest of a line is wanted behind some bytes: what comes there is read a little at a time."""

    def __init__(self, source: ByteSource, wanted_bytes: int) -> None:
        self._source = source
        self._left = wanted_bytes

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        data = self._source.read(min(size, self._left if self._left > 0 else LITTLE_BYTES))
        self._left -= len(data)
        return data


def even_cuts(begin: int, end: int, part_bytes: int) -> list[tuple[int, int]]:
    """The bytes from ``begin`` to ``end`` in stretches of the same length, at most ``part_bytes`` each."""
    count = max(1, -(-(end - begin) // part_bytes))
    places = [begin + (end - begin) * number // count for number in range(count + 1)]
    return list(zip(places, places[1:], strict=False))


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
    return _skip_line(stream)[0]


def _skip_line(stream: io.BufferedIOBase) -> tuple[int, int]:
    """Read to the end of the line. Returns the number of bytes before the line end, and with it."""
    skipped = 0
    while rest := stream.readline(CHUNK_BYTES):
        skipped += len(rest)
        if rest.endswith(b"\n"):
            return skipped - 1 - rest.endswith(b"\r\n"), skipped
    return skipped, skipped


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
