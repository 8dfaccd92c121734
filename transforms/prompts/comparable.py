"""The form in which two answers are compared: the same for a label, a vote and the report's agreement."""

from __future__ import annotations

import re

from transforms.elements.tasks import TaskType
from transforms.prompts.plain_number import NotCertain, stated_number

_WHOLE_NUMBER = re.compile(r"^\s*(-?\d+)\.0+\s*$")


def comparable(task: TaskType, text: str) -> str:
    """A form that is equal for equal answers.

    If a task's answers are numbers, the value of a certain number, so that ``#### 1,200`` and ``1200`` are equal; otherwise the plain text.
    """
    number = certain_number(text) if task.answers_are_numbers else None
    return number if number is not None else plain_text(text)


def plain_text(text: str) -> str:
    """A text without case, the space around it and a final full stop; a whole number without ``.0``."""
    return whole_number(text.strip().rstrip(".").casefold())


def whole_number(text: str) -> str:
    """``1`` for ``1.0``, as pandas writes the classes 0, 1, 2 if a row has none; other texts unchanged."""
    return _WHOLE_NUMBER.sub(r"\1", text)


def certain_number(text: str) -> str | None:
    """The number that a text states, in its shortest form; None if it is not certain."""
    try:
        return stated_number(text)
    except NotCertain:
        return None
