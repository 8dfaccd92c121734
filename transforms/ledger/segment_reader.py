"""Reading a segment whatever has become of it.

A block is whole when its length leads to the segment's sync marker. What is not whole is skipped to the next marker; where none follows, a
writer died there or still writes. In a whole block, a record that cannot be decoded costs itself.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro

from transforms.ledger.encoding import SYNC_BYTES, checksum, sync_marker
from transforms.ledger.schema import FAILURE_SCHEMA, LEDGER_SCHEMA, written_schemas

STRETCH_BYTES = 256 * 1024
"""Neighbouring blocks are read together up to this size: decoding a few of them costs hardly more than decoding one."""
WINDOW_BYTES = 256 * 1024
HEADER_BYTES = 64 * 1024
LONGEST_NUMBER_BYTES = 10
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
    """A file, or what has its name, that no ledger of ours wrote."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring whole blocks: where they are, how many bytes they take, and their records; None for one that cannot be read."""

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

    Times come as milliseconds since 1970. ``damage`` counts what ``stretches`` skipped.
    """

    def __init__(self, path: Path, view: dict[str, Any]) -> None:
        self._view = view
        self._fields = view["fields"]
        self.damage = Damage()
        self.reached = 0
        try:
            self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotASegment(f"is not a file ({error.strerror})") from None
        try:
            self._read_header(path)
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def stretches(self, start: int = 0) -> Iterator[Stretch]:
        """Every whole block from offset ``start`` on, in order. ``reached`` is the offset up to which that was, damage included."""
        end = os.fstat(self._file.fileno()).st_size
        begin = self.reached = start or self._header_bytes
        while self.reached < end:
            after = self._block_end(self.reached, end)
            is_whole = after is not None
            if begin < self.reached and (not is_whole or self.reached - begin >= STRETCH_BYTES):
                yield self._stretch(begin, self.reached - begin)
                begin = self.reached
            if not is_whole:
                after = self._after_next_marker(self.reached)
                if after is None:
                    break
                self.damage.size_bytes += after - self.reached
                begin = after
            assert after is not None
            self.reached = after
        if begin < self.reached:
            yield self._stretch(begin, self.reached - begin)
        self.damage.tail_bytes = end - self.reached

    def records(self, offset: int, size: int) -> list[dict[str, Any] | None]:
        """The records of the whole blocks that take ``size`` bytes from ``offset`` on; None in the place of one that cannot be read."""
        self._file.seek(offset)
        content = self._file.read(size)
        try:
            found: list[dict[str, Any] | None] = list(fastavro.reader(io.BytesIO(self._header + content), self._view))
        except Exception:  # noqa: BLE001 - damaged bytes may raise anything
            found = self._one_by_one(content)
        if found and found[0] is not None and "checksum" not in found[0]:
            return found
        return [self._checked(record) for record in found]

    def _stretch(self, offset: int, size: int) -> Stretch:
        stretch = Stretch(offset, size, self.records(offset, size))
        self.damage.records += stretch.records.count(None)
        return stretch

    def _checked(self, record: dict[str, Any] | None) -> dict[str, Any] | None:
        if record is None:
            return None
        expected = record.pop("checksum", None)
        if expected is not None and expected != checksum(record["row_key"], record["turn"], record["request_hash"], record["response"]):
            return None
        return record

    def _read_header(self, path: Path) -> None:
        source = io.BytesIO(self._file.read(HEADER_BYTES))
        own = sync_marker(path.name)
        try:
            header: Any = fastavro.schemaless_reader(source, _HEADER, None)
            if header["magic"] != b"Obj\x01":
                raise NotASegment("is not an Avro file")
            self._codec = header["meta"].get("avro.codec", b"null").decode()
            self._sync: bytes = header["sync"]
            self._header_bytes = source.tell()
            self._use(json.loads(header["meta"]["avro.schema"]))
            if self._sync == own or own not in source.getvalue()[self._header_bytes :]:
                return
        except Exception as error:  # noqa: BLE001 - damaged bytes may raise anything
            if own not in source.getvalue():
                raise NotASegment(str(error) or type(error).__name__) from None
        # ours by its markers, with a damaged header
        self._codec, self._sync = "null", own
        self._header_bytes = self._after_next_marker(0) or 0
        candidates = _WRITTEN_AS[self._view["name"]]
        for schema in candidates:
            self._use(schema)
            if self._explains_a_block():
                return
        self._use(candidates[0])

    def _explains_a_block(self) -> bool:
        """Whether the schema in use takes up the first block that can be read to its last byte."""
        end = os.fstat(self._file.fileno()).st_size
        at, tried = self._header_bytes, 0
        while at < end and tried < BLOCKS_TRIED:
            after = self._block_end(at, end)
            if after is None:
                return False
            self._file.seek(at)
            content = self._file.read(after - at)
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

    def _use(self, schema: Any) -> None:
        names = {field["name"] for field in schema["fields"]}
        missing = [field["name"] for field in self._fields if "default" not in field and field["name"] not in names]
        if missing:
            raise NotASegment(f"is of another schema, without {', '.join(missing[:3])}")
        schema = _changed(schema, lambda kind: kind["type"] if isinstance(kind, dict) and "logicalType" in kind else kind)
        header = io.BytesIO()
        fastavro.writer(header, schema, [], codec=self._codec, sync_marker=self._sync)
        self._header = header.getvalue()
        self._as_bytes = fastavro.parse_schema(_changed(schema, lambda kind: "bytes" if kind == "string" else kind))

    def _block_end(self, at: int, end: int) -> int | None:
        """Where the block that begins here ends; None when none does. Of a block and its marker, one may be damaged."""
        after, has_marker = self._end_by_length(at, end)
        if after is None or has_marker:
            return after
        return after if after < end and self._end_by_length(after, end)[1] else None

    def _end_by_length(self, at: int, end: int) -> tuple[int | None, bool]:
        """Where the block that begins here ends by its length, None when that cannot be, and whether the marker is there."""
        self._file.seek(at)
        head = self._file.read(2 * LONGEST_NUMBER_BYTES)
        count, used = _number(head, 0)
        size, used = _number(head, used)
        # a record takes a byte at least, unless packed
        if count < 0 or size < 0 or used < 0 or (self._codec == "null" and count > size) or at + used + size + SYNC_BYTES > end:
            return None, False
        self._file.seek(at + used + size)
        return at + used + size + SYNC_BYTES, self._file.read(SYNC_BYTES) == self._sync

    def _after_next_marker(self, at: int) -> int | None:
        """The offset behind the next sync marker that begins at ``at`` or later; None when there is none."""
        self._file.seek(at)
        kept = b""
        while piece := self._file.read(WINDOW_BYTES):
            window = kept + piece
            found = window.find(self._sync)
            if found >= 0:
                return at - len(kept) + found + SYNC_BYTES
            at += len(piece)
            kept = window[-SYNC_BYTES + 1 :]
        return None

    def _one_by_one(self, content: bytes) -> list[dict[str, Any] | None]:
        records: list[dict[str, Any] | None] = []
        at = 0
        while at < len(content):
            count, used = _number(content, at)
            size, used = _number(content, used)
            records.extend(self._of_block(content[at : used + size + SYNC_BYTES], content[used : used + size], count))
            at = used + size + SYNC_BYTES
        return records

    def _of_block(self, block: bytes, data: bytes, count: int) -> list[dict[str, Any] | None]:
        found: list[dict[str, Any] | None] = []
        try:
            if self._codec != "null":
                return list(fastavro.reader(io.BytesIO(self._header + block), self._view))
            source = io.BytesIO(data)
            while len(found) < count:
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


def _changed(schema: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """A record's schema with the types of its fields changed, also where they are one of several."""
    fields = []
    for field in schema["fields"]:
        kind = field["type"]
        fields.append({**field, "type": [change(one) for one in kind] if isinstance(kind, list) else change(kind)})
    plain = [{name: value for name, value in field.items() if name != "default"} for field in fields]
    return {**schema, "fields": plain}
