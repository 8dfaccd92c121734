"""Parses servers' JSON that strict JSON refuses, so that a paid answer is not lost because of one byte."""

from __future__ import annotations

import json
import re

import orjson

_LENIENT = json.JSONDecoder(strict=False)
_COMMENTS = re.compile(r"\A(?:\s*:[^\n]*\n)+")


def read_json(body: bytes | str) -> object:
    """The value in a body. Raises ValueError, with the reason, if it cannot be parsed.

    If strict parsing fails, a lenient parser accepts NaN and Infinity, raw line ends in texts, a byte order mark, bytes
    that are not UTF-8 and halves of surrogate pairs (both become U+FFFD), comment lines before the value (``: still working``) and
    anything after it.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        strict = error
    text = body.decode("utf-8-sig", "replace") if isinstance(body, bytes) else body.removeprefix("\ufeff")
    try:
        value, _ = _LENIENT.raw_decode(_COMMENTS.sub("", text, count=1).lstrip())
        whole = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return json.loads(whole)
    except (ValueError, RecursionError):
        raise ValueError(str(strict)) from None
