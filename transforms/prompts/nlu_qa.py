"""NLU_QA: a multiple-choice question."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage, PromptRequest, TrainingRow
from transforms.prompts.answers import choice_letter, text_of_key, visible_text
from transforms.prompts.chain_of_thought import choice_instruction, own_system_message, reasoned_request
from transforms.prompts.single_turn import single_turn_example, single_turn_request


class NluQaPrompt:
    """One choice per row, plain or after reasoning."""

    def __init__(self, chain_of_thought: bool) -> None:
        self._chain_of_thought = chain_of_thought

    def format(self, row: TrainingRow) -> PromptRequest:
        """The row as it is, or with our reasoning instruction."""
        if self._chain_of_thought:
            return reasoned_request(row, choice_instruction(own_system_message(row)))
        return single_turn_request(row)

    def extract(self, text: str, turn: int) -> str:
        """The letter of the choice where the answer names one, else the answer."""
        visible = visible_text(text)
        return choice_letter(text_of_key(visible, "answer_choice") if self._chain_of_thought else visible)

    def example(self, request: PromptRequest, answers: tuple[str, ...]) -> tuple[ChatMessage, ...]:
        """The row's own messages and the choice."""
        return single_turn_example(request, answers)
