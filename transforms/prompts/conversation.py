"""CONVERSATION: every assistant turn anew, each seeing the teacher's own earlier answers."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage, PromptRequest, TrainingRow
from transforms.prompts.answers import visible_text


class ConversationPrompt:
    """One answer per user message."""

    def format(self, row: TrainingRow) -> PromptRequest:
        """A turn per user message; the old assistant texts are kept as references."""
        leading = row.messages[:1] if row.messages[0].role == "system" else ()
        turns: list[tuple[ChatMessage, ...]] = []
        references: list[str | None] = []
        for message in row.messages[len(leading) :]:
            if message.role == "user":
                turns.append((message,))
                references.append(None)
            else:
                references[-1] = message.content
        turns[0] = (*leading, *turns[0])
        return PromptRequest(row, tuple(turns), tuple(references))

    def extract(self, text: str, turn: int) -> str:
        """The reply's visible text."""
        return visible_text(text)

    def example(self, request: PromptRequest, answers: tuple[str, ...]) -> tuple[ChatMessage, ...]:
        """The conversation with the teacher's answers in place of the old ones."""
        messages: list[ChatMessage] = []
        for turn, answer in zip(request.turns, answers, strict=True):
            messages.extend(turn)
            messages.append(ChatMessage("assistant", answer))
        return tuple(messages)
