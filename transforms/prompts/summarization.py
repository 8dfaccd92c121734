"""SUMMARIZATION: an article to a summary."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage, PromptRequest, TrainingRow
from transforms.prompts.answers import last_summary, visible_text
from transforms.prompts.chain_of_density import density_instruction
from transforms.prompts.chain_of_thought import reasoned_request
from transforms.prompts.single_turn import single_turn_example, single_turn_request


class SummarizationPrompt:
    """One summary per row, plain or as the last of a chain of density."""

    def __init__(self, chain_of_density: bool, max_len_summary: int) -> None:
        self._instruction = density_instruction(max_len_summary) if chain_of_density else None

    def format(self, row: TrainingRow) -> PromptRequest:
        """The row as it is, or with our density instruction."""
        return single_turn_request(row) if self._instruction is None else reasoned_request(row, self._instruction)

    def extract(self, text: str, turn: int) -> str:
        """The summary, the last one of a chain."""
        visible = visible_text(text)
        return visible if self._instruction is None else last_summary(visible)

    def example(self, request: PromptRequest, answers: tuple[str, ...]) -> tuple[ChatMessage, ...]:
        """The row's own messages and the summary."""
        return single_turn_example(request, answers)
