r"""Removes LaTeX and Markdown around a number that certainly does not change it; everything else stays and makes the number uncertain."""

from __future__ import annotations

import re

_GROUP = r"(?=[0-9]{3}(?![0-9]))"
_SPACING = "left|right|big|Big|bigg|Bigg|bigl|bigr|displaystyle|textstyle|quad|qquad|thinspace|enspace|rm|bf|it|large|Large"
_LENGTHS = "cm|mm|km|dm|ft|feet|foot|inch|inches|in|yd|yards|mi|miles|meters?|metres?|units|m(?=[²³])"
_POWER_OF_UNIT = r"\s*(?:\^\s*\{?\s*[23]\s*\}?|[²³])"
_FULL_WIDTH = str.maketrans("：。，；！＝（）\u3000", ":.,;!=() ")
_REPLACED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        ("[\u200b\u2060\ufeff\u200e\u200f\ufe0f]", ""),
        (r"(?<=[^\W\d_]{3}) :(?=\s)", ":"),  # French spacing
        (r"\\\\(?![A-Za-z])", "\n"),
        # thin and non-breaking spaces, and commas in braces, occur only between the groups of one number
        (r"(?<=[0-9])(?:,?\\[,!;:]|\{,\}|[\u00a0\u2009\u202f])" + _GROUP, ","),
        (r"(?<=[0-9])~(?=[A-Za-z\\])", " "),
        (r"\\[()\[\]]", " "),
        (r"\\(?=[$%#&_{}])", ""),
        (r"\\[,;:!> ]", " "),
        (rf"\\(?:{_SPACING})(?![A-Za-z])", " "),
        (r"(?:\^\s*\{?\s*\\circ\s*\}?|\\degree|\\circ)(?![A-Za-z])", "°"),
        (r"\\(?:text|mathrm)\s*\{\s*[mgsLhNJWV]\s*\}" + f"(?:{_POWER_OF_UNIT})?", " units "),
        (r"(?<=\s)(?:km|mi|ft|cm|m)/(?:h|hr|s|sec|min)(?![^\W_])", "units"),
        (r"```[a-z]*|`|\*\*|__", " "),
        (r"</?(?:b|i|em|strong|u|p|code|mark|br ?/?)>", " "),
        (r"(?<![\w*])\*([^*\n]{1,100})\*(?![\w*])", r" \1 "),
        (r"(?<![\w_])_([^_\n]{1,100})_(?![\w_])", r" \1 "),
    )
)
_UNWRAPPED = re.compile(
    r"\\(?:text(?:bf|it|rm|normal|sf|tt|up|md)?|math(?:rm|bf|it|sf|tt|normal)|mbox|hbox|boldsymbol|bm|bold|underline|fbox|emph)\s*\{([^{}]*)\}"
)
_DEEPEST = 4
_SQUARE_UNIT = re.compile(rf"(?<=\s)(?:{_LENGTHS}){_POWER_OF_UNIT}")


def without_markup(text: str) -> str:
    """A short text without its harmless markup."""
    if not text.isascii():
        text = text.translate(_FULL_WIDTH)
    if text.isalnum():
        return text
    for pattern, by in _REPLACED:
        text = pattern.sub(by, text)
    for _ in range(_DEEPEST):
        text, unwrapped = _UNWRAPPED.subn(r" \1 ", text)
        if not unwrapped:
            break
    return _SQUARE_UNIT.sub("units", text).strip()


def boxes(text: str) -> list[tuple[int, int, str]] | None:
    r"""Every ``\boxed{...}``: where it begins and ends, and what is in it, with balanced braces; None when one is not closed."""
    found: list[tuple[int, int, str]] = []
    position = 0
    while (box := _BOX.search(text, position)) is not None:
        depth = 1
        for brace in _BRACE.finditer(text, box.end()):
            depth += {"{": 1, "}": -1}.get(brace[0], 0)
            if not depth:
                position = brace.end()
                found.append((box.start(), position, text[box.end() : brace.start()]))
                break
        if depth:
            return None
    return found


_BOX = re.compile(r"\\f?boxed\s{0,3}\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
