"""NLI: does the premise entail the hypothesis."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage, PromptRequest, TrainingRow
from transforms.prompts.answers import bare_label, text_of_key, visible_text
from transforms.prompts.chain_of_thought import choice_instruction, own_system_message, reasoned_request
from transforms.prompts.single_turn import single_turn_example, single_turn_request


class NliPrompt:
    """One label per row, plain or after reasoning."""

    def __init__(self, chain_of_thought: bool) -> None:
        self._chain_of_thought = chain_of_thought

    def format(self, row: TrainingRow) -> PromptRequest:
        """The row as it is, or with our reasoning instruction."""
        if self._chain_of_thought:
            return reasoned_request(row, choice_instruction(own_system_message(row)))
        return single_turn_request(row)

    def extract(self, text: str, turn: int) -> str:
        """The bare label."""
        visible = visible_text(text)
        return bare_label(text_of_key(visible, "answer_choice") if self._chain_of_thought else visible)

    def example(self, request: PromptRequest, answers: tuple[str, ...]) -> tuple[ChatMessage, ...]:
        """The row's own messages and the label."""
        return single_turn_example(request, answers)
