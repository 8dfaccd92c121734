"""The one number that an answer states, in its shortest form, or the reason why that is not certain."""

from __future__ import annotations

import re
from decimal import Decimal

LONGEST_ANSWER = 200
"""Characters around the number; longer text has to mark its answer."""

MOST_DIGITS = 60


class NotCertain(ValueError):
    """There is no number, or which number is meant is open. The message completes "the answer ..."."""


def shortest(value: Decimal) -> str:
    """A number in plain digits, without needless zeros. Raises NotCertain for what cannot be written out."""
    if not value.is_finite() or len(value.as_tuple().digits) > MOST_DIGITS or abs(value.adjusted()) > MOST_DIGITS:
        raise NotCertain("is too large or too long a number to be written out")
    digits = format(value, "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return "0" if digits in ("-0", "") else digits


def stated_number(text: str) -> str:
    """The number that a text states as its answer. Raises NotCertain.

    A text may mark its answer (``\\boxed{4}``, ``#### 4``, ``the answer is 4``, ``3 + 1 = 4``); otherwise it is short. What is left
    has to hold exactly one number, and nothing that makes it another: a percent sign, a power of ten in words, a "not".
    """
    if _BARE_INTEGER.fullmatch(text):
        return text
    boxed = set(_BOXED.findall(text)) if "\\boxed" in text else set()
    if boxed:
        if len(boxed) > 1:
            raise NotCertain(f"boxes {len(boxed)} different results")
        return _only_number(boxed.pop())
    marks = [marker.end() for marker in _MARKER.finditer(text)]
    text = text[marks[-1] :].strip() if marks else text.rpartition("=")[2].strip()
    if len(text) > LONGEST_ANSWER:
        raise NotCertain("is long and does not mark its result")
    return _only_number(text)


_BARE_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")  # what most answers are, without the long way round
_BOXED = re.compile(r"\\boxed\s{0,3}\{([^{}]{1,200})\}")
_MARKER = re.compile(r"####|\banswer[\s*_`]{0,4}(?:is|[:=])", re.IGNORECASE)
_RUN = re.compile(r"(?:[0-9][0-9.,]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NUMERAL = re.compile(r"(?:(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_CHANGES_VALUE = re.compile(
    r"\b(?:hundred|thousand|million|billion|trillion|dozen|percent|per cent|half|halves|thirds?|quarters?|minus|negative"
    r"|not|no|cannot|unknown|undefined|insufficient|unable|infinit\w*|or|either|between|about|approximately|around"
    r"|roughly|nearly|almost|least|most|more|less|fewer|step|question)\b|n['’]t\b",
    re.IGNORECASE,
)
_MINUS = "-−–"
_CURRENCY = "$€£¥₹"
_MAY_PRECEDE = frozenset("\"'“‘`(*[{_:=" + _CURRENCY)
_MAY_FOLLOW = frozenset(".,;:!?)]}\"'”’`*_\\°" + _CURRENCY)
_OPERATORS = frozenset("+/^<>≤≥≈~×÷±%‰" + _MINUS)


def _only_number(text: str) -> str:
    runs = list(_RUN.finditer(text))
    if not runs:
        raise NotCertain("holds no number")
    if len(runs) > 1:
        raise NotCertain(f"holds {len(runs)} numbers")
    if any(letter.isnumeric() and not letter.isascii() for letter in text):
        raise NotCertain("holds numerals other than the digits 0 to 9")
    changed = _CHANGES_VALUE.search(text)
    if changed is not None:
        raise NotCertain(f"holds {changed[0]!r} beside the number, which may change its value")
    numeral = runs[0][0].rstrip(".,")
    if not _NUMERAL.fullmatch(numeral):
        raise NotCertain(f"holds {numeral[:40]!r}, which can be read in more than one way")
    negative = _is_negative(text[: runs[0].start()])
    after = text[runs[0].start() + len(numeral) :]
    beyond = after.lstrip("\\ \t\r\n")
    if (after and not after[0].isspace() and after[0] not in _MAY_FOLLOW) or (beyond and beyond[0] in _OPERATORS):
        raise NotCertain(f"has {after.strip()[:10]!r} behind its number, which may change its value")
    value = Decimal(numeral.replace(",", ""))
    return shortest(-value if negative else value)


def _is_negative(before: str) -> bool:
    """Whether the text before a numeral makes it negative. Raises NotCertain when that is open."""
    sign = ""
    before = before.rstrip(_CURRENCY + "\\")
    if before and before[-1] in _MINUS + "+":
        sign = before[-1]
        before = before[:-1].rstrip(_CURRENCY + "\\")
    touching = before[-1:]
    if touching and not touching.isspace() and touching not in _MAY_PRECEDE:
        raise NotCertain(f"has {before[-10:]!r} before its number, which may change its value")
    ahead = before.rstrip()[-1:]
    if ahead and ahead in _OPERATORS:
        raise NotCertain(f"has {ahead!r} before its number, which may change its value")
    return sign != "" and sign in _MINUS
