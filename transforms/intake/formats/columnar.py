"""Rows from Arrow's record batches. A value that Python cannot hold affects no other value."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

from transforms.elements import reasons
from transforms.intake.formats.base import Record, UnreadableValue, UnusableFile
from transforms.intake.formats.binary import text_in
from transforms.intake.formats.class_numbers import classes_in, with_classes
from transforms.intake.unusable import UnusableRecord

ROWS_AT_A_TIME = 256
_SINGLE = struct.Struct("f")
_HOLDS_SINGLE = re.compile(r"\b(?:half)?float\b")
"""Arrow's names of numbers with 2 and 4 bytes; those with 8 are ``double``."""


def rows_of(batch: Any, rows_before: int, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
    """The rows of a record batch, numbered from ``rows_before``. If ``columns`` is known, only these are converted."""
    places = {name: place for place, name in enumerate(batch.schema.names) if columns is None or name in columns}
    classes = {name: found for name, found in classes_in(batch.schema).items() if name in places}
    for begin in range(0, batch.num_rows, ROWS_AT_A_TIME):
        part = batch.slice(begin, ROWS_AT_A_TIME)
        cells = {name: _values(part.column(place), name) for name, place in places.items()}
        for name, found in classes.items():
            cells[name] = [with_classes(value, found) for value in cells[name]]
        roomy = part.nbytes > max_row_bytes
        for place in range(part.num_rows):
            number = rows_before + begin + place + 1
            fields = {name: values[place] for name, values in cells.items()}
            yield number, _too_large(max_row_bytes) if roomy and _size(fields) > max_row_bytes else fields


def _values(column: Any, name: str) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except Exception:  # noqa: BLE001 - what pyarrow raises depends on the type: ValueError, OverflowError, UnicodeDecodeError and others
        values = [_value(cell, name) for cell in column]
    if "map<" in str(column.type):
        values = [_with_objects(value) for value in values]
    if _HOLDS_SINGLE.search(str(column.type)):
        values = [_as_written(value) for value in values]
    return [text_in(value, name) for value in values] if _may_hold_bytes(column.type) else values


def _with_objects(value: Any) -> Any:
    """The value with its maps as objects; pyarrow gives them as lists of pairs. One that has a key twice stays as it is."""
    if isinstance(value, dict):
        return {name: _with_objects(item) for name, item in value.items()}
    if not isinstance(value, list):
        return value
    if value and all(isinstance(item, tuple) for item in value):
        made = {key: _with_objects(item) for key, item in value}
        return made if len(made) == len(value) else value
    return [_with_objects(item) for item in value]


def _as_written(value: Any) -> Any:
    """The value with its numbers of 4 bytes in as few digits as name them: 0.1, which Python has as 0.10000000149011612."""
    if isinstance(value, dict):
        return {name: _as_written(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_written(item) for item in value]
    if not isinstance(value, float) or value != value or abs(value) > 3e38:
        return value
    short = (float(f"{value:.{digits}g}") for digits in (3, 6, 7, 8, 9))
    return next((written for written in short if _SINGLE.unpack(_SINGLE.pack(written))[0] == value), value)


def _value(cell: Any, name: str) -> Any:
    try:
        return cell.as_py()
    except UnicodeDecodeError as error:
        return UnreadableValue(
            reasons.NOT_UTF8, f"the column {name!r} holds text that is not UTF-8 (byte {error.start + 1:,}). Save it as UTF-8"
        )
    except Exception as error:  # noqa: BLE001
        said = (str(error).strip().splitlines() or [""])[0][:120]
        return UnreadableValue(
            reasons.BAD_ROW, f"the column {name!r} holds a {cell.type} that cannot be read ({type(error).__name__}: {said}); write it as text"
        )


def _may_hold_bytes(kind: Any) -> bool:
    if getattr(kind, "value_type", None) is not None and not kind.num_fields:
        return _may_hold_bytes(kind.value_type)  # a dictionary's values
    return "binary" in str(kind) if not kind.num_fields else any(_may_hold_bytes(kind.field(place).type) for place in range(kind.num_fields))


def _size(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, dict):
        return sum(_size(item) for item in value.values())
    return sum(_size(item) for item in value) if isinstance(value, list) else 8


def broken(what: str, error: Exception) -> Exception:
    """What to raise where the library fails: UnusableFile with what is wrong, or the error of the disk or the network."""
    if getattr(error, "errno", None):
        return error
    return UnusableFile(f"{what} ({(str(error).splitlines() or [type(error).__name__])[0]})")


def _too_large(max_row_bytes: int) -> UnusableRecord:
    return UnusableRecord(reasons.ROW_TOO_LARGE, f"the row is longer than the {max_row_bytes:,} bytes that are read; shorten it")
