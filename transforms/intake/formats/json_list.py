"""One JSON list of objects, read element by element; a .json file with JSON lines is read as JSON lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

from transforms.elements import reasons
from transforms.intake.formats.base import LOOKS_EVERY, Record, UnusableFile, first_columns
from transforms.intake.formats.json_value import json_value
from transforms.intake.formats.jsonl import JsonLines
from transforms.intake.lines import BYTE_ORDER_MARK, CHUNK_BYTES, ByteSource, PushedBack, SeekableSource
from transforms.intake.unusable import OBJECT, UnusableRecord, named

DEEPEST = 500
MOST_COUNTED_BYTES = 16 * 1024 * 1024


class JsonList:
    """``[{...}, {...}, ...]``. Invalid JSON ends the file: after it the start of the next element is unknown."""

    numbered_by: ClassVar[str] = "record"
    counts_by_parsing: ClassVar[bool] = True
    counts_by_footer: ClassVar[bool] = False

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every element; its number is its place in the list."""
        begun, first = _beginning(source)
        if first == b"{":
            yield from JsonLines().records(begun, max_row_bytes, columns)
            return
        if not first:
            return
        if first != b"[":
            raise UnusableFile(f"expected a JSON list, [{{...}}, {{...}}]; the file begins with {first.decode(errors='replace')!r}")
        for number, element in enumerate(_elements(begun, max_row_bytes), start=1):
            text, depth, size = element
            fits = text is not None and size <= max_row_bytes
            yield number, _record(number, text or b"", depth) if fits else _too_large(number, size, max_row_bytes)

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The number of elements, without parsing them."""
        begun, first = _beginning(source)
        if first != b"[":
            return JsonLines().count(begun, go_on)
        number = 0
        try:
            for _ in _elements(begun, MOST_COUNTED_BYTES):
                number += 1
                if not number % LOOKS_EVERY and not go_on(number):
                    break
        except UnusableFile:
            return number + 1  # the rest of the file is one reject
        return number

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The keys of the first elements."""
        return first_columns(self.records(source, max_row_bytes, None))


class JsonLinesOrList(JsonLines):
    """JSON lines; a file with one list of objects, which is often named .jsonl too, is read as a list."""

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every line, or every element."""
        begun, is_list = _is_list(source)
        kept_as = JsonList() if is_list else JsonLines()
        return kept_as.records(begun, max_row_bytes, columns)

    def cuts(self, source: SeekableSource, size_bytes: int, part_bytes: int) -> list[tuple[int, int]]:
        """Bytes of lines; a list has to be read from its beginning."""
        if _is_list(source)[1]:
            return []
        source.seek(0)
        return super().cuts(source, size_bytes, part_bytes)

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The lines or the elements."""
        begun, is_list = _is_list(source)
        return (JsonList() if is_list else JsonLines()).count(begun, go_on)


_LIST_BEGINS = re.compile(rb"(?:\xef\xbb\xbf)*\s*\[\s*(?:\{|$)")


def _is_list(source: ByteSource) -> tuple[ByteSource, bool]:
    """The source from its beginning, and whether it is a list of objects: over several lines, or alone on one."""
    head = source.read(CHUNK_BYTES)
    first, _, rest = head.strip().partition(b"\n")
    on_one_line = first.rstrip().endswith(b"]")
    return PushedBack(head, source), _LIST_BEGINS.match(head) is not None and not (on_one_line and rest.strip())


def _record(number: int, text: bytes, depth: int) -> dict[str, Any] | UnusableRecord:
    """The object in an element. Raises UnusableFile for an element that is not JSON: its real end is unknown."""
    if depth > DEEPEST:
        return UnusableRecord(reasons.INVALID_JSON, f"element {number} of the list holds values nested deeper than {DEEPEST} levels")
    try:
        element = json_value(text, exact_integers=True)
    except UnusableRecord as unusable:
        if unusable.reason == reasons.NOT_UTF8:
            return UnusableRecord(unusable.reason, unusable.detail.replace("the line", f"element {number} of the list"))
        raise _not_json(number, unusable.detail) from None
    if not isinstance(element, dict):
        return UnusableRecord(reasons.NOT_AN_OBJECT, f"element {number} of the list is {named(element)}; {OBJECT}")
    return element


def _too_large(number: int, size: int, max_row_bytes: int) -> UnusableRecord:
    return UnusableRecord(
        reasons.ROW_TOO_LARGE, f"element {number} of the list is {size:,} bytes long, at most {max_row_bytes:,} are read; shorten it"
    )


def _not_json(number: int, said: str) -> UnusableFile:
    return UnusableFile(f"the list is not JSON at or behind element {number} ({said}); what follows cannot be read")


class _Element(NamedTuple):
    """The bytes of an element (None if dropped), how deep its values are nested, and its length in bytes."""

    text: bytes | None
    depth: int
    size: int


_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\],]', re.DOTALL)
_REST_OF_TEXT = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_QUOTE, _CLOSING = b'"]'


def _elements(source: ByteSource, max_element_bytes: int) -> Iterator[_Element]:
    """Every element; much longer ones than ``max_element_bytes`` without their bytes. Raises UnusableFile."""
    splitter = _Splitter()
    number = 0
    while chunk := source.read(CHUNK_BYTES):
        if splitter.ended:
            if chunk.strip():
                raise _not_json(number, "something follows the end of the list")
            continue
        try:
            for element in splitter.cut(chunk):
                number += 1
                yield element
        except ValueError as error:
            raise _not_json(number + 1, str(error)) from None
        if splitter.held_bytes > max_element_bytes:
            splitter.drop()
    if not splitter.ended:
        raise _not_json(number + 1, "the file ends before the list does")


class _Splitter:
    """Cuts a list into its elements by its brackets, commas and quotes, a chunk at a time.

    It only finds where elements begin and end; the caller parses their bytes. So numbers of any length, NaN and deep values do not matter
    here.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._deepest = 0
        self._in_text = False
        self._escaped = False
        self._pieces: list[bytes] = []
        self.held_bytes = 0
        self._dropped_bytes = 0
        self.ended = False
        self._after_comma = False

    def drop(self) -> None:
        """Drop the bytes of the current element; its length is still counted."""
        self._dropped_bytes += self.held_bytes
        self._pieces, self.held_bytes = [], 0

    def cut(self, chunk: bytes) -> Iterator[_Element]:
        """The elements that end in this chunk, as ``_elements`` gives them. Raises ValueError for what is not a list."""
        begin = 0
        for found in _TOKEN.finditer(chunk, self._end_of_text(chunk)):
            place = found.end()
            mark = chunk[place - 1]
            if mark == _QUOTE:
                if place - found.start() == 1:  # a text that continues in the next chunk, or invalid JSON
                    self._in_text = True
                    self._note_escape(chunk, place)
                    break
            elif mark in b"[{":
                self._depth += 1
                self._deepest = max(self._deepest, self._depth - 1)
                if self._depth == 1:
                    begin = place
            elif mark in b"]}":
                self._depth -= 1
                if self._depth == 0:
                    yield from self._last(mark, chunk[begin : place - 1])
                    if chunk[place:].strip():
                        raise ValueError("something follows the end of the list")
                    return
            elif self._depth == 1:  # a comma between elements
                element = self._take(chunk[begin : place - 1])
                if element is None:
                    raise ValueError("nothing is before a comma")
                self._after_comma = True
                yield element
                begin = place
        self._pieces.append(chunk[begin:])
        self.held_bytes += len(chunk) - begin

    def _end_of_text(self, chunk: bytes) -> int:
        """Where the text ends in which the chunk begins; 0 if it begins in none."""
        if not self._in_text:
            return 0
        place = 1 if self._escaped else 0
        rest = _REST_OF_TEXT.match(chunk, place)
        if rest is not None:
            self._in_text = self._escaped = False
            return rest.end()
        self._note_escape(chunk, place)
        return len(chunk)

    def _note_escape(self, chunk: bytes, place: int) -> None:
        """Remember whether the chunk ends inside an escape."""
        rest = chunk[place:]
        self._escaped = (len(rest) - len(rest.rstrip(b"\\"))) % 2 == 1

    def _last(self, mark: int, rest: bytes) -> Iterator[_Element]:
        if mark != _CLOSING:
            raise ValueError("the list is closed by a brace")
        element = self._take(rest)
        if element is not None:
            yield element
        elif self._after_comma:
            raise ValueError("a comma is before the end of the list")
        self.ended = True

    def _take(self, rest: bytes) -> _Element | None:
        """The element that ends here; None for nothing."""
        text, deepest, dropped_bytes = b"".join((*self._pieces, rest)), self._deepest, self._dropped_bytes
        self._pieces, self.held_bytes, self._deepest, self._dropped_bytes = [], 0, 0, 0
        if dropped_bytes:
            return _Element(None, deepest, dropped_bytes + len(text))
        return _Element(text, deepest, len(text)) if text.strip() else None


def _beginning(source: ByteSource) -> tuple[ByteSource, bytes]:
    """The source from its beginning, and its first byte that is not blank; empty for a blank file.

    Raises UnusableFile for one object written over several lines.
    """
    head = source.read(CHUNK_BYTES)
    while head.startswith(BYTE_ORDER_MARK):
        head = head.removeprefix(BYTE_ORDER_MARK)
    while not (text := head.lstrip()):
        head = source.read(CHUNK_BYTES)
        if not head:
            return PushedBack(b"", source), b""
    first_line, end, _ = text.partition(b"\n")
    if end and first_line.rstrip() == b"{":
        raise UnusableFile(
            "the file holds one object over several lines; expected a list of rows, [{...}, {...}], or one row a line. "
            "Where the rows are a list inside the object, bring that list"
        )
    return PushedBack(head, source), text[:1]
