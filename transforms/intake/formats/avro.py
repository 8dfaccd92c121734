"""Avro container files: records under the file's own schema, read block by block."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Generator, Iterator
from typing import Any, ClassVar

from transforms.elements import reasons
from transforms.intake.formats.base import Record, UnreadableValue, UnusableFile
from transforms.intake.formats.binary import text_in
from transforms.intake.lines import CHUNK_BYTES, ByteSource, PushedBack, SeekableSource, byte_stream, even_cuts
from transforms.intake.unusable import OBJECT, UnusableRecord, named


class Avro:
    """A record for every Avro record. A damaged block ends the file."""

    numbered_by: ClassVar[str] = "record"
    counts_by_parsing: ClassVar[bool] = False
    counts_by_footer: ClassVar[bool] = False

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """The records; a number is a place in the file."""
        yield from _records(_open(source), 0, columns)

    def cuts(self, source: SeekableSource, size_bytes: int, part_bytes: int) -> list[tuple[int, int]]:
        """Bytes: a stretch has the blocks that begin in it. Between blocks is the mark that the file's header names."""
        return even_cuts(_header_of(source)[1], size_bytes, part_bytes)

    def records_between(
        self, source: SeekableSource, stretch: tuple[int, int], before: int, max_row_bytes: int, columns: frozenset[str] | None
    ) -> Generator[Record, None, int]:
        """A record for every record of these blocks."""
        header, header_bytes = _header_of(source)
        begin, end = (_block_at(source, place, header["sync"]) if place > header_bytes else place for place in stretch)
        source.seek(begin)
        return (yield from _records(_open_behind(header, _Bounded(source, end - begin)), before, columns))

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The sum of the blocks' record counts; nothing is decoded."""
        # late: keeps fastavro out of the start
        import fastavro

        number = 0
        try:
            for block in fastavro.block_reader(source):
                number += block.num_records
                if not go_on(number):
                    break
        except Exception as error:  # noqa: BLE001 - damaged bytes can make fastavro raise anything
            if isinstance(error, OSError) and error.errno:
                raise
            return number + 1  # the rest of the file is one reject
        return number

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The fields that the file's schema names."""
        schema = _open(source).writer_schema
        fields = schema.get("fields", []) if isinstance(schema, dict) else []
        return [str(field["name"]) for field in fields]


def _records(reader: Any, number: int, columns: frozenset[str] | None) -> Generator[Record, None, int]:
    """What a reader gives, numbered on from ``number``; returns the last number."""
    binary = _binary_fields(reader.writer_schema)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return number
        except Exception as error:  # noqa: BLE001 - fastavro raises whatever the damaged bytes lead it to
            if isinstance(error, OSError) and error.errno:
                raise  # the disk or the network, not the file
            raise UnusableFile(f"the Avro file breaks off or is damaged behind record {number} ({_said(error)})") from None
        number += 1
        if isinstance(fields, dict):
            for name in binary:
                if columns is None or name in columns:
                    fields[name] = text_in(fields[name], name)
            yield number, fields
        else:
            yield number, UnusableRecord(reasons.NOT_AN_OBJECT, f"the record is {named(fields)}; {OBJECT}")


class _Bounded:
    """The next ``length`` bytes of a source."""

    def __init__(self, source: ByteSource, length: int) -> None:
        self._source = source
        self._left = length

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        data = self._source.read(min(size, self._left)) if self._left > 0 else b""
        self._left -= len(data)
        return data


def _block_at(source: SeekableSource, place: int, mark: bytes) -> int:
    """Where the first block begins that does so at this byte or behind it, which is behind a mark; the end of the file when none does."""
    at = max(place - len(mark), 0)
    source.seek(at)
    held = b""
    while data := source.read(CHUNK_BYTES):
        held += data
        found = held.find(mark)
        if found >= 0:
            return at + found + len(mark)
        at += len(held) - len(mark) + 1
        held = held[-len(mark) + 1 :]
    return source.seek(0, 2)


_HEADER: dict[str, Any] = {
    "type": "record",
    "name": "header",
    "fields": [
        {"name": "magic", "type": {"type": "fixed", "name": "magic", "size": 4}},
        {"name": "meta", "type": {"type": "map", "values": "bytes"}},
        {"name": "sync", "type": {"type": "fixed", "name": "sync", "size": 16}},
    ],
}
_LENIENT = "-or-unreadable"
"""Suffix for the name of a logical type: a value that cannot be converted becomes an UnreadableValue."""


def _open(source: ByteSource) -> Any:
    """A reader that continues after a value that its logical type cannot hold, or text that is not UTF-8.

    fastavro raises for these in the middle of a record, so the rest of the file would be lost. It finds logical types by name, so we replace
    the names in the file's header before fastavro reads it.
    """
    # late: keeps fastavro out of the start
    import fastavro

    try:
        stream = byte_stream(source)
        header: Any = fastavro.schemaless_reader(stream, _HEADER, None)
    except Exception as error:  # noqa: BLE001 - fastavro raises whatever the bytes lead it to
        raise _not_avro(error) from None
    return _open_behind(header, stream)


def _header_of(source: Any) -> tuple[dict[str, Any], int]:
    """A file's header, and how many bytes it has."""
    # late: keeps fastavro out of the start
    import fastavro

    source.seek(0)
    try:
        header: Any = fastavro.schemaless_reader(source, _HEADER, None)
    except Exception as error:  # noqa: BLE001 - fastavro raises whatever the bytes lead it to
        raise _not_avro(error) from None
    return header, int(source.tell())


def _open_behind(header: dict[str, Any], blocks: Any) -> Any:
    # late: keeps fastavro out of the start
    import fastavro

    try:
        schema = json.loads(header["meta"]["avro.schema"])
        lenient = {**header["meta"], "avro.schema": json.dumps(_with_lenient_types(schema)).encode("utf-8")}
        rewritten = io.BytesIO()
        fastavro.schemaless_writer(rewritten, _HEADER, {**header, "meta": lenient})
        whole: Any = byte_stream(PushedBack(rewritten.getvalue(), blocks))
        return fastavro.reader(whole, handle_unicode_errors="surrogateescape")
    except Exception as error:  # noqa: BLE001 - fastavro raises whatever the bytes lead it to
        raise _not_avro(error) from None


def _not_avro(error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno:
        return error  # the disk or the network, not the file
    return UnusableFile(f"this is not an Avro file ({_said(error)})")


def _with_lenient_types(schema: Any) -> Any:
    """The schema with new names for the logical types that fastavro knows."""
    # late: keeps fastavro out of the start
    from fastavro.read import LOGICAL_READERS

    if isinstance(schema, list):
        return [_with_lenient_types(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    renamed = {name: _with_lenient_types(value) if name in ("type", "items", "values", "fields") else value for name, value in schema.items()}
    known = f"{schema.get('type')}-{schema.get('logicalType')}"
    if known in LOGICAL_READERS:
        renamed["logicalType"] = f"{schema['logicalType']}{_LENIENT}"
        LOGICAL_READERS[known + _LENIENT] = _lenient_reader(known)
    return renamed


def _lenient_reader(known: str) -> Callable[..., Any]:
    # late: keeps fastavro out of the start
    from fastavro.read import LOGICAL_READERS

    read = LOGICAL_READERS[known]

    def read_or_say(data: Any, writer_schema: Any = None, reader_schema: Any = None) -> Any:
        try:
            return read(data, writer_schema, reader_schema)
        except Exception as error:  # noqa: BLE001 - each logical type raises in its own way
            return UnreadableValue(reasons.BAD_ROW, f"{known.partition('-')[2]} {str(data)[:40]} cannot be read ({_said(error)[:120]})")

    return read_or_say


def _binary_fields(schema: Any) -> list[str]:
    """The fields of a record that may hold bytes."""
    fields = schema.get("fields", []) if isinstance(schema, dict) else []
    by_reference = '"fixed"' in json.dumps(schema)
    return [str(field["name"]) for field in fields if by_reference or '"bytes"' in json.dumps(field["type"])]


def _said(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
