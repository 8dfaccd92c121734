"""Most chunks of a stream differ only in a piece of text, so they need not be parsed one by one.

The bytes before and after the text come from a parsed chunk. A later chunk with the same bytes around a JSON text has the same meaning
except for that text.
"""

from __future__ import annotations

from typing import Any

import orjson

from transforms.teacher.message_parts import TextSoFar

_PROBE = "a text that no chunk has"


class ChunkTemplate:
    """The bytes around a chunk's text, and the text so far that it continues."""

    __slots__ = ("_before", "_after", "_least", "text")

    def __init__(self, before: bytes, after: bytes, text: TextSoFar) -> None:
        self._before = before
        self._after = after
        self._least = len(before) + len(after)
        self.text = text

    def piece(self, chunk: bytes) -> str | None:
        """The piece of text in a chunk; None if the chunk does not fit."""
        if len(chunk) < self._least or not chunk.startswith(self._before) or not chunk.endswith(self._after):
            return None
        raw = chunk[len(self._before) : len(chunk) - len(self._after)]
        try:
            if b"\\" not in raw:
                return None if b'"' in raw else raw.decode()
            return orjson.loads(b'"' + raw + b'"')  # type: ignore[no-any-return]
        except ValueError:
            return None


def template_of(raw: bytes, chunk: dict[str, Any], message: dict[str, Any]) -> ChunkTemplate | None:
    """A template for chunks like this one, which was added to the first choice's ``message``; None if it has more than one text."""
    choice = chunk["choices"][0] if len(chunk["choices"]) == 1 else None
    if not isinstance(choice, dict) or choice.get("index", 0) != 0 or chunk.get("usage") or chunk.get("error"):
        return None
    delta = choice.get("delta")
    if not isinstance(delta, dict) or choice.get("finish_reason") or choice.get("logprobs"):
        return None
    said = [(name, value) for name, value in delta.items() if value and name != "role"]
    if len(said) != 1 or not isinstance(said[0][1], str):
        return None
    name, value = said[0]
    text = message.get(name)
    quoted = b'"' + value.encode() + b'"'
    if not isinstance(text, TextSoFar) or raw.count(quoted) != 1:
        return None
    start = raw.index(quoted) + 1
    before, after = raw[:start], raw[start + len(quoted) - 2 :]
    try:
        probed = orjson.loads(before + _PROBE.encode() + after)
        return ChunkTemplate(before, after, text) if probed["choices"][0]["delta"][name] == _PROBE else None
    except (ValueError, LookupError, TypeError):
        return None
