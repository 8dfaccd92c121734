"""Finding the JSON a teacher was asked for in what it wrote: tolerant where the meaning is certain.

Code fences and text around the value, trailing commas, raw line breaks in strings and backslashes that JSON does not know (LaTeX) are
read over. Time is linear in the text for every input.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

MOST_LETTERS = 1_000_000  # looked at in one text, repeats counted; a hostile text of braces would want the square of its length
LONGEST_VALUE = 200_000
_JSON_ESCAPES = frozenset('"\\/bfnrtu')


def json_values(text: str) -> Iterator[Any]:
    """Every top-level JSON object or list in ``text``, first to last; text that is none is passed over."""
    position = 0
    length = len(text)
    letters_left = MOST_LETTERS
    while position < length and letters_left > 0:
        opening = _next_opening(text, position)
        if opening < 0:
            return
        end = _matching_end(text, opening)
        letters_left -= (end if end >= 0 else min(length, opening + LONGEST_VALUE)) - opening
        if end < 0:
            position = opening + 1
            continue
        value = _loads(text[opening:end])
        if value is _NOTHING:
            position = opening + 1
        else:
            yield value
            position = end


_NOTHING = object()


def _next_opening(text: str, start: int) -> int:
    brace, bracket = text.find("{", start), text.find("[", start)
    if brace < 0 or bracket < 0:
        return max(brace, bracket)
    return min(brace, bracket)


def _matching_end(text: str, opening: int) -> int:
    depth = 0
    in_string = False
    escaped = False
    for position in range(opening, min(len(text), opening + LONGEST_VALUE)):
        letter = text[position]
        if in_string:
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == '"':
                in_string = False
        elif letter == '"':
            in_string = True
        elif letter in "{[":
            depth += 1
        elif letter in "}]":
            depth -= 1
            if depth == 0:
                return position + 1
    return -1


def _loads(text: str) -> Any:
    for candidate in (text, _mended(text)):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    return _NOTHING


def _mended(text: str) -> str:
    """``text`` without trailing commas, and with unknown escapes taken literally."""
    out: list[str] = []
    in_string = False
    position = 0
    while position < len(text):
        letter = text[position]
        if in_string:
            if letter == "\\":
                following = text[position + 1 : position + 2]
                if following in _JSON_ESCAPES and following:
                    out.append(letter + following)
                    position += 2
                    continue
                out.append("\\\\")
                position += 1
                continue
            if letter == '"':
                in_string = False
        elif letter == '"':
            in_string = True
        elif letter in "}]":
            last = len(out) - 1
            while last >= 0 and out[last].isspace():
                last -= 1
            if last >= 0 and out[last] == ",":
                del out[last]
        out.append(letter)
        position += 1
    return "".join(out)
