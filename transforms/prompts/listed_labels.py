"""The labels that a row's own instructions list as the only answers. If instructions have two different lists, neither counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from transforms.prompts.label_lists import FoundList, Label, lists_in

MOST_LABELS = 200
_LONGEST_INSTRUCTIONS = 20_000


@lru_cache(maxsize=1024)
def labels_in(instructions: str) -> tuple[Label, ...]:
    """The labels that instructions list; empty if they list none, or different ones."""
    text = instructions[:_LONGEST_INSTRUCTIONS]
    lettered = [FoundList(lettered_choices(text), 2, 0)] if _OFFERS_CHOICES.search(text) else []
    return _surest([*lettered, *lists_in(text, is_question=False)])


def labels_in_question(question: str) -> tuple[Label, ...]:
    """The labels that a question lists: only if it clearly asks for one of them."""
    text = question[:_LONGEST_QUESTION]
    if not _PLAINLY_ASKS.search(text):
        return ()
    return _surest([one for one in lists_in(text, is_question=True) if _PLAINLY_ASKS.search(text, max(0, one.start - 150), one.start + 40)])


_OFFERS_CHOICES = re.compile(r"\b(?:options?|choices?|one of|letter|choose|select|pick)\b", re.IGNORECASE)
_LONGEST_QUESTION = 6_000
_PLAINLY_ASKS = re.compile(
    r"\b(?:one of the|one of these|labels?|labell?ed|classify|categori[sz]e|options|choices"
    r"|(?:answer|respond|reply) (?:with|only|either|yes|true)|(?:answer|output) (?:must|should)|output only|exactly one)\b"
    r"|\b(?:yes/no|true/false|yes or no|true or false)\b"
    r"|\b(?:intents|categories|topics|emotions|sentiments|classes|tags)\s?:"
    r"|\b(?:sentiment|label|answer|relation(?:ship)?|verdict|stance|class|category|intent|emotion|topic)\s?\([^()\n]{3,200}\)\s?:",
    re.IGNORECASE,
)


def _surest(found: list[FoundList]) -> tuple[Label, ...]:
    found = [one for one in found if 2 <= len(one.labels) <= MOST_LABELS]
    surest = max((one.weight for one in found), default=0)
    kinds = {frozenset(label.name.casefold() for label in one.labels): one for one in reversed(found) if one.weight == surest}
    return next(iter(kinds.values())).labels if len(kinds) == 1 else ()


def lettered_choices(question: str) -> tuple[Label, ...]:
    """The choices of a question that have letters, A first and in order: each letter with its text."""
    return _choices_from("[A-Z]", lambda name: ord(name) - ord("A"), question)


def numbered_choices(question: str) -> tuple[Label, ...]:
    """The choices of a question that have numbers, 1 first and in order: each number with its text."""
    return _choices_from("[1-9][0-9]?", lambda name: int(name) - 1, question)


def with_choices(labels: tuple[Label, ...], question: str) -> tuple[Label, ...]:
    """Labels that are letters or digits, each with its text in the question; others unchanged."""
    if len(labels) < 2 or any(len(label.name) != 1 or not label.name.isalnum() or label.alias is not None for label in labels):
        return labels
    found = [_choice(mark) for mark in _marked("|".join(re.escape(label.name) for label in labels)).finditer(question)][-len(labels) :]
    texts = {choice.alias.casefold() for choice in found if choice.alias is not None}
    return tuple(found) if [choice.name for choice in found] == [label.name for label in labels] and len(texts) == len(found) else labels


def _choices_from(names: str, place: Callable[[str], int], question: str) -> tuple[Label, ...]:
    choices: list[Label] = []
    for choice in map(_choice, _marked(names).finditer(question[-_LONGEST_INSTRUCTIONS:])):
        if place(choice.name) == len(choices):
            choices.append(choice)
        elif place(choice.name) == 0:
            choices = [choice]
    return tuple(choices) if len(choices) > 1 else ()


def _choice(mark: re.Match[str]) -> Label:
    name = next(group for group in mark.groups()[:-1] if group)
    return Label(name, mark[mark.re.groups].strip(" \t\r\n,;.*") or None)


@lru_cache(maxsize=64)
def _marked(names: str) -> re.Pattern[str]:
    """A choice from its letter or digit up to the next: its name in one of several groups, its text in the last."""
    return re.compile(rf"(?:(?<=\s)|^)(?:{_mark(f'({names})')})((?:(?!\s(?:{_mark(f'(?:{names})')}))[^\n]){{1,300}})")


def _mark(name: str) -> str:
    """``(A) text``, ``A. text``, ``[A] text``, ``**A)** text``, ``Option A: text``, ``A、text``, and ``A - text`` at the start of a line."""
    return (
        rf"(?:\*\*)?(?:\({name}\)[.:]?|\[{name}\]|(?:(?:[Oo]ption|[Cc]hoice)\s)?{name}(?:\*\*)?[).:])(?:\*\*)?:?\s{{1,3}}"
        rf"|{name}[、．：]\s{{0,3}}|(?:(?<=\n)|^){name}\s[-–—]\s"
    )
