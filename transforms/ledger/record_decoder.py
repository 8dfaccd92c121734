"""Some fields of one record, straight from its bytes.

What a look-up costs is mostly this, and the library makes every field into an object, also those that nobody asked for. It is left what it
alone can do: blocks of many records, packed ones, and schemas with other types than the ledger has.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

_TEXT, _BYTES, _NUMBER, _DOUBLE, _BOOLEAN, _SKIPPED_BYTES, _SKIPPED_NUMBER = range(7)
_KINDS = {"string": _TEXT, "bytes": _BYTES, "int": _NUMBER, "long": _NUMBER, "double": _DOUBLE, "boolean": _BOOLEAN}
_SKIPPED = {_TEXT: _SKIPPED_BYTES, _BYTES: _SKIPPED_BYTES, _NUMBER: _SKIPPED_NUMBER}
_DOUBLES = Struct("<d")
LONGEST_NUMBER_BYTES = 10

Decoder = Callable[[bytes], dict[str, Any]]


def decoder_of(written: dict[str, Any], view: dict[str, Any]) -> Decoder | None:
    """What reads the fields of a view from a record of a schema; None for a schema that only the library reads.

    The decoder raises ValueError, IndexError or struct.error for bytes that are not such a record.
    """
    wanted = {field["name"]: field["type"] for field in view["fields"]}
    steps: list[tuple[int, int | None, str]] = []
    read = 0
    for field in written["fields"]:
        name, kind, null = field["name"], field["type"], None
        if wanted.get(name, kind) != kind:
            return None
        if isinstance(kind, dict):
            kind = kind["type"]  # times come as plain numbers
        if isinstance(kind, list):
            if len(kind) != 2 or "null" not in kind:
                return None
            null = 2 * kind.index("null")
            kind = kind[1 - kind.index("null")]
        if not isinstance(kind, str) or kind not in _KINDS:
            return None
        if name in wanted:
            steps.append((_KINDS[kind], null, name))
            read = len(steps)
        else:
            steps.append((_SKIPPED.get(_KINDS[kind], _KINDS[kind]), null, ""))
    steps = steps[:read]
    names = {name for _, _, name in steps}
    defaults = {field["name"]: field.get("default") for field in view["fields"] if field["name"] not in names}

    def decode(data: bytes) -> dict[str, Any]:
        record = defaults.copy()
        at = 0
        for kind, null, name in steps:
            if null is not None:
                branch = data[at]
                at += 1
                if branch == null:
                    if name:
                        record[name] = None
                    continue
                if branch + null != 2:
                    raise ValueError("neither of two types")
            if kind == _SKIPPED_NUMBER:
                while data[at] > 0x7F:
                    at += 1
                at += 1
            elif kind == _DOUBLE:
                if name:
                    record[name] = _DOUBLES.unpack_from(data, at)[0]
                at += 8
            elif kind == _BOOLEAN:
                if name:
                    record[name] = data[at] != 0
                at += 1
            else:
                number = data[at]
                at += 1
                if number > 0x7F:
                    second = data[at]
                    if second < 0x80:  # most lengths
                        number = number & 0x7F | second << 7
                        at += 1
                    else:
                        number, at = _longer(data, at, number)
                number = (number >> 1) ^ -(number & 1)
                if kind == _NUMBER:
                    record[name] = number
                    continue
                if number < 0:
                    raise ValueError("a length below 0")
                begin, at = at, at + number
                if kind == _TEXT:
                    record[name] = str(data[begin:at], "utf-8")
                elif kind == _BYTES:
                    record[name] = data[begin:at]
        if at > len(data):
            raise ValueError("a record that ends before its last field")
        return record

    return decode


def _longer(data: bytes, at: int, number: int) -> tuple[int, int]:
    """A number of several bytes whose first is given, not yet with its sign, and the offset behind it."""
    number &= 0x7F
    for shift in range(7, 7 * LONGEST_NUMBER_BYTES, 7):
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise ValueError("a number without an end")
