"""Most chunks of a stream differ only in a piece of text, so they need not be parsed one by one.

The bytes before and after the text come from a parsed chunk. A later chunk with the same bytes around a JSON text has the same meaning
except for that text.
"""

from __future__ import annotations

from typing import Any

import orjson

from transforms.teacher.event_stream import DATA
from transforms.teacher.message_parts import TextSoFar

_BACKSLASH = ord("\\")
_PROBE = "a text that no chunk has"


class ChunkTemplate:
    """The bytes around a chunk's text, and the text so far that it continues."""

    __slots__ = ("_after", "_before", "text")

    def __init__(self, before: bytes, after: bytes, text: TextSoFar) -> None:
        self._before = DATA + before
        self._after = after + b"\n\n"
        self.text = text

    def texts(self, events: bytes, start: int) -> tuple[list[str], int]:
        """The pieces of text in the consecutive events from ``start`` that fit, and where the first other one begins."""
        raw, end = [], start
        while events.startswith(self._before, end):
            begin = end + len(self._before)
            quote = events.find(b'"', begin)
            while quote > begin and events[quote - 1] == _BACKSLASH:
                quote = events.find(b'"', quote + 1)
            if not events.startswith(self._after, quote):
                break
            raw.append(events[begin:quote])
            end = quote + len(self._after)
        try:
            texts = orjson.loads(b'["' + b'","'.join(raw) + b'"]') if raw else []
        except ValueError:
            return [], start
        # a backslash at the end of a text would join it with the next one
        return (texts, end) if len(texts) == len(raw) else ([], start)


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
