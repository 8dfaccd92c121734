"""Records to the bytes of a segment: one Avro block for each, so that damage to one costs no other."""

from __future__ import annotations

import io
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any
from zlib import crc32

import fastavro

from transforms.elements.storable_text import storable_text

_LONGEST = {"int": 2**31 - 1, "long": 2**63 - 1}
SYNC_BYTES = 16


def checksum(row_key: str, turn: int, request_hash: str, response: str) -> int:
    """CRC-32 over an answer and what it answers: a damaged byte must not pass for what the teacher said."""
    return crc32(response.encode("utf-8", "replace"), crc32(f"{row_key} {turn} {request_hash} ".encode("utf-8", "replace")))


def sync_marker(segment_name: str) -> bytes:
    """The marker behind every block of a segment. Made from its name, so that a damaged header does not cost the records."""
    return blake2b(segment_name.encode("utf-8", "replace"), digest_size=SYNC_BYTES).digest()


class BlockEncoder:
    """The header and blocks of the segment with this file name."""

    def __init__(self, schema: dict[str, Any], segment_name: str) -> None:
        self._schema = fastavro.parse_schema(schema)
        self._types: dict[str, str] = {field["name"]: _plain_type(field["type"]) for field in schema["fields"]}
        self._sync = sync_marker(segment_name)

    def header(self) -> bytes:
        """What a segment begins with."""
        target = io.BytesIO()
        # null codec: a response is small, and compressing costs more than the disk it saves while the endpoint waits
        fastavro.writer(target, self._schema, [], codec="null", sync_marker=self._sync)
        return target.getvalue()

    def block(self, datum: Mapping[str, Any]) -> bytes:
        """A block with this record alone. A value that Avro cannot hold is recorded as the nearest that it can."""
        target = io.BytesIO()
        try:
            fastavro.schemaless_writer(target, self._schema, datum)
        except (ValueError, OverflowError, TypeError, AttributeError):
            target = io.BytesIO()
            fastavro.schemaless_writer(target, self._schema, {name: _storable(datum.get(name), kind) for name, kind in self._types.items()})
        content = target.getvalue()
        return b"\x02" + _long(len(content)) + content + self._sync


def _plain_type(kind: Any) -> str:
    if isinstance(kind, list):
        return "?" + _plain_type(next(one for one in kind if one != "null"))
    return str(kind["type"] if isinstance(kind, dict) else kind)


def _storable(value: Any, kind: str) -> Any:
    if value is None and kind.startswith("?"):
        return None
    kind = kind.removeprefix("?")
    if kind in _LONGEST:
        whole = int(value) if isinstance(value, (int, float)) and value == value and abs(value) != float("inf") else 0
        return max(-_LONGEST[kind] - 1, min(whole, _LONGEST[kind]))
    if kind == "double":
        return float(value) if isinstance(value, (int, float)) and abs(value) < 1e308 else 0.0
    if kind == "boolean":
        return bool(value)
    if kind == "bytes":
        return bytes(value) if isinstance(value, (bytes, bytearray)) else storable_text(str(value)).encode()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return storable_text(str("" if value is None else value))


def _long(number: int) -> bytes:
    """A whole number from 0 on as Avro writes it."""
    number <<= 1
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)
