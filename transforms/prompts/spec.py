"""Which prompt a run uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transforms.elements.tasks import TaskType

DEFAULT_MAX_LEN_SUMMARY = 80


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """What counts as an answer in a run.

    ``bare_answers``: whether a plain answer is reduced to its bare form: ``auto`` if the row's own instructions ask for the form,
    ``always`` or ``never``. ``other_labels``: also accept answers that are not among the labels that a row lists. ``max_new_tokens``: the
    requested limit, to explain why an answer was cut off; None if unknown.
    """

    bare_answers: str = "auto"
    other_labels: bool = False
    max_new_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """The task and how it is asked.

    ``max_len_summary`` is the longest dense summary, in words; None means DEFAULT_MAX_LEN_SUMMARY.
    """

    task: TaskType
    chain_of_thought: bool = False
    chain_of_density: bool = False
    max_len_summary: int | None = None
    rules: AnswerRules = AnswerRules()

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> PromptSpec:
        """From settings by name, as in run.json. Raises KeyError without a task, ValueError for an unknown one."""
        return cls(
            TaskType(settings["data_generation_task_type"]),
            bool(settings.get("enable_chain_of_thought")),
            bool(settings.get("enable_chain_of_density")),
            settings.get("max_len_summary"),
            AnswerRules(
                settings.get("bare_answers") or "auto", bool(settings.get("other_labels")), settings.get("teacher_model_max_new_tokens")
            ),
        )
