"""A choice's letter in another case than in the row's list: "the correct answer is d" when the choices are A to D.

In running text a lower-case letter is usually a word ("a") or part of a formula. So it counts only in an answer's position: after
"the answer is" or similar and before a punctuation mark or the end, in "option d is correct", or at the very beginning, "d) Paris".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_NOUN = r"(?:answers?|choices?|options?|letters?|solutions?|responses?|alternatives?)"
_LED_IN = (
    rf"(?:\b{_NOUN}\s*(?:(?:is|would\s+be|should\s+be|must\s+be|[:=]|->|→|[-–—])\s*)+(?:(?:clearly|therefore|thus|then|simply)\s+)?"
    rf"|\b(?:choose|pick|select|go\s+with)\s+)(?:(?:the\s+)?{_NOUN}\s*:?\s*)?"
)
_CORRECT = r"(?=[).]?\s+is\s+(?:clearly\s+)?(?:the\s+)?(?:correct|right|best|answer)\b)"


def letters_in_other_case(text: str, names: frozenset[str]) -> Iterator[tuple[str, int, int]]:
    """Every label of one letter that the text names in the other case, with the letter's place. The text has no markup."""
    letters = "".join(sorted(name.swapcase() for name in names if _is_letter(name) and name.swapcase() not in names))
    if letters:
        for found in _pattern(letters).finditer(text):
            start, end = next(span for span in map(found.span, range(1, 6)) if span != (-1, -1))
            yield text[start:end].swapcase(), start, end


def _is_letter(name: str) -> bool:
    return len(name) == 1 and name.isascii() and name.isalpha()


@lru_cache(maxsize=64)
def _pattern(letters: str) -> re.Pattern[str]:
    one = f"([{letters}])"
    another = rf"(?![.,;/&]?\s*(?:and\s|or\s)?[(\[]?[{letters}]\b(?!\s\w))"
    closed = rf"{another}(?=[.;!]?\s*(?:$|\n)|[.;!]\s|,\s|\s+(?:because|since|as|for|given|due)\b)"
    return re.compile(
        rf"(?i:{_LED_IN})(?:[\"'“‘]?{one}[\"'”’]?(?:{closed}|[):]\s)|[(\[]{one}[)\]]{another})"
        rf"|(?i:\b{_NOUN}\s+)[(\[\"'“‘]?{one}[)\]\"'”’]?(?i:{_CORRECT})"
        rf"|\A\(?{one}\)[.:]?(?=\s){another}"
        rf"|\A(?i:{_NOUN}\s+)\(?{one}\)?\.?\Z"
    )
