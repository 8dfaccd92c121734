"""One JSON value from its bytes: parsed strictly and fast, and leniently if that fails.

The lenient parser also accepts NaN and Infinity, numbers beyond a float, half surrogate pairs and control characters in texts. Such a
value has no effect in an unused column; a row that uses one of the first three is a reject.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

from transforms.elements import reasons
from transforms.intake.unusable import UnusableRecord

LONGEST_NUMBER = 4300
"""Most digits of a number; longer ones stay text, because their conversion takes more than linear time."""
_LARGE_INTEGER = re.compile(rb"[0-9]{19}")


def json_value(text: bytes, exact_integers: bool = False) -> Any:
    """The value; ``exact_integers`` keeps integers beyond 64 bits, which otherwise become floats. Raises UnusableRecord."""
    if exact_integers and _LARGE_INTEGER.search(text):
        try:
            return _lenient(text)
        except (ValueError, RecursionError):
            pass  # the error is described below
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as strict:
        try:
            return _lenient(text)
        except UnicodeDecodeError as undecodable:
            raise _not_utf8(text, undecodable) from None
        except (ValueError, RecursionError):
            raise _not_json(text, strict) from None


def _lenient(text: bytes) -> Any:
    # an escaped half surrogate stays in the text, and is refused when that text is used
    return json.loads(text.decode("utf-8"), parse_int=_integer, parse_float=_float, strict=False)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits


def _float(digits: str) -> float | str:
    value = float(digits) if len(digits) <= LONGEST_NUMBER else math.inf
    return value if math.isfinite(value) else digits


def _not_utf8(text: bytes, error: UnicodeDecodeError) -> UnusableRecord:
    if b"\x00" in text[:8] or text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return UnusableRecord(reasons.NOT_UTF8, "the line looks like UTF-16, not UTF-8. Save the file as UTF-8")
    place = error.start
    return UnusableRecord(reasons.NOT_UTF8, f"byte {place + 1} of the line (0x{text[place]:02x}) is not UTF-8. Save the file as UTF-8")


def _not_json(text: bytes, error: orjson.JSONDecodeError) -> UnusableRecord:
    if not text.strip(b"\x00"):
        return UnusableRecord(
            reasons.INVALID_JSON,
            f"the line is {len(text):,} NUL bytes and nothing else, as a crash or a full disk leaves them; rows may be missing. "
            "Compare the file with its source, and remove the line",
        )
    if text.count(b"\x00") * 3 > len(text):
        return UnusableRecord(reasons.NOT_UTF8, "the line looks like UTF-16, not UTF-8. Save the file as UTF-8")
    decoded = text.decode("utf-8")
    if error.pos >= len(decoded):
        found = "the line ends there, and a row must be whole on one line"
    else:
        found = f"found {decoded[error.pos : error.pos + 20]!r}"
    return UnusableRecord(reasons.INVALID_JSON, f"not JSON at column {error.colno}: {error.msg}; {found}")
