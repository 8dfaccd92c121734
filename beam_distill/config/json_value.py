"""Whether a value is valid JSON, for a request body and run.json."""

from __future__ import annotations

import math
import re
from typing import Any

DEEPEST = 50
MOST_PARTS = 100_000
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def half_character(text: str) -> bool:
    """Whether a text contains half of a surrogate pair, which no file and no request can contain."""
    return _HALF_CHARACTER.search(text) is not None


def check_json(value: dict[str, Any]) -> None:
    """Raise ValueError, with the path inside, for values that JSON does not have: NaN, dates, bytes, sets, endless nesting."""
    parts: list[tuple[Any, str, int]] = [(value, "", 1)]
    seen = 0
    while parts:
        part, where, depth = parts.pop()
        seen += 1
        if depth > DEEPEST:
            raise ValueError(f"{_short(where)} is nested more than {DEEPEST} deep")
        if seen > MOST_PARTS:
            raise ValueError(f"holds more than {MOST_PARTS:,} values")
        if isinstance(part, dict):
            for name, inner in part.items():
                if not isinstance(name, str):
                    raise ValueError(f"{_short(where)} has the name {name!r}, which is not text; write it in quotes")
                _check_text(name, where)
                parts.append((inner, f"{where}.{name}".removeprefix("."), depth + 1))
        elif isinstance(part, (list, tuple)):
            parts += [(inner, f"{where}[{number}]", depth + 1) for number, inner in enumerate(part)]
        else:
            _check_scalar(part, where)


def _check_scalar(value: Any, where: str) -> None:
    if isinstance(value, str):
        _check_text(value, where)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{_short(where)} is {value}, which JSON does not have; expected a number")
    elif isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        raise ValueError(f"{_short(where)} is a whole number of more than 64 bits")
    elif value is not None and not isinstance(value, (int, float)):
        kind = type(value).__name__
        raise ValueError(f"{_short(where)} is a {kind}, which JSON does not have; expected text (in quotes), a number, true, false or null")


def _check_text(text: str, where: str) -> None:
    if half_character(text):
        raise ValueError(f"{_short(where)} holds half of a surrogate pair, which is not a character")


def _short(where: str) -> str:
    shown = where if len(where) <= 60 else f"{where[:57]}..."
    return f"field {shown}".encode("utf-8", "replace").decode() if where else "the outermost"
