"""One JSON list of objects, read element by element; a .json file that holds JSON lines is taken for what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, ClassVar

from transforms.elements import reasons
from transforms.intake.formats.base import LOOKS_EVERY, Record, UnusableFile, first_columns
from transforms.intake.formats.jsonl import JsonLines
from transforms.intake.lines import BYTE_ORDER_MARK, CHUNK_BYTES, ByteSource
from transforms.intake.rows import OBJECT, UnusableRecord, named

DEEPEST = 500


class JsonList:
    """``[{...}, {...}, ...]``. What is no JSON ends the file: behind it nobody can say where an element begins."""

    names_columns: ClassVar[bool] = False
    numbered_by: ClassVar[str] = "record"

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
        import ijson  # only people with a JSON list wait for it

        number = 0
        begun.allowed_bytes = max_row_bytes
        try:
            for element in _elements(ijson.basic_parse(begun, buf_size=CHUNK_BYTES), ijson.ObjectBuilder):
                number += 1
                begun.since_element_bytes = 0
                if isinstance(element, dict):
                    yield number, element
                else:
                    yield number, UnusableRecord(reasons.NOT_AN_OBJECT, f"element {number} of the list is {named(element)}; {OBJECT}")
        except (ijson.JSONError, UnicodeDecodeError) as error:
            said = str(error).splitlines()[0] if str(error) else "not JSON"
            raise UnusableFile(f"the list is not JSON at or behind element {number + 1} ({said}); what follows cannot be read") from None

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The elements of the list, from the parser's bare events: some of the work of reading it."""
        begun, first = _beginning(source)
        if first != b"[":
            return JsonLines().count(begun, go_on)
        import ijson

        depth = number = 0
        try:
            for event, _ in ijson.basic_parse(begun, buf_size=CHUNK_BYTES):
                if event in ("start_map", "start_array"):
                    depth += 1
                    number += depth == 2
                elif event in ("end_map", "end_array"):
                    depth -= 1
                    if depth == 1 and not number % LOOKS_EVERY and not go_on(number):
                        break
                else:
                    number += depth == 1
        except (ijson.JSONError, UnicodeDecodeError):
            return number + 1  # the rest of the file is one reject
        return number

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The keys of the first elements."""
        return first_columns(self.records(source, max_row_bytes, None))


def _elements(events: Iterator[tuple[str, Any]], builder: Callable[[], Any]) -> Iterator[Any]:
    """The elements of the outermost list.

    From the bare events: ijson's own way to elements carries the path to each value, which is quadratic in how deep they lie. Numbers come
    out as JSON lines have them: whole ones exactly, others as floats. Raises UnusableFile.
    """
    depth = 0
    building: Any = None
    for event, value in events:
        if event in ("start_map", "start_array"):
            depth += 1
            if depth > DEEPEST:
                raise UnusableFile(f"the list holds values nested deeper than {DEEPEST} levels; what follows cannot be read")
            if depth == 1:
                continue
        elif event in ("end_map", "end_array"):
            depth -= 1
        if depth == 0:
            continue  # the list has ended; the parser still says if something follows it
        building = building or builder()
        building.event(event, float(value) if isinstance(value, Decimal) else value)
        if depth == 1:
            yield building.value
            building = None


def _beginning(source: ByteSource) -> tuple[_Begun, bytes]:
    """The source from its beginning, and its first byte that is not blank; none when it holds nothing else.

    Raises UnusableFile for one object that is written over several lines.
    """
    head = source.read(CHUNK_BYTES).removeprefix(BYTE_ORDER_MARK)
    while not (text := head.lstrip()):
        head = source.read(CHUNK_BYTES)
        if not head:
            return _Begun(b"", source), b""
    first_line, end, _ = text.partition(b"\n")
    if end and first_line.rstrip() == b"{":
        raise UnusableFile(
            "the file holds one object over several lines; expected a list of rows, [{...}, {...}], or one row a line. "
            "Where the rows are a list inside the object, bring that list"
        )
    return _Begun(head, source), text[:1]


class _Begun:
    """A source whose first bytes were read already; it says stop when one element takes more than is allowed."""

    def __init__(self, head: bytes, source: ByteSource) -> None:
        self._head = head
        self._source = source
        self.allowed_bytes: int | None = None
        self.since_element_bytes = 0

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes. Raises UnusableFile when the parser has read on for too long without the end of an element."""
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
        else:
            data = self._source.read(size)
        self.since_element_bytes += len(data)
        if self.allowed_bytes is not None and self.since_element_bytes > self.allowed_bytes + 2 * CHUNK_BYTES:
            raise UnusableFile(f"an element of the list is longer than {self.allowed_bytes:,} bytes; shorten it. What follows cannot be read")
        return data
