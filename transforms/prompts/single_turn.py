"""The common part of the tasks with one answer per row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from transforms.elements.rows import ChatMessage, PromptRequest, TrainingRow
from transforms.prompts.base import without_label
from transforms.prompts.spec import AnswerRules


@dataclass(frozen=True)
class SingleTurn(ABC):
    """One request per row, one answer.

    An assistant message at the end of the row is its old label: it is replaced, and kept as the reference. Earlier ones are
    part of the question (such as examples) and stay.
    """

    rules: AnswerRules = AnswerRules()

    def format(self, row: TrainingRow) -> PromptRequest:
        """The row's question in the form of this task."""
        question, label = without_label(row.messages)
        return PromptRequest(row, (self.ask(question),), (label,))

    def ask(self, question: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        """The messages to send for a question; unchanged, unless a task overrides this."""
        return question

    @abstractmethod
    def extract(self, text: str, asked: tuple[ChatMessage, ...]) -> str:
        """The answer in a reply. Raises AnswerRejected."""

    def reason(self, text: str) -> str | None:
        """Nothing: only requests for a chain of thought ask for steps."""
        return None

    def example(self, request: PromptRequest, answers: tuple[str, ...]) -> tuple[ChatMessage, ...]:
        """The row's messages, with the teacher's answer at the end."""
        question, _ = without_label(request.row.messages)
        (answer,) = answers
        return (*question, ChatMessage("assistant", answer))


def own_system_message(question: tuple[ChatMessage, ...]) -> tuple[str | None, tuple[ChatMessage, ...]]:
    """The text of a leading system message, if there is one, and the messages after it."""
    if question[0].role == "system":
        return question[0].content, question[1:]
    return None, question
