"""CONVERSATION: every assistant turn is asked again, in order, each after the teacher's own earlier answers."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.rows import ChatMessage, PromptRequest, TrainingRow
from transforms.prompts.answers import visible_text
from transforms.prompts.base import without_label
from transforms.prompts.spec import AnswerRules


@dataclass(frozen=True)
class ConversationPrompt:
    """One turn for each user message; the last one may have no old answer."""

    rules: AnswerRules = AnswerRules()

    def format(self, row: TrainingRow) -> PromptRequest:
        """The first turn has the system message; the row's own answers are kept as references."""
        without_label(row.messages)  # only for its check
        turns: list[tuple[ChatMessage, ...]] = []
        references: list[str | None] = []
        leading: tuple[ChatMessage, ...] = ()
        for message in row.messages:
            if message.role == "user":
                turns.append((*leading, message))
                references.append(None)
                leading = ()
            elif message.role == "system":
                leading = (message,)
            else:
                references[-1] = message.content
        return PromptRequest(row, tuple(turns), tuple(references))

    def extract(self, text: str, asked: tuple[ChatMessage, ...]) -> str:
        """The text of the reply. Raises AnswerRejected."""
        return visible_text(text, asked)

    def reason(self, text: str) -> str | None:
        """Nothing: no steps are asked for."""
        return None

    def example(self, request: PromptRequest, answers: tuple[str, ...]) -> tuple[ChatMessage, ...]:
        """The conversation with the teacher's answers."""
        messages: list[ChatMessage] = []
        for turn, answer in zip(request.turns, answers, strict=True):
            messages += (*turn, ChatMessage("assistant", answer))
        return tuple(messages)
