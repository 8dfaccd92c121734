"""JSON lines: one object a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import orjson

from transforms.elements import reasons
from transforms.intake.formats.base import LOOKS_EVERY, Record, first_columns
from transforms.intake.lines import ByteSource, byte_stream, read_lines
from transforms.intake.rows import OBJECT, UnusableRecord, named


class JsonLines:
    """Any line may be broken without harm to the others."""

    names_columns: ClassVar[bool] = False
    numbered_by: ClassVar[str] = "line"

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every line that is not blank."""
        for number, text, size in read_lines(source, max_row_bytes):
            yield number, too_large(size, max_row_bytes) if text is None else fields_of(text)

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The lines that are not blank; nothing is parsed."""
        number = 0
        for line in byte_stream(source):
            number += not line.isspace()
            if not number % LOOKS_EVERY and not go_on(number):
                break
        return number

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The keys of the objects on the first lines."""
        return first_columns(self.records(source, max_row_bytes, None))


def fields_of(line: bytes) -> dict[str, Any] | UnusableRecord:
    """The object on a line, or why there is none."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return _unreadable(line, error)
    if not isinstance(fields, dict):
        return UnusableRecord(reasons.NOT_AN_OBJECT, f"the line holds {named(fields)}; {OBJECT}")
    return fields


def too_large(size: int, max_row_bytes: int) -> UnusableRecord:
    """What to say of a line that is longer than is read."""
    return UnusableRecord(
        reasons.ROW_TOO_LARGE,
        f"the line is {size:,} bytes long, at most {max_row_bytes:,} are read; shorten it, or look whether line ends are missing",
    )


def _unreadable(line: bytes, error: orjson.JSONDecodeError) -> UnusableRecord:
    if b"\x00" in line[:8] or line[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return UnusableRecord(reasons.NOT_UTF8, "the line looks like UTF-16, not UTF-8. Save the file as UTF-8")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as undecodable:
        place = undecodable.start
        return UnusableRecord(reasons.NOT_UTF8, f"byte {place + 1} of the line (0x{line[place]:02x}) is not UTF-8. Save the file as UTF-8")
    if error.pos >= len(text):
        found = "the line ends there, and a row must stand whole on one line"
    else:
        found = f"found {text[error.pos : error.pos + 20]!r}"
    return UnusableRecord(reasons.INVALID_JSON, f"not JSON at column {error.colno}: {error.msg}; {found}; {OBJECT}, on one line")
