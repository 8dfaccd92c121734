"""Plausible answers, made from the request's messages alone. The same messages always get the same answer."""

from __future__ import annotations

import json
import random
import re
from typing import Any

_QUOTED = re.compile(r"(?<!\w)['\"\u2018\u201c]([^'\"\u2018\u2019\u201c\u201d\n]{1,40})['\"\u2019\u201d](?!\w)")
_OPTION = re.compile(r"^\(?([A-Z])[).:]\s+\S", re.MULTILINE)
_LISTED = re.compile(r"\bone of (?:these|the \w+ \w+): *(.+)")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_WORD_LIMIT = re.compile(r"(\d{1,4})\s+words")
_ASKS_FOR_NUMBER = re.compile(r"\bhow many\b|\bwhat is\b[^?]*\d", re.IGNORECASE)
_NOT_LABELS = frozenset({"reason", "answer_choice", "answer", "Missing_Entities", "Denser_Summary", "premise", "hypothesis"})


def answer_text(messages: list[dict[str, Any]], randomness: random.Random) -> str:
    """What the teacher writes."""
    system = " ".join(_text(message) for message in messages if message.get("role") in ("system", "developer"))
    user = next((_text(message) for message in reversed(messages) if message.get("role") == "user"), "")
    if "Denser_Summary" in system:
        return _chain_of_density(user, _word_limit(system), randomness)
    if "answer_choice" in system:
        return json.dumps({"reason": _reason(user, randomness), "answer_choice": _label(system, user, randomness)})
    if '"answer"' in system and '"reason"' in system:
        return _reasoned_number(user, randomness)
    lowered = system.lower()
    if "integer" in lowered or "numerical answer" in lowered or "only the number" in lowered:
        return str(_number(user, randomness))
    if "summar" in lowered:
        return _summary(user, _word_limit(system), randomness.randrange(3))
    if len(_QUOTED.findall(system)) > 1 or _OPTION.search(user):
        return _label(system, user, randomness)
    if _ASKS_FOR_NUMBER.search(user):
        return str(_number(user, randomness))
    return _chat(user, randomness)


def as_prose(text: str) -> str:
    """The same without the form that was asked for."""
    return "I thought about it, and it seems to me that the matter is not so simple as it looks at first sight."


def as_fenced(text: str) -> str:
    """The same answer in a code fence with text around it."""
    return f"Here is what I found:\n\n```json\n{text}\n```\nLet me know if you need more."


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else ""


def _word_limit(text: str) -> int:
    found = _WORD_LIMIT.search(text)
    return max(5, int(found.group(1))) if found else 60


def _label(system: str, user: str, randomness: random.Random) -> str:
    options = _OPTION.findall(user)
    if options:
        return str(randomness.choice(options))
    listed = _LISTED.search(system)
    quoted = _QUOTED.findall(listed[1] if listed else system) or _QUOTED.findall(user)
    labels = [label for label in dict.fromkeys(quoted) if label.strip() and label not in _NOT_LABELS]
    return randomness.choice(labels[:6]) if labels else "yes"


def _reason(user: str, randomness: random.Random) -> str:
    words = user.split()
    start = randomness.randrange(max(1, len(words) - 6))
    return f"The text says {' '.join(words[start : start + 6])}; that settles it."


def _number(user: str, randomness: random.Random) -> int:
    numbers = [int(float(found.replace(",", ""))) for found in _NUMBER.findall(user)[:4]] or [randomness.randrange(100)]
    total = numbers[0]
    for number in numbers[1:]:
        total = total + number if randomness.random() < 0.5 else abs(total - number)
    return total


def _reasoned_number(user: str, randomness: random.Random) -> str:
    number = _number(user, randomness)
    form = randomness.randrange(6)
    value: Any = number
    if form == 0:
        value = f"{number:,}.0"
    elif form == 1:
        value = str(number)
    return json.dumps({"reason": _reason(user, randomness), "answer": value})


def _summary(article: str, words: int, skip: int) -> str:
    return " ".join(article.split()[skip : skip + min(words, 70)])


def _chain_of_density(article: str, words: int, randomness: random.Random) -> str:
    names = [word.strip(".,;:") for word in article.split() if word[:1].isupper()] or ["the article"]
    rounds = [
        {
            "Missing_Entities": "; ".join(randomness.sample(names, min(2, len(names)))),
            "Denser_Summary": _summary(article, min(words, 25 + 5 * number), number),
        }
        for number in range(4)
    ]
    return json.dumps(rounds, ensure_ascii=False)


def _chat(user: str, randomness: random.Random) -> str:
    words = user.split()[:12]
    opening = randomness.choice(["Certainly.", "Good question.", "Happy to help.", "Let us see."])
    return f"{opening} About {' '.join(words)}: begin with the basics, compare two or three options, and take notes as you go."
