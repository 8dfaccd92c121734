"""Chain of thought (Wei et al. 2022): the request's system message, and what it keeps of the row's own.

The row's own system message mostly says which form the bare answer must have ("only the number", "do not explain"), which would
forbid the reasoning. It is replaced for the request; the choices that it names are kept (docs/decisions/0004).
"""

from __future__ import annotations

import re

from transforms.elements.rows import ChatMessage, PromptRequest, TrainingRow
from transforms.prompts.single_turn import split_label

CHOICE_WORDING = (
    "You solve the user's task by thinking it through. Work in a few short steps, each building on the one before, and settle on a "
    "single answer.\n"
    "Reply with nothing but one JSON object, without code fences and without text before or after it:\n"
    '{"reason": "<your steps, brief>", "answer_choice": "<your answer>"}\n'
)
NUMBER_WORDING = (
    "You solve the user's math problem by thinking it through. Work in a few short steps, each building on the one before, and check "
    "the result against the question.\n"
    "Reply with nothing but one JSON object, without code fences and without text before or after it:\n"
    '{"reason": "<your steps, brief>", "answer": <the result>}\n'
    "The value of answer is a plain number: no unit, no thousands separator, no operator, no words."
)
_QUOTED = re.compile(  # an apostrophe inside or at the end of a word opens nothing
    r"(?<!\w)'([^'\n]{1,40})'(?!\w)|(?<!\w)\"([^\"\n]{1,40})\"(?!\w)|\u2018([^\u2019\n]{1,40})\u2019|\u201c([^\u201d\n]{1,40})\u201d"
)


def choice_instruction(own_system: str | None) -> str:
    """The system message for tasks with an ``answer_choice``, with the choices that the row's own system message quotes."""
    choices = quoted_choices(own_system or "")
    if len(choices) < 2:
        return CHOICE_WORDING + "The value of answer_choice is the answer alone, in the form the user's text offers it."
    listed = ", ".join(f'"{choice}"' for choice in choices)
    return CHOICE_WORDING + f"The value of answer_choice is exactly one of {listed}."


def quoted_choices(text: str) -> list[str]:
    """What stands in quotation marks in ``text``, each once, in order."""
    found = (next(group for group in match.groups() if group) for match in _QUOTED.finditer(text))
    return list(dict.fromkeys(found))


def reasoned_request(row: TrainingRow, instruction: str) -> PromptRequest:
    """The row with ``instruction`` in place of its system message, for the request only."""
    asked, reference = split_label(row)
    rest = asked[1:] if asked[0].role == "system" else asked
    return PromptRequest(row, ((ChatMessage("system", instruction), *rest),), (reference,))


def own_system_message(row: TrainingRow) -> str | None:
    """The row's system message, None when it has none."""
    return row.messages[0].content if row.messages[0].role == "system" else None
