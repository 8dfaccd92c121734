"""Taking an answer out of a reply: certain, or rejected with a reason."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from transforms.elements import reasons
from transforms.prompts.base import AnswerRejected
from transforms.prompts.json_answers import json_values

_NUMBER = re.compile(r"[-+\u2212]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|[-+\u2212]?\.\d+")
_CHOICE = re.compile(r"\(?([A-Za-z])(?:\)|[.:]|\)[.:])(?:\s.*)?\Z", re.DOTALL)
_QUOTES = "\"'`\u2018\u2019\u201c\u201d*"


def visible_text(text: str) -> str:
    """What the teacher says after it thought: ``<think>`` blocks removed, outer white space too. Raises AnswerRejected when empty."""
    close = text.rfind("</think>")
    if close >= 0:
        text = text[close + len("</think>") :]
    elif text.lstrip().startswith("<think>"):
        raise AnswerRejected(reasons.EMPTY_ANSWER, "the reply ends inside its <think> block")
    text = text.strip()
    if not text:
        raise AnswerRejected(reasons.EMPTY_ANSWER, "the reply holds no text")
    return text


def bare_label(text: str) -> str:
    """A label without the quotes, stars or full stop around it; longer texts stay as they are."""
    if "\n" in text or len(text) > 60:
        return text
    label = text.strip(_QUOTES + " ")
    if label.endswith(".") and " " not in label:
        label = label[:-1]
    return label.strip(_QUOTES + " ") or text


def choice_letter(text: str) -> str:
    """``(B)``, ``B.`` or ``B: populated areas`` as ``B``; other texts as bare labels."""
    label = bare_label(text)
    if len(label) == 1:
        return label.upper()
    match = _CHOICE.match(label)
    return match.group(1).upper() if match else label


def plain_number(text: str) -> str:
    """The one number in ``text`` in its shortest form: ``1,234.0`` is ``1234``. Raises AnswerRejected when there is not exactly one."""
    found = _NUMBER.findall(text)
    if len(found) > 1:
        # "3 + 4 = 7" names its result; other texts with several numbers are not certain
        tail = text.rpartition("=")[2] if "=" in text else ""
        found = _NUMBER.findall(tail) if tail else found
    if len(found) != 1:
        what = "no number" if not found else f"{len(found)} numbers"
        raise AnswerRejected(reasons.NOT_A_NUMBER, f"the answer holds {what} where one was asked for: {text[:80]!r}")
    return canonical_number(found[0])


def canonical_number(text: str) -> str:
    """A number in plain decimal notation without separators or needless zeros. Raises AnswerRejected."""
    cleaned = text.replace(",", "").replace("\u2212", "-").strip()
    try:
        number = Decimal(cleaned)
    except InvalidOperation:
        raise AnswerRejected(reasons.NOT_A_NUMBER, f"{text[:80]!r} is not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > 100:
        raise AnswerRejected(reasons.NOT_A_NUMBER, f"{text[:80]!r} is not a number that can be written out")
    if number == 0:
        return "0"
    whole = number.to_integral_value()
    return format(whole if number == whole else number.normalize(), "f")


def value_of_key(text: str, key: str) -> Any:
    """The value of ``key`` in the last JSON object of ``text`` that has it. Raises AnswerRejected."""
    seen: list[str] = []
    chosen: Any = None
    found = False
    for value in json_values(text):
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, dict):
            continue
        matching = [name for name in value if name == key] or [name for name in value if _same_key(name, key)]
        if len(matching) == 1:
            chosen, found = value[matching[0]], True
        else:
            seen.extend(value)
    if found:
        return chosen
    if seen:
        raise AnswerRejected(reasons.KEY_MISSING, f"the JSON has the keys {', '.join(seen[:8])}, not {key!r}")
    raise AnswerRejected(reasons.NO_JSON, f"the reply holds no JSON object with the key {key!r}")


def text_of_key(text: str, key: str) -> str:
    """Like ``value_of_key``, for an answer that is text; a number becomes its text."""
    value = value_of_key(text, key)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise AnswerRejected(reasons.EMPTY_ANSWER, f"the value of {key!r} is empty or not text")
    return value.strip()


def number_of_key(text: str, key: str) -> str:
    """Like ``value_of_key``, for an answer that is a number, as a number or as text."""
    value = value_of_key(text, key)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise AnswerRejected(reasons.NOT_A_NUMBER, f"the value of {key!r} is {value!r}, not a number")
    return canonical_number(repr(value)) if isinstance(value, float) else plain_number(str(value))


def last_summary(text: str) -> str:
    """The last ``Denser_Summary`` of a chain of density: a list of objects, one wrapped in an object, or objects in a row."""
    summaries: list[str] = []
    seen: list[str] = []
    for value in json_values(text):
        for item in _objects(value):
            matching = [name for name in item if _same_key(name, "Denser_Summary")]
            if matching and isinstance(item[matching[0]], str) and item[matching[0]].strip():
                summaries.append(item[matching[0]].strip())
            else:
                seen.extend(item)
    if summaries:
        return summaries[-1]
    if seen:
        raise AnswerRejected(reasons.KEY_MISSING, f"the JSON has the keys {', '.join(seen[:8])}, not 'Denser_Summary'")
    raise AnswerRejected(reasons.NO_JSON, "the reply holds no JSON with 'Denser_Summary'")


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    if isinstance(value, dict):
        inner = [item for item in value.values() if isinstance(item, list)]
        if len(value) == 1 and inner:
            return [item for item in inner[0] if isinstance(item, dict)]
        return [value]
    return []


def _same_key(name: str, key: str) -> bool:
    return name.replace(" ", "_").replace("-", "_").casefold() == key.casefold()
