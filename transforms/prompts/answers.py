"""The answer in a reply: text, label, choice, number or summary. An uncertain answer is rejected with its reason."""

from __future__ import annotations

import re
from decimal import Decimal

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.prompts.base import AnswerRejected
from transforms.prompts.embedded_json import Contradiction, matching_keys, read_objects
from transforms.prompts.plain_number import NotCertain, shortest, stated_number
from transforms.prompts.thinking import spoken


def visible_text(text: str, asked: tuple[ChatMessage, ...] = ()) -> str:
    """A reply without its thinking, the marks of the model's chat template and the space around it.

    ``asked``: the messages it answers; marks that occur in them stay. Raises AnswerRejected when nothing is left.
    """
    return spoken(text, asked).text


# Labels


_PAIRS = {"'": "'", '"': '"', "`": "`", "*": "*", "‘": "’", "“": "”"}


def bare_label(text: str) -> str:
    """A label without the quotes, backticks, asterisks or full stop around it; other text unchanged."""
    label = text
    while len(label) > 1:
        inner = label[1:-1].strip() if label[-1] == _PAIRS.get(label[0]) else ""
        if inner.strip("*`") and not any(quote in inner.strip("*`") for quote in (label[0], label[-1])):
            label = inner
        elif label[-1] == "." and not any(letter.isspace() or letter == "." for letter in label[:-1]):
            label = label[:-1]
        else:
            break
    return label


_LETTER = re.compile(r"\(?([A-Za-z])[.:]?\)?[.:]?")
_LETTER_AND_TEXT = re.compile(r"(?:\(([A-Za-z])\)[.:]?|([A-Za-z])[):])\s*[^\s)].*")
_ANOTHER_LETTER = re.compile(r"[\s(,;][A-Za-z][):]")


def choice(text: str) -> str:
    """``(B)``, ``B.`` and ``B: a library`` as ``B``; other text as a bare label.

    ``B. Brecht`` may be a name and stays.
    """
    label = bare_label(text)
    alone = _LETTER.fullmatch(label)
    if alone:
        return alone[1].upper()
    lettered = _LETTER_AND_TEXT.fullmatch(label)
    if lettered and not _ANOTHER_LETTER.search(label, 2):
        return (lettered[1] or lettered[2]).upper()
    return label


# Numbers


def number(value: object) -> str:
    """A number in its shortest form, from a text or a JSON value: ``1,234.0`` is ``1234``.

    Raises AnswerRejected.
    """
    try:
        if isinstance(value, Decimal):
            return shortest(value)
        if isinstance(value, str) and value.strip():
            return stated_number(value.strip())
    except NotCertain as open_question:
        shown = f": {value[:80]!r}" if isinstance(value, str) else ""
        raise AnswerRejected(reasons.NOT_A_NUMBER, f"the answer {open_question}; expected one plain number{shown}") from None
    if isinstance(value, str):
        raise AnswerRejected(reasons.EMPTY_ANSWER, "the answer is empty; expected one plain number")
    raise AnswerRejected(reasons.NOT_A_NUMBER, f"the answer is {_kind(value)}; expected one plain number")


# JSON


_NEXT_QUESTION = re.compile(r"^[ #*]{0,6}(?:question|problem|instruction|user|human|q)(?: \d{1,3})?[*]{0,2}:", re.IGNORECASE | re.MULTILINE)
"""A teacher that does not stop continues with its own questions, and answers those."""


_SIDE_BY_SIDE = re.compile(r"\}[\s,`\[\]]*(?:json\s*)?(?:[\"'“][^\"'”\n]{0,80}[\"'”]\s*:\s*)?\{")
"""Objects with no words between them: items of a list, lines, fences. A teacher that corrects itself uses words."""


_TAKES_BACK = re.compile(
    r"\b(?:wait|actually|correction|reconsider\w*|on second thoughts?|oops|apologi[sz]e|i made an? (?:mistake|error)|i was wrong)\b",
    re.IGNORECASE,
)
_NAMES_ANSWER = re.compile(
    r"\b(?:(?:correct|right|final|actual|revised|corrected) (?:answer|label|choice) (?:is|should)|it should be|therefore|hence|thus)\b",
    re.IGNORECASE,
)
"""After the JSON: a teacher that thinks again. The second is one only with another value."""


def value_of(text: str, key: str) -> object:
    """The value under ``key`` in the last object of a reply that has it: a teacher may correct itself. Raises AnswerRejected."""
    reading = read_objects(text, (key,))
    if not reading.objects or reading.broken:
        last = _value_at_end(text, key)
        if last is not None:
            return last
    if reading.broken:
        raise AnswerRejected(reasons.NO_JSON, f'the object with "{key}" is not JSON, in a way that leaves its meaning open')
    if not reading.objects:
        raise not_found(key, reading.other, reading.unfinished)
    found = reading.objects[-1]
    keys = matching_keys(found, key)
    if len(keys) != 1:
        raise AnswerRejected(reasons.KEY_MISSING, f"the object holds {' and '.join(map(repr, keys))}; which one is meant is open")
    value = agreed(found[keys[0]], key)
    if any(earlier.get(keys[0], value) != value for earlier in reading.objects[:-1]):
        several = "goes on to another question" if _NEXT_QUESTION.search(text) else "lists several answers" if _SIDE_BY_SIDE.search(text) else ""
        if several:
            raise AnswerRejected(reasons.KEY_MISSING, f'the reply {several}, and "{key}" differs; which one is meant is open')
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    tail = text[text.rfind("}") + 1 :]
    if _TAKES_BACK.search(tail) or (_NAMES_ANSWER.search(tail) and not _has_word(tail, str(value))):
        raise AnswerRejected(reasons.KEY_MISSING, f"the reply goes on after its JSON and changes its answer: {tail.strip()[:120]!r}")
    return value


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def agreed(value: object, key: str) -> object:
    """The value itself. Raises AnswerRejected if the object holds its key several times."""
    if isinstance(value, Contradiction):
        raise AnswerRejected(reasons.KEY_MISSING, f'the object holds "{key}" {value.count} times, with different values')
    return value


def label_of(text: str, key: str) -> str:
    """Like ``value_of``, for text; a number counts as its digits. Raises AnswerRejected."""
    return text_value(value_of(text, key), key)


def stated_reason(text: str, key: str) -> str | None:
    """The text under ``key`` in the object of an accepted answer; None if it is missing or not text."""
    try:
        return label_of(visible_text(text), key)
    except AnswerRejected:
        return None


def not_found(key: str, other: bool, unfinished: bool) -> AnswerRejected:
    """What to raise if no object of a reply has the key. ``other``: there is JSON without it; ``unfinished``: an object is not closed."""
    if other:
        return AnswerRejected(reasons.KEY_MISSING, f'the reply holds JSON, but no object with the key "{key}"')
    ending = "an object is begun and never closed" if unfinished else "there is no JSON object in it"
    return AnswerRejected(reasons.NO_JSON, f'the reply should hold an object with the key "{key}", but {ending}')


_TAIL = 500


def _value_at_end(text: str, key: str) -> str | None:
    """The value of a plain last entry, if an object ends the reply and the text before the entry is not JSON."""
    entry = re.compile(
        r"[,，;{\n]\s{0,40}[\"'“]?" + re.escape(key) + r"[\"'”]?\s{0,9}[:：]\s{0,9}"
        r"(?:\"([^\"\\{}\n]{1,200})\"|(-?[0-9][0-9.,]{0,40})|((?!(?:null|none|true|false|nan)\b)[A-Za-z][\w -]{0,60}))"
        r"\s{0,9},?\s{0,40}\}[\s\]}`]{0,40}$",
        re.IGNORECASE,
    )
    tail = text[-_TAIL:]
    if tail.count(key) != 1:
        return None
    found = entry.search(tail)
    return found and (found[1] or (found[2] or "").rstrip(",") or found[3])


def text_value(value: object, key: str) -> str:
    """A value as text, a number in its shortest form. Raises AnswerRejected."""
    if isinstance(value, Decimal):
        try:
            return shortest(value)
        except NotCertain as open_question:
            raise AnswerRejected(reasons.ANSWER_NOT_TEXT, f'"{key}" {open_question}') from None
    if value is None or (isinstance(value, str) and not value.strip()):
        raise AnswerRejected(reasons.EMPTY_ANSWER, f'"{key}" is empty')
    if not isinstance(value, str):
        raise AnswerRejected(reasons.ANSWER_NOT_TEXT, f'"{key}" is {_kind(value)}; expected text')
    return value.strip()


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "blank"
