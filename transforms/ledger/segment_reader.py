"""Reading a segment whatever has become of it.

A block is whole when its length leads to the segment's sync marker. What is not whole is skipped to the next marker; where none follows, a
writer died there or still writes. In a whole block, a record that cannot be decoded costs itself.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Any, NamedTuple

import fastavro

from transforms.ledger.avro_schema import FAILURE_SCHEMA, LEDGER_SCHEMA, record_key, written_schemas
from transforms.ledger.byte_ranges import ByteRanges
from transforms.ledger.encoding import SYNC_BYTES, checksum, sync_marker
from transforms.ledger.record_decoder import LONGEST_NUMBER_BYTES, Decoder, decoder_of

BLOCK_BYTES = 4 * 1024
"""So much is read of a block at first, which is most often all of it."""
WINDOW_BYTES = 256 * 1024
HEADER_BYTES = 64 * 1024
BLOCKS_TRIED = 4
_WRITTEN_AS = {schema["name"]: written_schemas(schema) for schema in (LEDGER_SCHEMA, FAILURE_SCHEMA)}
_HEADER = fastavro.parse_schema(
    {
        "type": "record",
        "name": "org.apache.avro.file.Header",
        "fields": [
            {"name": "magic", "type": {"type": "fixed", "name": "Magic", "size": 4}},
            {"name": "meta", "type": {"type": "map", "values": "bytes"}},
            {"name": "sync", "type": {"type": "fixed", "name": "Sync", "size": SYNC_BYTES}},
        ],
    }
)


class NotASegment(ValueError):
    """A file with the name of a segment that our ledger did not write, or a folder."""


class Block(NamedTuple):
    """A whole block: where it is, how many bytes it takes, and its records; None for one that cannot be read."""

    offset: int
    size: int
    records: list[dict[str, Any] | None]


@dataclass(slots=True)
class Damage:
    """What of a segment could not be read."""

    records: int = 0
    size_bytes: int = 0
    tail_bytes: int = 0


class SegmentReader:
    """One segment, read through a view: a schema with some of its fields. Raises NotASegment, and OSError where the disk fails.

    Times come as milliseconds since 1970. ``damage`` counts what ``blocks`` skipped.
    """

    def __init__(self, segment: ByteRanges, view: dict[str, Any]) -> None:
        self._view_text = json.dumps(view)
        self._view = _parsed(self._view_text)
        self._fields = view["fields"]
        self._segment = segment
        self.damage = Damage()
        self.reached = 0
        try:
            self._read_header(view["name"])
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotASegment(f"is not a file ({error.strerror})") from None
        except BaseException:
            segment.close()
            raise

    @property
    def header_bytes(self) -> int:
        """How long the header is: where the first block begins."""
        return self._header_bytes

    def close(self) -> None:
        """Close the file."""
        self._segment.close()

    def blocks(self, start: int = 0) -> Iterator[Block]:
        """Every whole block from offset ``start`` on, in order. ``reached`` is the offset up to which that was, damage included."""
        end = self._segment.size()
        self.reached = start or self._header_bytes
        while self.reached < end:
            after = self._block_end(self.reached, end)
            if after is None:
                after = self._after_next_marker(self.reached)
                if after is None:
                    break
                self.damage.size_bytes += after - self.reached
            else:
                block = self._read(self.reached, after)
                self.damage.records += block.records.count(None)
                yield block
            self.reached = after
        self.damage.tail_bytes = end - self.reached

    def block(self, offset: int) -> Block | None:
        """The whole block that begins at ``offset``; None when none does."""
        content = self._segment.read(offset, BLOCK_BYTES)
        count, used = _number(content, 0)
        size, used = _number(content, used)
        total = used + size + SYNC_BYTES
        if size >= 0 and total > len(content) == BLOCK_BYTES and offset + total <= self._segment.size():
            content += self._segment.read(offset + len(content), total - len(content))
        if 0 <= count <= size and content[total - SYNC_BYTES : total] == self._sync:
            return Block(offset, total, self._records(content[:total], count, used))
        after = self._block_end(offset, self._segment.size())
        return None if after is None else self._read(offset, after)

    def ends_a_block(self, offset: int) -> bool:
        """Whether the bytes before ``offset`` end a block or the header."""
        return self._segment.read(offset - SYNC_BYTES, SYNC_BYTES) == self._sync

    def _read(self, offset: int, after: int) -> Block:
        content = self._segment.read(offset, after - offset)
        count, used = _number(content, 0)
        return Block(offset, after - offset, self._records(content, count, _number(content, used)[1]))

    def _records(self, block: bytes, count: int, begin: int) -> list[dict[str, Any] | None]:
        """The records of a whole block, whose first begins at ``begin``; None in the place of one that cannot be read."""
        data = block[begin:-SYNC_BYTES]
        records: list[Any]
        try:
            if count == 1 and self._decode is not None:
                return [self._checked(self._decode(data))]
            if self._codec == "null":
                source = io.BytesIO(data)
                records = [fastavro.schemaless_reader(source, self._schema, self._view) for _ in range(count)]
            else:
                records = list(fastavro.reader(io.BytesIO(self._container_header() + block), self._view))
        except Exception:  # noqa: BLE001 - damaged bytes may raise anything
            records = self._one_by_one(data, count)
        return [self._checked(record) for record in records]

    def _checked(self, record: dict[str, Any] | None) -> dict[str, Any] | None:
        if record is None or "checksum" not in record:
            return record
        expected = record.pop("checksum")
        if expected is not None and expected != checksum(record_key(record), record["turn"], record["request_hash"], record["response"]):
            return None
        return record

    def _read_header(self, record_name: str) -> None:
        source = io.BytesIO(self._segment.read(0, HEADER_BYTES))
        own = sync_marker(PurePath(self._segment.path).name)
        try:
            header: Any = fastavro.schemaless_reader(source, _HEADER, None)
            if header["magic"] != b"Obj\x01":
                raise NotASegment("is not an Avro file")
            self._codec = header["meta"].get("avro.codec", b"null").decode()
            self._sync: bytes = header["sync"]
            self._header_bytes = source.tell()
            self._use(header["meta"]["avro.schema"].decode())
            if self._sync == own or own not in source.getvalue()[self._header_bytes :]:
                return
        except Exception as error:  # noqa: BLE001 - damaged bytes may raise anything
            if own not in source.getvalue():
                raise NotASegment(str(error) or type(error).__name__) from None
        # ours by its markers, with a damaged header
        self._codec, self._sync = "null", own
        self._header_bytes = self._after_next_marker(0) or 0
        candidates = [json.dumps(schema) for schema in _WRITTEN_AS[record_name]]
        for schema in candidates:
            self._use(schema)
            if self._explains_a_block():
                return
        self._use(candidates[0])

    def _explains_a_block(self) -> bool:
        """Whether the schema in use takes up the first block that can be read to its last byte."""
        end = self._segment.size()
        at, tried = self._header_bytes, 0
        while at < end and tried < BLOCKS_TRIED:
            after = self._block_end(at, end)
            if after is None:
                return False
            content = self._segment.read(at, after - at)
            _, begin = _number(content, 0)
            size, begin = _number(content, begin)
            source = io.BytesIO(content[begin : begin + size])
            try:
                fastavro.schemaless_reader(source, self._as_bytes, None)
                if source.tell() == size:
                    return True
            except Exception:  # noqa: BLE001 - damaged bytes may raise anything
                pass
            at, tried = after, tried + 1
        return False

    def _use(self, schema: str) -> None:
        names, self._schema, self._as_bytes = _written_with(schema)
        self._decode = _decoder(schema, self._view_text) if self._codec == "null" else None
        missing = [field["name"] for field in self._fields if "default" not in field and field["name"] not in names]
        if missing:
            raise NotASegment(f"is of another schema, without {', '.join(missing[:3])}")

    def _container_header(self) -> bytes:
        header = io.BytesIO()
        fastavro.writer(header, self._schema, [], codec=self._codec, sync_marker=self._sync)
        return header.getvalue()

    def _block_end(self, at: int, end: int) -> int | None:
        """Where the block that begins here ends; None when none does. Of a block and its marker, one may be damaged."""
        after, has_marker = self._end_by_length(at, end)
        if after is None or has_marker:
            return after
        return after if after < end and self._end_by_length(after, end)[1] else None

    def _end_by_length(self, at: int, end: int) -> tuple[int | None, bool]:
        """Where the block that begins here ends by its length, None when that cannot be, and whether the marker is there."""
        head = self._segment.read(at, 2 * LONGEST_NUMBER_BYTES)
        count, used = _number(head, 0)
        size, used = _number(head, used)
        # a record takes a byte at least, unless packed
        if count < 0 or size < 0 or used < 0 or (self._codec == "null" and count > size) or at + used + size + SYNC_BYTES > end:
            return None, False
        return at + used + size + SYNC_BYTES, self._segment.read(at + used + size, SYNC_BYTES) == self._sync

    def _after_next_marker(self, at: int) -> int | None:
        """The offset behind the next sync marker that begins at ``at`` or later; None when there is none."""
        kept = b""
        while piece := self._segment.read(at, WINDOW_BYTES):
            window = kept + piece
            found = window.find(self._sync)
            if found >= 0:
                return at - len(kept) + found + SYNC_BYTES
            at += len(piece)
            kept = window[-SYNC_BYTES + 1 :]
        return None

    def _one_by_one(self, data: bytes, count: int) -> list[dict[str, Any] | None]:
        """The records of a block of which at least one cannot be read."""
        found: list[dict[str, Any] | None] = []
        try:
            source = io.BytesIO(data)
            while self._codec == "null" and len(found) < count:
                found.append(self._decoded(fastavro.schemaless_reader(source, self._as_bytes, None)))
        except Exception:  # noqa: BLE001 - damaged bytes may raise anything; where the next record begins is not known then
            pass
        return found + [None] * (count - len(found))

    def _decoded(self, raw: Any) -> dict[str, Any] | None:
        """A record whose texts are bytes as the view has it."""
        record: dict[str, Any] = {}
        for field in self._fields:
            value = raw.get(field["name"], field.get("default"))
            if isinstance(value, bytes) and "string" in field["type"]:
                try:
                    value = value.decode()
                except UnicodeDecodeError:
                    return None
            record[field["name"]] = value
        return record


@lru_cache(maxsize=64)
def _parsed(schema: str) -> Any:
    return fastavro.parse_schema(json.loads(schema))


@lru_cache(maxsize=64)
def _decoder(written: str, view: str) -> Decoder | None:
    return decoder_of(json.loads(written), json.loads(view))


@lru_cache(maxsize=64)
def _written_with(text: str) -> tuple[frozenset[str], Any, Any]:
    """The names of a schema's fields, the schema with times as plain numbers, and the same with texts as bytes."""
    schema = _with_plain_times(json.loads(text))
    as_bytes = _changed(schema, lambda kind: "bytes" if kind == "string" else kind)
    return frozenset(field["name"] for field in schema["fields"]), fastavro.parse_schema(schema), fastavro.parse_schema(as_bytes)


def _number(content: bytes, at: int) -> tuple[int, int]:
    """A whole number as Avro writes it, and the offset behind it; -1 and -1 where there is none."""
    value = shift = 0
    while 0 <= at < len(content) and shift < 70:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
    return -1, -1


def _with_plain_times(schema: dict[str, Any]) -> dict[str, Any]:
    return _changed(schema, lambda kind: kind["type"] if isinstance(kind, dict) and "logicalType" in kind else kind)


def _changed(schema: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """A record's schema with the types of its fields changed, also where they are one of several."""
    fields = []
    for field in schema["fields"]:
        kind = field["type"]
        fields.append({**field, "type": [change(one) for one in kind] if isinstance(kind, list) else change(kind)})
    plain = [{name: value for name, value in field.items() if name != "default"} for field in fields]
    return {**schema, "fields": plain}
