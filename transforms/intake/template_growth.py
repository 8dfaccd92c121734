"""How much text an operation of a template would build, computed before it runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

NESTED_MOST = 400
"""Levels of lists and objects in a value that a template may use. Python's own limit depends on the caller, so it would not refuse the same
row every time."""
MOST_INTEGER_BITS = 100_000
MOST_PRECISION = 400
_CONVERSION = re.compile(r"%(?:\([^)]*\))?[-#0 +]*(\*|[0-9]*)(?:\.(\*|[0-9]*))?[a-zA-Z]")
_NUMBER = re.compile(r"[0-9]+")


def nested_deeper(value: Any, levels: int = NESTED_MOST) -> bool:
    """Whether lists and objects in a value are nested more than ``levels`` deep."""
    level = [value]
    for _ in range(levels):
        level = [child for item in level for child in _children(item) if isinstance(child, (list, tuple, dict))]
        if not level:
            return False
    return True


def written_size(value: Any, most: int) -> int:
    """About how many characters a value has as text; counting stops above ``most``."""
    if isinstance(value, str):
        return len(value)
    size = 0
    waiting = [value]
    while waiting and size <= most:
        item = waiting.pop()
        size += len(item) + 2 if isinstance(item, str) else 2
        waiting.extend(_children(item))
    return size


def _children(item: Any) -> Any:
    if isinstance(item, dict):
        return [*item, *item.values()]
    return item if isinstance(item, (list, tuple)) else ()


def percent_size(text: str, arguments: Any, most: int) -> int:
    """An upper bound of the characters of ``text % arguments``."""
    given = arguments.values() if isinstance(arguments, Mapping) else arguments if isinstance(arguments, tuple) else (arguments,)
    widths = [abs(value) for value in given if isinstance(value, int)]
    longest = max((written_size(value, most) for value in given), default=0)
    size = len(text)
    for found in _CONVERSION.finditer(text):
        asked = [max(widths, default=0) if number == "*" else int(number) for number in found.groups() if number]
        size += longest + sum(asked) + 350  # digits of the largest float
        if size > most:
            break
    return size


def spec_size(spec: str) -> int:
    """An upper bound of the characters that a format specification such as ``>20`` adds."""
    return sum(int(number) for number in _NUMBER.findall(spec[:100])) if len(spec) <= 100 else len(spec) * 10**6


def product_size(left: Any, right: Any) -> int:
    """The length of ``left * right``: items of a sequence, or bits of an integer scaled so that the same bound fits."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, (str, bytes, list, tuple)) and isinstance(other, int):
            return len(one) * max(other, 0)
    return 0


def too_many_bits(operator: str, left: Any, right: Any) -> bool:
    """Whether a product or power of integers takes more bits than any prompt needs."""
    if not (isinstance(left, int) and isinstance(right, int)):
        return False
    if operator == "*":
        return left.bit_length() + right.bit_length() > MOST_INTEGER_BITS
    return abs(left) > 1 and left.bit_length() * right > MOST_INTEGER_BITS


def _replaced(text: Any, old: Any, new: Any, count: Any = None) -> int:
    whole, sought = str(text), str(old)
    found = whole.count(sought)
    if isinstance(count, int) and count >= 0:
        found = min(found, count)
    return len(whole) + found * len(str(new))


def _joined(parts: Any, separator: Any = "", attribute: Any = None) -> int:
    return len(str(separator)) * len(parts) if hasattr(parts, "__len__") else 0


def _indented(text: Any, width: Any = 4, first: bool = False, blank: bool = False) -> int:
    return len(str(text)) + (str(text).count("\n") + 1) * (len(width) if isinstance(width, str) else int(width))


def _wrapped(text: Any, width: int = 79, break_long_words: bool = True, wrapstring: Any = None, break_on_hyphens: bool = True) -> int:
    lines = 2 * len(str(text)) // max(width, 1) + str(text).count("\n") + len(str(text).split())
    return len(str(text)) + lines * len(wrapstring or "\n")


def _linked(text: Any, *given: Any, **named: Any) -> int:
    added = sum(len(value) for value in (*given, *named.values()) if isinstance(value, str))
    return len(str(text)) + len(str(text).split()) * (added + 60)


def _in_json(value: Any, indent: Any = None) -> int:
    nodes = written_size(value, 10**8) // 2
    depth = next((levels for levels in (1, 2, 4, 8, 16, 32, 64, 128, NESTED_MOST) if not nested_deeper(value, levels)), NESTED_MOST)
    return nodes * depth * (indent if isinstance(indent, int) else len(indent or ""))


def _rounded(value: Any, precision: Any = 0, method: Any = "common") -> int:
    return 0 if abs(precision) <= MOST_PRECISION else 10**12


def _of_width(text: Any, width: Any = 80, fill: Any = " ") -> int:
    return max(len(str(text)), int(width))


FILTERS: dict[str, Callable[..., int]] = {
    "center": _of_width,
    "indent": _indented,
    "replace": _replaced,
    "join": _joined,
    "wordwrap": _wrapped,
    "urlize": _linked,
    "tojson": _in_json,
    "pprint": lambda value: _in_json(value, 1),
    "batch": lambda value, linecount, fill_with=None: int(linecount) if fill_with is not None else 0,
    "slice": lambda value, slices, fill_with=None: int(slices),
    "round": _rounded,
    "format": lambda text, *given, **named: percent_size(str(text), named or given, 10**9),
}
"""The longest possible result of a filter, from its arguments, if it can be much longer than these."""

METHODS: dict[str, Callable[..., int]] = {
    "center": _of_width,
    "ljust": _of_width,
    "rjust": _of_width,
    "zfill": _of_width,
    "replace": _replaced,
    "join": lambda separator, parts: _joined(parts, separator),
    "expandtabs": lambda text, tabsize=8: len(text) + text.count("\t") * max(tabsize, 0),
    "translate": lambda text, table: len(text) * max((len(value) for value in table.values() if isinstance(value, str)), default=1),
    "to_bytes": lambda value, *given, **named: 10**12,
}
"""The same for methods, with the text first."""
