"""CSV and TSV: a header with the columns' names, then a row a line, or several lines where a quoted field has line ends."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from transforms.elements import reasons
from transforms.intake.formats.base import LOOKS_EVERY, Record, UnusableFile
from transforms.intake.formats.jsonl import too_large
from transforms.intake.lines import BYTE_ORDER_MARK, ByteSource, byte_stream, skip_to_line_end
from transforms.intake.refusal import UnusableRecord


@dataclass(frozen=True)
class SeparatedValues:
    """Text in columns, as RFC 4180 has it. An empty field is a missing value: the format knows no other."""

    separator: str
    names_columns: ClassVar[bool] = True
    numbered_by: ClassVar[str] = "line"

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every row that is not blank; its number is the line it begins on."""
        lines = _Lines(source, max_row_bytes)
        rows = self._rows(lines, max_row_bytes)
        header = _header(rows)
        if header is None:
            return
        for number, row in rows:
            if isinstance(row, UnusableRecord):
                yield number, row
            elif len(row) != len(header):
                yield number, _ragged(row, header)
            else:
                yield number, {name: value or None for name, value in zip(header, row, strict=True)}

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The lines that are not blank and end no quoted field, without the header: a field is open after an odd number of quotes."""
        number, is_open = -1, False
        for line in byte_stream(source):
            begins = not is_open and not line.isspace()
            number += begins
            if line.count(b'"') % 2:
                is_open = not is_open
            if begins and not number % LOOKS_EVERY and not go_on(number):
                break
        return max(number, 0)

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The header; None for an empty file."""
        return _header(self._rows(_Lines(source, max_row_bytes), max_row_bytes))

    def _rows(self, lines: _Lines, max_row_bytes: int) -> Iterator[tuple[int, list[str] | UnusableRecord]]:
        csv.field_size_limit(max(csv.field_size_limit(), max_row_bytes))  # of the whole process, so it is never made smaller
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        while True:
            first = lines.number + 1
            lines.fault = None
            try:
                row: Any = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                row = lines.fault or _not_csv(str(error), first, lines.number)
            if lines.fault is not None:
                row = lines.fault
            if row:
                yield first, row


class _Lines:
    """Lines as csv.reader wants them, one at a time. A line that cannot be given as it is becomes empty, and ``fault`` says why."""

    def __init__(self, source: ByteSource, max_row_bytes: int) -> None:
        self._stream: io.BufferedReader = byte_stream(source)
        self._max_row_bytes = max_row_bytes
        self.number = 0
        self.fault: UnusableRecord | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        piece = self._max_row_bytes + len(BYTE_ORDER_MARK) + len(b"\r\n")
        line = self._stream.readline(piece)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == piece and not line.endswith(b"\n"):
            self.fault = too_large(len(line) + skip_to_line_end(self._stream), self._max_row_bytes)
            return "\n"
        if self.number == 1:
            if line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise UnusableFile("the file is UTF-16, not UTF-8. Save it as UTF-8")
            line = line.removeprefix(BYTE_ORDER_MARK)
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            place = error.start
            self.fault = UnusableRecord(
                reasons.NOT_UTF8, f"byte {place + 1} of line {self.number} (0x{line[place]:02x}) is not UTF-8. Save the file as UTF-8"
            )
            return "\n"


def _header(rows: Iterator[tuple[int, list[str] | UnusableRecord]]) -> list[str] | None:
    for _, row in rows:
        if isinstance(row, UnusableRecord):
            raise UnusableFile(f"the header cannot be read: {row.detail}")
        names = [name.strip() for name in row]
        twice = sorted({name for name in names if names.count(name) > 1})
        if "" in names or twice:
            fault = f"{', '.join(map(repr, twice))} more than once" if any(twice) else "a column without a name"
            raise UnusableFile(f"the first line must name the columns, each once; it has {fault}")
        return names
    return None


def _ragged(row: list[str], header: list[str]) -> UnusableRecord:
    return UnusableRecord(
        reasons.BAD_ROW,
        f"the row has {len(row)} field{'s' * (len(row) != 1)}, the header {len(header)} ({', '.join(header)[:200]}); "
        "put fields that hold separators or line ends in double quotes",
    )


def _not_csv(error: str, first: int, last: int) -> UnusableRecord:
    where = f"lines {first} to {last}" if last > first else f"line {first}"
    if "unexpected end of data" in error:
        return UnusableRecord(reasons.BAD_ROW, f"a field that begins with a double quote on line {first} or later is never closed; close it")
    if "field larger than" in error:
        return UnusableRecord(reasons.ROW_TOO_LARGE, f"a field of {where} is longer than is read; look whether a double quote is never closed")
    return UnusableRecord(
        reasons.BAD_ROW,
        f"{where} cannot be split into fields ({error}); "
        "a field with double quotes in it stands in double quotes, and each in it is written twice",
    )
