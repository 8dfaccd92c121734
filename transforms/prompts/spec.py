"""What decides the wording: task and reasoning switches."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.rows import TaskType


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """The task and how it is reasoned about. ``max_len_summary`` is in words and counts for chain of density only."""

    task: TaskType
    chain_of_thought: bool = False
    chain_of_density: bool = False
    max_len_summary: int = 80
