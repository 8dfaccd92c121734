"""JSON lines: one object a line."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, ClassVar

from transforms.elements import reasons
from transforms.intake.formats.base import LOOKS_EVERY, Record, first_columns
from transforms.intake.formats.json_value import json_value
from transforms.intake.lines import (
    CHUNK_BYTES,
    ByteSource,
    SeekableSource,
    even_cuts,
    has_carriage_returns,
    line_pieces,
    read_lines,
    read_lines_between,
    with_line_feeds,
)
from transforms.intake.unusable import OBJECT, UnusableRecord, named

Fields = dict[str, Any] | UnusableRecord
"""What a line holds, or why it is not a record."""


class JsonLines:
    """A broken line does not affect the others."""

    numbered_by: ClassVar[str] = "line"
    counts_by_parsing: ClassVar[bool] = False
    counts_by_footer: ClassVar[bool] = False

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every line that is not blank."""
        for number, text, size in read_lines(with_line_feeds(source, b"}"), max_row_bytes):
            yield number, _fields(text, size, max_row_bytes)

    def cuts(self, source: SeekableSource, size_bytes: int, part_bytes: int) -> list[tuple[int, int]]:
        """Bytes. The lines of a file with old line ends of the Mac are found by reading it from its beginning."""
        return [] if has_carriage_returns(source.read(CHUNK_BYTES), b"}") else even_cuts(0, size_bytes, part_bytes)

    def records_between(
        self, source: SeekableSource, stretch: tuple[int, int], before: int, max_row_bytes: int, columns: frozenset[str] | None
    ) -> Generator[Record, None, int]:
        """A record for every line that begins in the stretch and is not blank."""
        return (yield from line_records(source, stretch, before, max_row_bytes, _fields))

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The lines that are not blank; nothing is parsed."""
        number = 0
        counted = False
        for piece, first in line_pieces(with_line_feeds(source, b"}")):
            counted = counted and not first
            if not counted and not piece.isspace():
                counted = True
                number += 1
                if not number % LOOKS_EVERY and not go_on(number):
                    break
        return number

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The keys of the objects on the first lines."""
        return first_columns(self.records(source, max_row_bytes, None))


def line_records(
    source: SeekableSource, stretch: tuple[int, int], before: int, max_row_bytes: int, fields: Callable[[bytes | None, int, int], Fields]
) -> Generator[Record, None, int]:
    """A record for every line that begins in the stretch and is not blank. ``fields`` reads a line (None: too long), given its size and
    ``max_row_bytes``. Returns the number of the last line, a blank one too."""
    lines = read_lines_between(source, *stretch, before, max_row_bytes)
    while True:
        try:
            number, line, size = next(lines)
        except StopIteration as end:
            return int(end.value)
        yield number, fields(line, size, max_row_bytes)


def _fields(line: bytes | None, size: int, max_row_bytes: int) -> Fields:
    return too_large(size, max_row_bytes) if line is None else fields_of(line)


def fields_of(line: bytes) -> dict[str, Any] | UnusableRecord:
    """The object on a line, or why there is none."""
    try:
        fields = json_value(line)
    except UnusableRecord as unusable:
        if unusable.reason != reasons.INVALID_JSON:
            return unusable
        return UnusableRecord(unusable.reason, f"{unusable.detail}; {OBJECT}, on one line")
    if not isinstance(fields, dict):
        return UnusableRecord(reasons.NOT_AN_OBJECT, f"the line holds {named(fields)}; {OBJECT}")
    return refuse_whole_table(fields)


def refuse_whole_table(fields: dict[str, Any]) -> dict[str, Any] | UnusableRecord:
    """The fields of a record, or why they are the columns of a whole table instead: ``{"question": {"0": "...", "1": "..."}, ...}``."""
    first = next(iter(fields.values()), None)
    if type(first) is dict and "0" in first and all(isinstance(column, dict) and column.keys() == first.keys() for column in fields.values()):
        return UnusableRecord(
            reasons.BAD_ROW,
            "the object is a whole table, column by column, as pandas' to_json writes it; write it with to_json(path, orient='records', "
            "lines=True)",
        )
    if len(fields) > 1 and any(fields.keys() <= keys and isinstance(fields.get(rows), list) for keys, rows in _TABLES):
        return UnusableRecord(
            reasons.BAD_ROW,
            "the object is a whole table, as pandas' to_json(orient='split' or 'table') or the datasets server writes it; write it with "
            "to_json(path, orient='records', lines=True), or to_json of datasets",
        )
    return fields


_TABLES = (
    (frozenset({"columns", "index", "data"}), "data"),
    (frozenset({"schema", "data"}), "data"),
    (frozenset({"features", "rows", "num_rows_total", "num_rows_per_page", "partial"}), "rows"),
)
"""The fields of objects that are whole tables, and the field with their rows."""


def too_large(size: int, max_row_bytes: int) -> UnusableRecord:
    """The error for a line that is too long."""
    return UnusableRecord(
        reasons.ROW_TOO_LARGE,
        f"the line is {size:,} bytes long, at most {max_row_bytes:,} are read; shorten it, or look whether line ends are missing",
    )
