"""Which prompt a run uses."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.rows import TaskType

DEFAULT_MAX_LEN_SUMMARY = 80


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """The task and how it is asked.

    ``max_len_summary`` is how long a dense summary may be, in words; None stands for DEFAULT_MAX_LEN_SUMMARY.
    """

    task: TaskType
    chain_of_thought: bool = False
    chain_of_density: bool = False
    max_len_summary: int | None = None
