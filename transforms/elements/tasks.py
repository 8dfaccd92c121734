"""The tasks and their attributes. ``prompts.registry`` has their wording and how a reply becomes an answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

DEFAULT_MAX_NEW_TOKENS = 128
FEWEST_ROWS = 65


@dataclass(frozen=True, slots=True)
class _Task:
    """The attributes of one task; see ``TaskType``."""

    name: str
    hub_category: str
    reasons_step_by_step: bool = False
    is_labelled: bool = False
    answers_are_numbers: bool = False
    chooses_label: bool = False
    answers_in_question_language: bool = True
    condenses: bool = False
    has_several_turns: bool = False
    default_max_new_tokens: int = DEFAULT_MAX_NEW_TOKENS
    fewest_rows: int = FEWEST_ROWS


class TaskType(str, Enum):
    """What the rows ask for; decides prompt wording and how a reply becomes an answer.

    ``hub_category``: the task category of the Hugging Face hub. ``reasons_step_by_step``: whether chain of thought is possible;
    ``condenses``: whether chain of density is, up to a number of words. ``is_labelled``: whether answers are short, so that each is worth
    counting; ``answers_are_numbers``: whether they are compared as numbers; ``chooses_label``: whether they must be among the labels that
    the row lists. ``answers_in_question_language``: whether they are in the language of the question, which a translation is not.
    ``has_several_turns``: whether a row may be half done. ``default_max_new_tokens`` and ``fewest_rows``: as in Azure ML's distillation
    component.
    """

    hub_category: str
    reasons_step_by_step: bool
    is_labelled: bool
    answers_are_numbers: bool
    chooses_label: bool
    answers_in_question_language: bool
    condenses: bool
    has_several_turns: bool
    default_max_new_tokens: int
    fewest_rows: int

    def __new__(cls, entry: Any) -> TaskType:  # a _Task; ``TaskType(name)`` is a look-up and does not call this
        member = str.__new__(cls, entry.name)
        member._value_ = entry.name
        member.hub_category = entry.hub_category
        member.reasons_step_by_step, member.condenses = entry.reasons_step_by_step, entry.condenses
        member.is_labelled, member.answers_are_numbers = entry.is_labelled, entry.answers_are_numbers
        member.chooses_label, member.answers_in_question_language = entry.chooses_label, entry.answers_in_question_language
        member.has_several_turns = entry.has_several_turns
        member.default_max_new_tokens, member.fewest_rows = entry.default_max_new_tokens, entry.fewest_rows
        return member

    NLI = _Task("NLI", "text-classification", reasons_step_by_step=True, is_labelled=True, chooses_label=True)
    CONVERSATION = _Task("CONVERSATION", "text-generation", has_several_turns=True)
    NLU_QA = _Task("NLU_QA", "question-answering", reasons_step_by_step=True, is_labelled=True, chooses_label=True)
    MATH = _Task("MATH", "text-generation", reasons_step_by_step=True, is_labelled=True, answers_are_numbers=True, fewest_rows=40)
    SUMMARIZATION = _Task("SUMMARIZATION", "summarization", condenses=True, default_max_new_tokens=1024)


def named(tasks: Iterable[TaskType], last: str = "and") -> str:
    """The names of tasks as text: ``NLI, NLU_QA and MATH``."""
    *first, end = (task.value for task in tasks)
    return f"{', '.join(first)} {last} {end}" if first else end


REASONED = tuple(task for task in TaskType if task.reasons_step_by_step)
LABELLED = tuple(task for task in TaskType if task.is_labelled)
CHOOSING = tuple(task for task in TaskType if task.chooses_label)
CONDENSED = tuple(task for task in TaskType if task.condenses)
