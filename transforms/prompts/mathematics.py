"""MATH: a word problem, and its number."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage
from transforms.prompts.answer_form import number_asked_for
from transforms.prompts.answers import number, stated_reason, value_of, visible_text
from transforms.prompts.chain_of_thought import NUMBER, REASON, with_reasoning
from transforms.prompts.single_turn import SingleTurn

_OPENING = "You solve a math problem by working it out, one calculation at a time."
_FORM = (
    'The value of "answer" is a plain number: digits, with a minus sign or a decimal point where needed; no unit, no '
    "currency, no separators between thousands, no fraction and no percent sign."
)


class MathPrompt(SingleTurn):
    """The unchanged reply; if the row itself asks for a bare number, that number in its shortest form."""

    def extract(self, text: str, asked: tuple[ChatMessage, ...]) -> str:
        """The solution, or the number. Raises AnswerRejected."""
        said = visible_text(text, asked)
        bare = self.rules.bare_answers
        return number(said) if bare == "always" or (bare == "auto" and number_asked_for(asked)) else said


class MathReasonedPrompt(SingleTurn):
    """MATH with chain of thought."""

    def ask(self, question: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        """The question under a system message that asks for the calculation."""
        return with_reasoning(question, _OPENING, NUMBER, _FORM)

    def extract(self, text: str, asked: tuple[ChatMessage, ...]) -> str:
        """The number under ``answer``. Raises AnswerRejected."""
        return number(value_of(visible_text(text), NUMBER))

    def reason(self, text: str) -> str | None:
        """The value of ``reason``."""
        return stated_reason(text, REASON)
