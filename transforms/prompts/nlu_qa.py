"""NLU_QA: a question with choices, or with a short answer."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage
from transforms.prompts.answer_form import asks_for_number_of_a_choice
from transforms.prompts.answers import choice, label_of, stated_reason, visible_text
from transforms.prompts.chain_of_thought import ANSWER_CHOICE, REASON, own_instructions, with_reasoning
from transforms.prompts.listed_labels import labels_in, labels_in_question, lettered_choices, numbered_choices, with_choices
from transforms.prompts.nli import NliPrompt

_OPENING = "You answer a question by understanding what it asks and weighing the answers that come into question."
_FORM = (
    'The value of "answer_choice" is your answer alone, as a string: the letter of the choice where the choices have '
    "letters, otherwise the answer in as few words as the task allows."
)
_FORM_OF_LABELS = 'The value of "answer_choice" is a string, exactly one of these: '


class NluQaPrompt(NliPrompt):
    """The unchanged reply; if the row itself asks for a letter or one of its choices, only that."""

    def bare(self, answer: str) -> str:
        """The letter of an answer if it certainly has one, else the answer without quotes or markup around it."""
        return choice(answer)


class NluQaReasonedPrompt(NluQaPrompt):
    """NLU_QA with chain of thought."""

    def ask(self, question: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        """The question under a system message that asks for reasoning."""
        return with_reasoning(question, _OPENING, ANSWER_CHOICE, _FORM, _FORM_OF_LABELS)

    def extract(self, text: str, asked: tuple[ChatMessage, ...]) -> str:
        """The choice under ``answer_choice``. Raises AnswerRejected."""
        said = label_of(visible_text(text), ANSWER_CHOICE)
        question = asked[-1].content
        own = own_instructions(asked)
        choices = numbered_choices if asks_for_number_of_a_choice(own) else lettered_choices
        return self._as_listed(said, with_choices(labels_in(own), question) or choices(question) or labels_in_question(question))

    def reason(self, text: str) -> str | None:
        """The value of ``reason``."""
        return stated_reason(text, REASON)
