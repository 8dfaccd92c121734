"""The interface of every prompt: a row to a request, a reply to an answer, answers to an example."""

from __future__ import annotations

from typing import Protocol

from transforms.elements import reasons
from transforms.elements.flow import Asked, Row
from transforms.elements.rows import ChatMessage, PromptRequest, RejectedRow, TrainingRow
from transforms.prompts.spec import AnswerRules


class UnusableRow(reasons.Rejection):
    """A row that cannot be sent."""


class AnswerRejected(reasons.Rejection):
    """A reply without a certain answer."""


class Prompt(Protocol):
    """One task, asked in one way. It has no state: the same text always gives the same answer."""

    @property
    def rules(self) -> AnswerRules:
        """What counts as an answer."""
        ...

    def format(self, row: TrainingRow) -> PromptRequest:
        """The row's request. Raises UnusableRow."""
        ...

    def extract(self, text: str, asked: tuple[ChatMessage, ...]) -> str:
        """The answer in the text of a reply to the messages of one turn. Raises AnswerRejected."""
        ...

    def reason(self, text: str) -> str | None:
        """The steps that the request asked for, if the text of a reply has them."""
        ...

    def example(self, request: PromptRequest, answers: tuple[str, ...]) -> tuple[ChatMessage, ...]:
        """The row's own messages with the answers, one for each turn, in place."""
        ...


def format_row(prompt: Prompt, row: Row) -> Asked:
    """The request for a row, or its reject."""
    if isinstance(row, RejectedRow):
        return row
    try:
        return prompt.format(row)
    except UnusableRow as unusable:
        return RejectedRow(row.origin, unusable.reason, unusable.detail, row.row_key)


def without_label(messages: tuple[ChatMessage, ...]) -> tuple[tuple[ChatMessage, ...], str | None]:
    """The messages up to the last user message, and the assistant message after it: the row's old label.

    Raises UnusableRow if the messages do not end this way.
    """
    label = None
    if messages and messages[-1].role == "assistant":
        label = messages[-1].content
        messages = messages[:-1]
    if not messages or messages[-1].role != "user":
        raise UnusableRow(reasons.NO_USER_MESSAGE, "the row does not end in a user message; add the one that the teacher is to answer")
    return messages, label
