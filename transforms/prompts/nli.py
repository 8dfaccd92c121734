"""NLI: how two texts relate, as a label."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage
from transforms.prompts.answers import bare_label, in_listed_spelling, label_of, stated_reason, visible_text
from transforms.prompts.carry_over import listed_labels
from transforms.prompts.chain_of_thought import ANSWER_CHOICE, REASON, with_reasoning
from transforms.prompts.single_turn import SingleTurn, own_system_message

_OPENING = "You judge how two texts relate: what the one lets a careful reader conclude about the other."
_FORM = 'The value of "answer_choice" is the label you settled on, spelled as the task spells it, with nothing added.'
_FORM_OF_LABELS = 'The value of "answer_choice" is a string, spelled exactly like one of these: '


class NliPrompt(SingleTurn):
    """The label in the reply, as the teacher gives it, or in the spelling that the row lists."""

    def extract(self, text: str, turn: int) -> str:
        """The label. Raises AnswerRejected."""
        return bare_label(visible_text(text))

    def settle(self, answer: str, question: tuple[ChatMessage, ...]) -> str:
        """The label as the row's own system message spells it, where it lists labels."""
        own, _ = own_system_message(question)
        return in_listed_spelling(answer, listed_labels(own)) if own is not None else answer


class NliReasonedPrompt(NliPrompt):
    """NLI with chain of thought."""

    def ask(self, question: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        """The question under a system message that asks for reasoning."""
        return with_reasoning(question, _OPENING, ANSWER_CHOICE, _FORM, _FORM_OF_LABELS)

    def extract(self, text: str, turn: int) -> str:
        """The label under ``answer_choice``. Raises AnswerRejected."""
        return bare_label(label_of(visible_text(text), ANSWER_CHOICE))

    def reason(self, text: str) -> str | None:
        """The value of ``reason``."""
        return stated_reason(text, REASON)
