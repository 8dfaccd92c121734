"""The one number that an answer states, in its shortest form, or the reason why that is not certain.

Every character next to the number and every word in its clause must be known not to change its value; unknown ones make it uncertain.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from transforms.prompts.number_markup import boxes, without_markup
from transforms.prompts.number_words import (
    ADDS_UP,
    ANYWHERE,
    BEHIND,
    PHRASES_BEFORE,
    PHRASES_BEHIND,
    RIGHT_BEFORE,
    RIGHT_BEHIND,
    TWO_LETTERS,
)

LONGEST_ANSWER = 200
"""Characters around the number; longer text must mark its answer."""

MOST_DIGITS = 60


class NotCertain(ValueError):
    """There is no number, or it is unclear which one is meant. The message completes "the answer ..."."""


def shortest(value: Decimal) -> str:
    """A number in plain digits, without unnecessary zeros. Raises NotCertain if it is too long."""
    if not value.is_finite() or len(value.as_tuple().digits) > MOST_DIGITS or abs(value.adjusted()) > MOST_DIGITS:
        raise NotCertain("is too large or too long a number to be written out")
    digits = format(value, "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return "0" if digits in ("-0", "") else digits


def stated_number(text: str) -> str:
    r"""The number that a text states as its answer. Raises NotCertain.

    A text may mark its answer (``\boxed{4}``, ``#### 4``, ``the answer is 4``). Otherwise it must be short, and the right side of an
    equation (``3 + 1 = 4``) counts. All marked answers must be the same.
    """
    if _BARE_INTEGER.fullmatch(text):
        return text
    if "boxed" in text:
        boxed = boxes(text)
        if boxed is None:
            raise NotCertain("has a box that is not closed")
        if boxed:
            return _the_same([_boxed_number(text, *box) for box in boxed[-_MOST_MARKS:]], "boxes")
    marks = list(_MARKER.finditer(text))
    if marks:
        return _marked_number(text, marks[-_MOST_MARKS:])
    return _only_number(text)


_BARE_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")  # fast path: most answers are this
_MARKER = re.compile(r"####|\banswer[\s*_`]{0,4}(?:is\b|[=-]>|[:=→])|(?:答案|正解|정답|答え)[\s*_`]{0,4}(?:[是为為は]|[:：=])", re.IGNORECASE)
_MOST_MARKS = 20
_NEAR = 80  # characters around a box or before a marker that are checked


def _the_same(numbers: list[str], verb: str) -> str:
    if len(set(numbers)) > 1:
        raise NotCertain(f"{verb} {len(set(numbers))} different results")
    return numbers[0]


# Marked answers


_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\n")
_BOX_BEFORE = re.compile(r"^.*boxed\s{0,3}\{[^{}]*\}[\s$]*\n[\s$]*$", re.DOTALL)
_NEXT_BOX = re.compile(r"[\s$]*\n[\s$]*\\f?boxed\b")
_ARROW = re.compile(r"(?:\\(?:Long)?(?:R|r)ightarrow|\\implies|\\therefore|\\to|[⇒→∴]|&?=|:)$")
_BEGINS_WITH_NUMBER = re.compile(r"[^\w\n]{0,10}(?:[A-Za-z]\s{0,3}=[^\w\n]{0,5})?[0-9]")
_GOES_ON = re.compile(r"[.,][0-9]|(?:to|in|of|by|over|and|per)\s+\S{0,3}[0-9]")
_ONE_OF_SEVERAL = re.compile(r"\b(?:or|either|if|unless|not|wrong|incorrect|possible|another|other|one)\b|n['’]t\b", re.IGNORECASE)


def _boxed_number(text: str, start: int, end: int, content: str) -> str:
    number = _only_number(content)
    before = _BOX_BEFORE.sub("", text[max(0, start - _NEAR) : start])
    before = _SENTENCE_END.split(without_markup(before).rstrip("$ "))[-1].rstrip("$ ")
    arrow = _ARROW.search(before)
    if before.endswith("="):
        _right_side(re.split(r"[,;$]", before)[-1] + " 0")
    if before and arrow is None:
        if (not before[-1].isalpha() and before[-1] not in ",;") or re.search(r"\\[A-Za-z]+$", before):
            raise NotCertain(f"has {before[-10:]!r} before its box, which may change its value")
        _check_words(before, "", adjacent=True)
    after = without_markup(_NEXT_BOX.split(text[end : end + _NEAR])[0]).lstrip("$ °")
    _check_words("", _SENTENCE_END.split(after)[0], adjacent=True)
    if (after and not after[0].isalpha() and after[0] not in ".,;\n—") or _GOES_ON.match(after):
        raise NotCertain(f"has {after[:10]!r} behind its box, which may change its value")
    return number


def _marked_number(text: str, marks: list[re.Match[str]]) -> str:
    numbers: list[str] = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        before = _SENTENCE_END.split(text[max(0, mark.start() - _NEAR) : mark.start()])[-1]
        changed = _ONE_OF_SEVERAL.search(before)
        if changed is not None:
            raise NotCertain(f"has {changed[0]!r} before its result, which may not be the only one")
        if following is None:
            marked = text[mark.end() :]
            numbers.append(_only_number(marked.replace("}", " ", 1) if before.count("{") > before.count("}") else marked))
        elif _BEGINS_WITH_NUMBER.match(text, mark.end()):
            until = min(following.start(), mark.end() + LONGEST_ANSWER)
            numbers.append(_only_number(_SENTENCE_END.split(text[mark.end() : until])[0]))
    return _the_same(numbers, "marks")


# Equations


_OPERATOR = re.compile(r"[-+*/×÷−–^%!(\\·]|\b(?:of|times|plus|minus|by)\b")
_CALCULATES = re.compile(r"[0-9+*/×÷−^%]|-(?![^\W\d_])")
_TIMES_LETTER = re.compile(r"(?<=[0-9).])(\s*)[xX](?=\s*[$(.0-9])")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_LETTER_ALONE = re.compile(r"(?<![^\W\d_])[^\W\d_](?![^\W\d_])")
_NAME = re.compile(
    r"(?:[^\W\d_]{2,}[\s:]+|[aA]\s+)*(?:[^\W\d_]|m?\\angle\s[A-Z]{1,3}|\\[A-Za-z]+)(?:_(?:\w|\{\w{1,9}\})|['′]{1,3})?"
    r"(?:\s?\([^()=]{1,40}\))?"
)
_NUMBER_ALONE = re.compile(r"[\s$]*[-+]?[0-9][0-9.,]*[\s$]*")
_IN_BRACKETS = re.compile(r"\([^()]*\)|\{[^{}]*\}")
_JOINS = re.compile(
    r"[;\n]|,(?![0-9]{3})|\b(?:or|and|let|where|when|if|given|assume|suppose|set|put|because|since|but|not|oder|und|et|ou|или)\b|\b(?:for|at)\s+[^\W\d_](?![^\W\d_])|(?:[.?]|(?<![0-9)])!)\s",
    re.IGNORECASE,
)
_PRODUCT = re.compile(r"[a-z]{2}|[xyz]{3}|abc")
_LEAD = re.compile(r"\s*(?:so|thus|therefore|hence|then|finally|now|and)\b[,:]?\s*", re.IGNORECASE)


def _right_side(text: str) -> str:
    """The result of an equation or a chain of them. Raises NotCertain for unsolved or several equations."""
    if re.search(r"[<>!~:=≠≈≡]=|=[=>]", text):
        raise NotCertain("holds a sign that is not a plain equals sign")
    text = _LEAD.sub("", text, count=1) if _LEAD.match(text) else text
    if any(sign.isnumeric() and not sign.isascii() for sign in text):
        raise NotCertain("holds numerals other than the digits 0 to 9")
    first, *middle, right = text.split("=")
    first = first.strip(" $")
    joined = _JOINS.search(_IN_BRACKETS.sub("()", text).rstrip(" .\n"))
    if joined is not None:
        raise NotCertain(f"holds more than one equation, or other text beside one ({joined[0].strip() or 'a line break'!r})")
    named = not (_CALCULATES.search(first) or _LETTER_ALONE.search(first) or _PRODUCT.fullmatch(first))
    solved = named or _NAME.fullmatch(first)
    if not (solved or _is_arithmetic(first)) or not all(_is_arithmetic(part) or _NUMBER_ALONE.fullmatch(part) for part in middle):
        raise NotCertain("holds an equation that is not solved, or more than one")
    return right.strip()


def _is_arithmetic(text: str) -> bool:
    plain = _TIMES_LETTER.sub("*", _COMMAND.sub("(", text))
    return bool(re.search("[0-9]", plain) and _OPERATOR.search(plain)) and not _LETTER_ALONE.search(plain)


# One number in a short text


_RUN = re.compile(r"(?:[0-9][0-9.,]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NUMERAL = re.compile(r"(?:(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_MINUS = "-−–"
_CURRENCY = "$€£¥₹₩₽₺₫₪฿₱₴¢"
_CURRENCY_BEFORE = re.compile(rf"(?:(?<![^\W\d_])(?:US|AU|CA|NZ|HK|SG|MX|NT|A|C|S|R))?[{_CURRENCY}]+\s?$")
_PAIRS = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "「": "」", "(": ")", "[": "]", "{": "}"}
_LOSS = re.compile(rf"\(\s?(?:[A-Z]{{2,3}}\s?)?[{_CURRENCY}]\s?[0-9.,]+\)")
"""A negative amount in accounting; elsewhere it is a positive one in brackets."""
_DEGREES = re.compile(r"\s?°\s?[CF]?(?![^\W\d_])")
_COUNTED = re.compile(
    r"\s?(?:美元|欧元|[元块円원]|平方(?:厘|千|分)?米|立方(?:厘|分)?米|(?:厘|毫|分|千)?米|公里|(?:千|公)?克|公斤|吨|毫?升|小时|分钟|[秒天周年岁]"
    r"|[个個](?:月|人|小时)?|[人只本张支条件辆棵朵颗粒头匹台名位瓶盒箱袋份次页题度块根枚片间座杯碗]"
    r"|[冊歳]|時間|メートル|[개명살권]|시간|마리)"
    r"(?=[\s.,;:!?。，；：！？）)」』]|$)"
)
"""Units and counters that Chinese, Japanese and Korean write directly after a number; none of them scales it."""
_ENDS_NUMBER = re.compile(r"\s|[.;:](?=\s|$)|,(?=\s+\S)|$")
_NOT_BESIDE = re.compile(
    r"[\\^%‰|_&#*{}\[\]<>~+@…]|\.\.|\s:|(?<![^\W\d_])[-−–/!?]|[-−–/](?![^\W\d_])|(?<![^\W\d_.])['\"’”](?![^\W\d_])"
    r"|(?<![^\W\d_])[^\W\d_]/[^\W\d_](?![^\W\d_])"
)


def _only_number(text: str) -> str:
    if len(text) > 2 * LONGEST_ANSWER:
        raise NotCertain("is long and does not mark its result")
    text = without_markup(text)
    if len(text) > LONGEST_ANSWER:
        raise NotCertain("is long and does not mark its result")
    return _number_in(_right_side(text) if "=" in text else text)


def _number_in(text: str) -> str:
    text = _unwrapped(text)
    runs = list(_RUN.finditer(text))
    if not runs:
        raise NotCertain("holds no number")
    if len(runs) > 1:
        raise NotCertain(f"holds {len(runs)} numbers")
    numeral = runs[0][0].rstrip(".,")
    if not _NUMERAL.fullmatch(numeral):
        raise NotCertain(f"holds {numeral[:40]!r}, which can be read in more than one way")
    before, negative = _before(text[: runs[0].start()])
    after = text[runs[0].start() + len(numeral) :].lstrip(_CURRENCY)
    if before and before[-1] in _PAIRS and before[-1] not in "([{" and after[:1] == _PAIRS[before[-1]]:
        before, after = before[:-1], after[1:]
    if before and not before[-1].isspace() and before[-1] != ":":
        raise NotCertain(f"has {before[-10:]!r} before its number, which may change its value")
    after = _DEGREES.sub(" ", after, count=1) if "°" in after[:2] else after
    after = _COUNTED.sub(" ", after, count=1) if _COUNTED.match(after) else after
    if not _ENDS_NUMBER.match(after):
        raise NotCertain(f"has {after.strip()[:10]!r} behind its number, which may change its value")
    _check_words(before, after.lstrip(".,;:"))
    value = Decimal(numeral.replace(",", ""))
    return shortest(-value if negative else value)


def _unwrapped(text: str) -> str:
    """A text without the brackets, quotes and full stop around all of it."""
    while True:
        inner = text.strip()
        inner = inner[:-1].rstrip() if inner.endswith(".") and not inner.endswith("..") else inner
        wrapped = len(inner) > 2 and inner[-1] == _PAIRS.get(inner[0]) and not any(mark in inner[1:-1] for mark in (inner[0], inner[-1]))
        if wrapped and not _LOSS.fullmatch(inner):
            inner = inner[1:-1]
        if inner == text:
            return text
        text = inner


def _before(before: str) -> tuple[str, bool]:
    """The text before a numeral and its sign, and whether the sign is a minus."""
    before = _CURRENCY_BEFORE.sub("", before)
    sign = before[-1:] if before and before[-1] in _MINUS + "+" else ""
    before = _CURRENCY_BEFORE.sub("", before[:-1]) if sign else before
    return before, sign != "" and sign in _MINUS


_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NEXT_WORDS = 3
_SHORTENED = re.compile(r"\b(?:est|approx|ca|c|no|nr)\.\s*$|\bone (?:possible )?(?:solution|answer|result|root)\b", re.IGNORECASE)
_NEGATED = re.compile(r"n['’]t\b", re.IGNORECASE)
_TIMES_FOLLOWED_BY = frozenset("in per a an each every to for before after today total altogether during this last".split())  # noqa: SIM905


def _check_words(before: str, after: str, adjacent: bool = False) -> None:
    """Raises NotCertain for a word or sign near a number that may change its value.

    ``adjacent``: only words next to the number count, since other numbers may be around it.
    """
    first, last = _words(before), _words(after)
    if adjacent:
        first, last = first[-_NEXT_WORDS:], last[:_NEXT_WORDS]
    beside = f"{before} {after}"
    strange = None if adjacent else _NOT_BESIDE.search(beside)
    if strange is not None:
        raise _changed_by(strange[0].strip())
    if beside.count("(") != beside.count(")"):
        raise _changed_by("a bracket")
    for sign in "" if adjacent else beside:
        if not sign.isascii() and (sign.isnumeric() or unicodedata.category(sign) in ("Sm", "Mn", "Me", "Cf", "Cc")):
            raise _changed_by(sign)
    for word in first:
        if word in ANYWHERE:
            raise _changed_by(word)
    for place, word in enumerate(last):
        if word in ANYWHERE or (place < _NEXT_WORDS and word in BEHIND) or (place == 0 and word in RIGHT_BEHIND):
            raise _changed_by(word)
    if first and first[-1] in RIGHT_BEFORE:
        raise _changed_by(first[-1])
    _check_phrases(" ".join(first), " ".join(last))
    if _NEGATED.search(beside):
        raise _changed_by("n't")
    shortened = _SHORTENED.search(before)
    if shortened is not None:
        raise _changed_by(shortened[0].strip())
    _check_letters(first, last)


def _check_phrases(first: str, last: str) -> None:
    if first.endswith(PHRASES_BEFORE) and not first.endswith(ADDS_UP):
        raise _changed_by(next(phrase for phrase in PHRASES_BEFORE if first.endswith(phrase)))
    for phrase in PHRASES_BEHIND:
        if f" {phrase} " in f" {last} ":
            raise _changed_by(phrase)
    times = re.match(r"times (\w+)", last)
    if times is not None and times[1] not in _TIMES_FOLLOWED_BY:
        raise _changed_by(times[0])


def _check_letters(first: list[str], last: list[str]) -> None:
    """A single letter may be a factor; ``a`` and ``I`` may be words."""
    for place, word in enumerate(first):
        following = first[place + 1] if place + 1 < len(first) else ""
        if len(word) == 1 and not (following and word in "ai") and following not in ("is", "equals"):
            raise _changed_by(word)
    for place, word in enumerate(last):
        if len(word) == 1 and not (word == "a" and 0 < place < len(last) - 1):
            raise _changed_by(word)
    if last and len(last[0]) == 2 and last[0].isascii() and last[0] not in TWO_LETTERS:
        raise _changed_by(last[0])


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _changed_by(what: str) -> NotCertain:
    return NotCertain(f"holds {what!r} beside the number, which may change its value")
