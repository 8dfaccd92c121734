"""Numbered lines of a binary stream, blank ones skipped, none held in memory beyond a bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

UTF8_BOM = b"\xef\xbb\xbf"


class LineStream(Protocol):
    """What is needed of an open file."""

    def readline(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class NumberedLine:
    """One line without its end. ``number`` is 1-based; ``text`` is None when the line was longer than allowed."""

    number: int
    text: bytes | None
    size_bytes: int


def read_lines(stream: LineStream, max_line_bytes: int) -> Iterator[NumberedLine]:
    """Every line that is not blank: LF or CRLF ends, a byte order mark at the start is dropped."""
    number = 0
    while True:
        raw = stream.readline(max_line_bytes + 1)
        if not raw:
            return
        number += 1
        size = len(raw)
        if size > max_line_bytes and not raw.endswith(b"\n"):
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(max_line_bytes + 1)
                size += len(raw)
            yield NumberedLine(number, None, size)
            continue
        if number == 1 and raw.startswith(UTF8_BOM):
            raw = raw[len(UTF8_BOM) :]
        text = raw.strip()
        if text:
            yield NumberedLine(number, text, size)
