"""MATH: a word problem with a number for an answer."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage, PromptRequest, TrainingRow
from transforms.prompts.answers import number_of_key, plain_number, visible_text
from transforms.prompts.chain_of_thought import NUMBER_WORDING, reasoned_request
from transforms.prompts.single_turn import single_turn_example, single_turn_request


class MathPrompt:
    """One number per row, plain or after reasoning."""

    def __init__(self, chain_of_thought: bool) -> None:
        self._chain_of_thought = chain_of_thought

    def format(self, row: TrainingRow) -> PromptRequest:
        """The row as it is, or with our reasoning instruction."""
        return reasoned_request(row, NUMBER_WORDING) if self._chain_of_thought else single_turn_request(row)

    def extract(self, text: str, turn: int) -> str:
        """The number in plain decimal notation."""
        visible = visible_text(text)
        return number_of_key(visible, "answer") if self._chain_of_thought else plain_number(visible)

    def example(self, request: PromptRequest, answers: tuple[str, ...]) -> tuple[ChatMessage, ...]:
        """The row's own messages and the number."""
        return single_turn_example(request, answers)
