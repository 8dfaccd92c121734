"""Text files: every line is a prompt."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from transforms.elements import reasons
from transforms.intake.formats.base import Record
from transforms.intake.formats.jsonl import JsonLines, line_records, too_large
from transforms.intake.lines import (
    BYTE_ORDER_MARK,
    CHUNK_BYTES,
    ByteSource,
    PushedBack,
    SeekableSource,
    even_cuts,
    has_carriage_returns,
    read_lines,
    with_line_feeds,
)
from transforms.intake.unusable import UnusableRecord

TEXT = "text"
MESSAGES = "messages"


@dataclass(frozen=True)
class TextLines:
    """A line is a user message, and the column ``text`` for templates. With ``may_be_json`` JSON lines are read as JSON."""

    may_be_json: bool = False
    numbered_by: ClassVar[str] = "line"
    counts_by_parsing: ClassVar[bool] = False
    counts_by_footer: ClassVar[bool] = False

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every line that is not blank."""
        begun, holds_json = self._peek(source)
        if holds_json:
            yield from JsonLines().records(begun, max_row_bytes, columns)
            return
        for number, line, size in read_lines(with_line_feeds(begun), max_row_bytes):
            yield number, _fields(line, size, max_row_bytes)

    def cuts(self, source: SeekableSource, size_bytes: int, part_bytes: int) -> list[tuple[int, int]]:
        """Bytes. The lines of a file with old line ends of the Mac are found by reading it from its beginning."""
        begun, holds_json = self._peek(source)
        if has_carriage_returns(begun.read(CHUNK_BYTES), b"}" if holds_json else b""):
            return []
        return even_cuts(0, size_bytes, part_bytes)

    def records_between(
        self, source: SeekableSource, stretch: tuple[int, int], before: int, max_row_bytes: int, columns: frozenset[str] | None
    ) -> Generator[Record, None, int]:
        """A record for every line that begins in the stretch and is not blank."""
        if self._peek(source)[1]:
            return (yield from JsonLines().records_between(source, stretch, before, max_row_bytes, columns))
        return (yield from line_records(source, stretch, before, max_row_bytes, _fields))

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The lines that are not blank."""
        return JsonLines().count(source, go_on)

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The one column."""
        begun, holds_json = self._peek(source)
        return JsonLines().columns(begun, max_row_bytes) if holds_json else [TEXT, MESSAGES]

    def _peek(self, source: ByteSource) -> tuple[ByteSource, bool]:
        """The source from its beginning, and whether one of its first lines is a JSON object, which a prompt is not."""
        if not self.may_be_json:
            return source, False
        head = source.read(CHUNK_BYTES)
        lines = head.removeprefix(BYTE_ORDER_MARK).splitlines()
        return PushedBack(head, source), any(map(_is_object, lines))


def _fields(line: bytes | None, size: int, max_row_bytes: int) -> dict[str, Any] | UnusableRecord:
    if line is None:
        return too_large(size, max_row_bytes)
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        said = f"byte {error.start + 1} of the line (0x{line[error.start]:02x}) is not UTF-8. Save the file as UTF-8"
        return UnusableRecord(reasons.NOT_UTF8, said)
    return {TEXT: text, MESSAGES: [{"role": "user", "content": text}]}


def _is_object(line: bytes) -> bool:
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False
