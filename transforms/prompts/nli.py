"""NLI: how two texts relate, as a label."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage
from transforms.prompts.answer_form import AnswerForm, form_asked_for
from transforms.prompts.answers import bare_label, label_of, stated_reason, visible_text
from transforms.prompts.base import AnswerRejected
from transforms.prompts.chain_of_thought import ANSWER_CHOICE, REASON, own_instructions, with_reasoning
from transforms.prompts.label_lists import Label
from transforms.prompts.listed_labels import labels_in, labels_in_question
from transforms.prompts.named_label import named_label
from transforms.prompts.single_turn import SingleTurn

_OPENING = "You judge how two texts relate: what the one lets a careful reader conclude about the other."
_FORM = 'The value of "answer_choice" is the label you settled on, spelled as the task spells it, with nothing added.'
_FORM_OF_LABELS = 'The value of "answer_choice" is a string, spelled exactly like one of these: '


class NliPrompt(SingleTurn):
    """The unchanged reply; if the row itself lists labels, the one that the reply names."""

    def extract(self, text: str, asked: tuple[ChatMessage, ...]) -> str:
        """The label. Raises AnswerRejected."""
        said = visible_text(text, asked)
        form = form_asked_for(asked)
        bare = self.rules.bare_answers
        if bare == "never" or (bare == "auto" and form == AnswerForm()):
            if form.labels:
                self._as_listed(said, form.labels)
            return said
        return self._as_listed(said, form.labels)

    def _as_listed(self, answer: str, labels: tuple[Label, ...]) -> str:
        """An answer in its bare form, and one of the labels if there are any. Raises AnswerRejected."""
        if labels:
            try:
                return named_label(answer, labels)
            except AnswerRejected:
                if not self.rules.other_labels:
                    raise
        return self.bare(answer)

    def bare(self, answer: str) -> str:
        """An answer without quotes or markup around it."""
        return bare_label(answer)


class NliReasonedPrompt(NliPrompt):
    """NLI with chain of thought."""

    def ask(self, question: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        """The question under a system message that asks for reasoning."""
        return with_reasoning(question, _OPENING, ANSWER_CHOICE, _FORM, _FORM_OF_LABELS)

    def extract(self, text: str, asked: tuple[ChatMessage, ...]) -> str:
        """The label under ``answer_choice``. Raises AnswerRejected."""
        said = label_of(visible_text(text), ANSWER_CHOICE)
        return self._as_listed(said, labels_in(own_instructions(asked)) or labels_in_question(asked[-1].content))

    def reason(self, text: str) -> str | None:
        """The value of ``reason``."""
        return stated_reason(text, REASON)
