"""CSV and TSV: a header with the columns' names, then one row per line, or several lines if a quoted field has line ends."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from transforms.elements import reasons
from transforms.intake.formats.base import LOOKS_EVERY, Record, UnusableFile
from transforms.intake.formats.jsonl import too_large
from transforms.intake.lines import BYTE_ORDER_MARK, ByteSource, byte_stream, line_pieces, skip_to_line_end, with_line_feeds
from transforms.intake.missing_words import without_missing_words
from transforms.intake.unusable import UnusableRecord

_NAMES_SEPARATOR = re.compile(r'^\ufeff?"?sep=(.)"?\s*$', re.IGNORECASE | re.DOTALL)
_NO_LIMIT = 2**31 - 1
_QUOTED = re.compile(r'"[^"]*"?')
_WELL_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_RETURN_WITHIN = re.compile(r"\r(?=\r*[^\r\n])")
_INSTEAD_OF_RETURN = "\ufdd0"  # not a character, so no text contains it


@dataclass(frozen=True)
class SeparatedValues:
    """Text in columns, as in RFC 4180. An empty field is a missing value: the format has no other. So is a word such as ``nan`` or ``NULL``,
    unless the file is ``verbatim``.

    Columns without a name are ignored: pandas writes its index like this, and spreadsheets empty columns.
    """

    separator: str
    verbatim: bool = False
    numbered_by: ClassVar[str] = "line"
    counts_by_parsing: ClassVar[bool] = False
    counts_by_footer: ClassVar[bool] = False

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every row that is not blank; its number is the line it begins on. A quote that is never closed ends the file."""
        table = _Table(source, self.separator, max_row_bytes)
        header = table.header
        if header is None:
            return
        for number, row in table.rows():
            if isinstance(row, UnusableRecord):
                yield number, row
                continue
            if len(row) != len(header):
                if len(row) < len(header) or any(row[len(header) :]):
                    table.refuse_if_rows_are_inside(len(header))
                    yield number, _ragged(row, header)
                    continue
                row = row[: len(header)]
            fields = {name: value or None for name, value in zip(header, row, strict=True) if name}
            yield number, fields if self.verbatim else without_missing_words(fields)

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The lines that are not blank and not inside a quoted field, without the header: a field is open after an odd number of quotes.

        In a file with tabs a line with all of them is a row, as in ``_Table``, if the line before, whose quote is open, is one.
        """
        number, is_open, tabs, was_whole = -1, False, 0, False
        for piece, first in line_pieces(with_line_feeds(source)):
            if number == -1 and _NAMES_SEPARATOR.match(piece.decode("utf-8", "replace")):
                continue
            is_whole = tabs > 0 and first and piece.count(b"\t") == tabs
            begins = first and (not is_open or (is_whole and was_whole)) and not piece.isspace()
            if begins:
                number, is_open, was_whole = number + 1, False, is_whole
            if begins and number == 0 and self.separator == "\t":
                tabs = piece.count(b"\t")
            if piece.count(b'"') % 2:
                is_open = not is_open
            if begins and not number % LOOKS_EVERY and not go_on(number):
                break
        return max(number, 0)

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The header; None for an empty file."""
        header = _Table(source, self.separator, max_row_bytes).header
        return None if header is None else [name for name in header if name]


class _Table:
    """The rows under a header. Raises UnusableFile.

    Many files with tabs have double quotes that mean nothing: a line that is a row by its tabs is one, whatever its quotes would join it to.
    """

    def __init__(self, source: ByteSource, separator: str, max_row_bytes: int) -> None:
        csv.field_size_limit(_NO_LIMIT)  # global in the process, so anybody may have set it; _Lines bounds the rows
        self._lines = _Lines(source, max_row_bytes)
        self._separator = _separator_of(self._lines, separator)
        self._reader = csv.reader(self._lines, delimiter=self._separator, strict=True)
        self.header: list[str] | None = None
        self.header = self._header()

    def rows(self) -> Iterator[tuple[int, list[str] | UnusableRecord]]:
        """The rows that are not blank, with the line each begins on."""
        lines = self._lines
        while True:
            lines.begin_row()
            first = lines.number + 1
            try:
                row: Any = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                row = lines.fault or self._as_it_stands(2) or self._not_csv(str(error), first, lines.number)
            except UnusableFile:
                row = self._as_it_stands(2)
                if row is None:
                    raise
            else:
                row = (len(lines.of_row) > 1 and self._as_it_stands()) or row
            if lines.fault is not None:
                row = lines.fault
            elif lines.returns_within and isinstance(row, list):
                row = [field.replace(_INSTEAD_OF_RETURN, "\r") for field in row]
            if row:
                yield first, row

    def _as_it_stands(self, most_lines: int | None = None) -> list[str] | None:
        """The first line split at its tabs only, if it and the next ones are rows by their tabs; the others are read again."""
        columns = len(self.header or ())
        if self._separator != "\t" or columns < 2 or not self._lines.of_row:
            return None
        if any(line.count("\t") != columns - 1 for line in self._lines.of_row[:most_lines]):
            return None
        fields = self._lines.of_row[0].rstrip("\r\n").split("\t")
        self._lines.take_back()
        return [field[1:-1].replace('""', '"') if _WELL_QUOTED.fullmatch(field) else field for field in fields]

    def _header(self) -> list[str] | None:
        for _, row in self.rows():
            if isinstance(row, UnusableRecord):
                raise UnusableFile(f"the header cannot be read: {row.detail}")
            names = [name.strip().strip("\ufeff\u200b").strip() for name in row]
            while names and not names[-1]:
                names.pop()
            twice = sorted({name for name in names if name and names.count(name) > 1})
            if twice or not names:
                fault = f"{', '.join(map(repr, twice))} more than once" if twice else "no name at all"
                raise UnusableFile(f"the first line must name the columns, each once; it has {fault}")
            return names
        return None

    def refuse_if_rows_are_inside(self, columns: int) -> None:
        """Raise UnusableFile when the last row, which is invalid, contains other rows: a quote is missing or too many."""
        inside = self._lines.of_row[1:]
        rows = sum(self._is_row(line, columns) for line in inside)
        if rows and rows * 2 >= len(inside):
            last = self._lines.number
            raise UnusableFile(
                f"a double quote on line {last - len(inside)} or later is not closed, or one is too many: the rows up to line {last} were "
                "taken for one field. Close it; what follows cannot be read"
            )

    def _is_row(self, line: str, columns: int) -> bool:
        try:
            (row,) = csv.reader([line], delimiter=self._separator, strict=True)
        except (csv.Error, ValueError):
            return False
        well_quoted = '""' in line or not any('"' in field for field in row)
        return len(row) == columns and any(row) and well_quoted

    def _not_csv(self, error: str, first: int, last: int) -> UnusableRecord:
        where = f"lines {first} to {last}" if last > first else f"line {first}"
        if "unexpected end of data" in error:
            raise UnusableFile(
                f"a field that begins with a double quote on line {first} is never closed: everything from there to the end of the file was "
                "taken for one field. Close it; what follows cannot be read"
            )
        if last > first:
            self.refuse_if_rows_are_inside(len(self.header or ()))
        return UnusableRecord(
            reasons.BAD_ROW,
            f"{where} cannot be split into fields ({error}); "
            "a field with double quotes in it must be in double quotes, and each in it is written twice",
        )


class _Lines:
    """Lines for csv.reader, one at a time. An unusable line becomes empty, and ``fault`` says why.

    A carriage return within a line does not end a row. csv.reader refuses it outside of quotes, where pandas writes it, so it is replaced.
    """

    def __init__(self, source: ByteSource, max_row_bytes: int) -> None:
        self._stream: io.BufferedReader = byte_stream(with_line_feeds(source))
        self._max_row_bytes = max_row_bytes
        self.number = 0
        self.fault: UnusableRecord | None = None
        self.of_row: list[str] = []
        """The lines of the current row."""
        self._row_bytes = 0
        self._taken_back: list[bytes] = []
        self.returns_within = False
        """Whether the current row has replaced carriage returns."""

    def begin_row(self) -> None:
        """Forget the row before."""
        self.fault = None
        self.of_row = []
        self._row_bytes = 0
        self.returns_within = False

    def take_back(self) -> None:
        """The lines of the current row behind the first one are read again."""
        again = [line.replace(_INSTEAD_OF_RETURN, "\r").encode() for line in self.of_row[1:]]
        self._taken_back += reversed(again)
        self.number -= len(again)

    def beginning(self) -> str:
        """The beginning of the first line, which is still the next one to read."""
        return self._stream.peek().removeprefix(BYTE_ORDER_MARK).partition(b"\n")[0].decode("utf-8", "replace")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        piece = self._max_row_bytes + len(BYTE_ORDER_MARK) + len(b"\r\n")
        line = self._taken_back.pop() if self._taken_back else self._stream.readline(piece)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == piece and not line.endswith(b"\n"):
            self.fault = too_large(len(line) + skip_to_line_end(self._stream), self._max_row_bytes)
            return "\n"
        self._row_bytes += len(line)
        if self._row_bytes > piece:
            self._taken_back.append(line)
            self.number -= 1
            last = self.number + 1
            raise UnusableFile(
                f"a field of lines {last - len(self.of_row)} to {last} is longer than the {self._max_row_bytes:,} bytes that are "
                "read; look whether a double quote is never closed. What follows cannot be read"
            )
        if self.number == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise UnusableFile("the file is UTF-16, not UTF-8. Save it as UTF-8")
        line = line.removeprefix(BYTE_ORDER_MARK)  # on any line: each part of a joined file begins with one
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            place = error.start
            self.fault = UnusableRecord(
                reasons.NOT_UTF8, f"byte {place + 1} of line {self.number} (0x{line[place]:02x}) is not UTF-8. Save the file as UTF-8"
            )
            return "\n"
        if "\r" in text:
            text, replaced = _RETURN_WITHIN.subn(_INSTEAD_OF_RETURN, text)
            self.returns_within |= replaced > 0
        self.of_row.append(text)
        return text


def _separator_of(lines: _Lines, separator: str) -> str:
    """The separator of the fields: from a spreadsheet's first line ``sep=;``, or the one that the header uses instead."""
    beginning = lines.beginning()
    named = _NAMES_SEPARATOR.match(beginning)
    if named is not None:
        next(lines)
        return named[1]
    unquoted = _QUOTED.sub("", beginning)
    if separator not in unquoted:
        return next((other for other in (";", "\t", ",", "|") if other in unquoted), separator)
    return separator


def _ragged(row: list[str], header: list[str]) -> UnusableRecord:
    return UnusableRecord(
        reasons.BAD_ROW,
        f"the row has {len(row)} field{'s' * (len(row) != 1)}, the header {len(header)} ({', '.join(header)[:200]}); "
        "put fields that hold separators or line ends in double quotes",
    )
