"""The other columns of a row as JSON: for the dataset's metadata and for the user's own checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import orjson

from transforms.elements.storable_text import storable_text
from transforms.intake.formats.base import UnreadableValue
from transforms.intake.template_growth import nested_deeper

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_PASSTHROUGH_DATACLASS
_NESTED_MOST = 100
_INTEGER_BITS = 64


def columns_as_json(fields: Mapping[str, Any], names: Iterable[str]) -> bytes:
    """These columns as a JSON object; one that the row does not have is null.

    Dates and times are ISO 8601, durations are seconds; decimals, UUIDs and integers beyond 64 bits are text. NaN and Infinity, bytes that are
    not text, and what is nested more than 100 levels deep are null.
    """
    found = {name: fields.get(name) for name in names}
    try:
        return orjson.dumps(found, _plain, _OPTIONS)
    except (TypeError, RecursionError):  # a value that JSON cannot hold, which must not cost the row
        return orjson.dumps({storable_text(str(name)): _storable(value) for name, value in found.items()}, _plain, _OPTIONS)


def _plain(value: Any) -> Any:
    """A value that is neither a JSON value nor a date, time or UUID."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return _text_or_none(value)
    return None if isinstance(value, UnreadableValue) else storable_text(str(value))


def _storable(value: Any) -> Any:
    return None if isinstance(value, (dict, list, tuple)) and nested_deeper(value, _NESTED_MOST) else _repaired(value)


def _repaired(value: Any) -> Any:
    """The value with texts, keys and integers that orjson takes."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() >= _INTEGER_BITS:
        return str(value)
    if isinstance(value, dict):
        return {storable_text(str(name)): _repaired(item) for name, item in value.items()}
    return [_repaired(item) for item in value] if isinstance(value, (list, tuple)) else value


def _text_or_none(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None
