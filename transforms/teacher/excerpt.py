"""The beginning of a response, readable."""

from __future__ import annotations

import json
import re
from contextlib import suppress

from transforms.teacher.error_body import is_web_page
from transforms.teacher.lenient_json import read_json

LONGEST_EXCERPT = 600
_LOOKED_AT_BYTES = 64 * 1024
_NO_WORDS = re.compile(r"<(script|style)\b.*?(?:</\1>|$)|<[^>]*>?", re.DOTALL | re.IGNORECASE)


def excerpt_of(body: bytes) -> str:
    """At most 600 characters: the words of a web page; JSON with its escaped letters decoded."""
    text = body[:_LOOKED_AT_BYTES].decode("utf-8", "replace")
    if is_web_page(text):
        return " ".join(_NO_WORDS.sub(" ", text).split())[:LONGEST_EXCERPT] or text[:LONGEST_EXCERPT]
    if "\\u" in text:
        with suppress(ValueError, RecursionError):
            text = json.dumps(read_json(text), ensure_ascii=False)
    return text[:LONGEST_EXCERPT]
