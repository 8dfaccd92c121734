"""Answers: the given right ones, else plausible ones made up only from the request's messages.

The same messages always get the same answer.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Mapping
from typing import Any

_QUOTED = re.compile(r"(?<!\w)['\"\u2018\u201c]([^'\"\u2018\u2019\u201c\u201d\n]{1,40})['\"\u2019\u201d](?!\w)")
OPTION = re.compile(r"^\(?([A-Z])[).:]\s+\S", re.MULTILINE)
_LISTED = re.compile(r"\bone of (?:these|the \w+ \w+): *(.+)")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_WORD_LIMIT = re.compile(r"(\d{1,4})\s+words")
_ASKS_FOR_NUMBER = re.compile(r"\bhow many\b|\bwhat is\b[^?]*\d", re.IGNORECASE)
_KEY_BESIDE_REASON = re.compile(r'"reason": *"[^"]*", *"(\w+)":')
_NOT_LABELS = frozenset({"reason", "answer_choice", "answer", "Missing_Entities", "Denser_Summary", "premise", "hypothesis"})


def known_answers(lines: Iterable[str]) -> dict[str, str]:
    """The answers in JSON lines of chats: user message to the following assistant message. Raises ValueError."""
    known = {}
    for line in lines:
        if line.strip():
            messages = json.loads(line)["messages"]
            for asked, answer in zip(messages, messages[1:], strict=False):
                if (asked["role"], answer["role"]) == ("user", "assistant"):
                    known[_text(asked)] = _text(answer)
    return known


def answer_text(messages: list[dict[str, Any]], randomness: random.Random, known: Mapping[str, str]) -> str:
    """The teacher's text, with the ``known`` answer to the last user message if there is one."""
    system = " ".join(_text(message) for message in messages if message.get("role") in ("system", "developer"))
    user = last_question(messages)
    right = known.get(user)
    if "Denser_Summary" in system:
        return _chain_of_density(user, _word_limit(system), randomness, right)
    if "answer_choice" in system:
        return json.dumps({"reason": _reason(user, randomness), "answer_choice": right or _label(system, user, randomness)})
    if '"answer"' in system and '"reason"' in system:
        return _reasoned_number(user, randomness, right)
    beside = _KEY_BESIDE_REASON.search(system)
    if beside is not None:
        said = _chat(user, randomness) if right is None else right
        return json.dumps({"reason": _reason(user, randomness), beside[1]: said}, ensure_ascii=False)
    if right is not None:
        return right
    lowered = system.lower()
    if "integer" in lowered or "numerical answer" in lowered or "only the number" in lowered:
        return str(_number(user, randomness))
    if "summar" in lowered:
        return _summary(user, _word_limit(system), randomness.randrange(3))
    if len(_QUOTED.findall(system)) > 1 or OPTION.search(user):
        return _label(system, user, randomness)
    if _ASKS_FOR_NUMBER.search(user):
        return str(_number(user, randomness))
    return _chat(user, randomness)


def last_question(messages: list[dict[str, Any]]) -> str:
    """The text of the last user message."""
    return next((_text(message) for message in reversed(messages) if message.get("role") == "user"), "")


def as_prose(text: str) -> str:
    """An answer without the requested form."""
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
    options = OPTION.findall(user)
    if options:
        return str(randomness.choice(options))
    listed = _LISTED.search(system)
    quoted = _QUOTED.findall(listed[1] if listed else system) or _QUOTED.findall(user)
    labels = [label for label in dict.fromkeys(quoted) if label.strip() and label not in _NOT_LABELS]
    return randomness.choice(labels[:6]) if labels else "yes"


def _reason(user: str, randomness: random.Random) -> str:
    words = user.split()
    start = randomness.randrange(max(1, len(words) - 6))
    return f'It is asked about "{" ".join(words[start : start + 6])}"; step by step, that leads to the answer.'


def _number(user: str, randomness: random.Random) -> int:
    numbers = [int(float(found.replace(",", ""))) for found in _NUMBER.findall(user)[:4]] or [randomness.randrange(100)]
    total = numbers[0]
    for number in numbers[1:]:
        total = total + number if randomness.random() < 0.5 else abs(total - number)
    return total


def _reasoned_number(user: str, randomness: random.Random, right: str | None) -> str:
    if right is not None:
        return json.dumps({"reason": _reason(user, randomness), "answer": right})
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


def _chain_of_density(article: str, words: int, randomness: random.Random, right: str | None) -> str:
    names = [word.strip(".,;:") for word in article.split() if word[:1].isupper()] or ["the article"]
    rounds = [
        {
            "Missing_Entities": "; ".join(randomness.sample(names, min(2, len(names)))),
            "Denser_Summary": _summary(article, min(words, 25 + 5 * number), number),
        }
        for number in range(4)
    ]
    if right is not None:
        rounds[-1]["Denser_Summary"] = right
    return json.dumps(rounds, ensure_ascii=False)


def _chat(user: str, randomness: random.Random) -> str:
    words = user.split()[:-1][:12]  # an answer with a whole question in it looks like that of a server that returns prompts
    opening = randomness.choice(["Certainly.", "Good question.", "Happy to help.", "Let us see."])
    return f"{opening} About {' '.join(words)}: begin with the basics, compare two or three options, and take notes as you go."
