"""What every task's prompt can do."""

from __future__ import annotations

from typing import Protocol

from transforms.elements.rows import ChatMessage, PromptRequest, TrainingRow


class UnusableRow(Exception):
    """The row cannot be put to the teacher for this task."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class AnswerRejected(Exception):
    """A reply holds no usable answer. ``reason`` is a code of ``elements.reasons``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Prompt(Protocol):
    """A row to a request, a reply's text to an answer, and both to the example a student trains on."""

    def format(self, row: TrainingRow) -> PromptRequest:
        """What to ask. Raises UnusableRow."""
        ...

    def extract(self, text: str, turn: int) -> str:
        """The answer in the visible text of one reply. Raises AnswerRejected."""
        ...

    def example(self, request: PromptRequest, answers: tuple[str, ...]) -> tuple[ChatMessage, ...]:
        """The row's own messages with the teacher's answers in place."""
        ...
