"""What all tasks with one answer per row share: the last assistant message is the old label, everything before it is context."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage, PromptRequest, TrainingRow


def split_label(row: TrainingRow) -> tuple[tuple[ChatMessage, ...], str | None]:
    """The messages to ask with, and the old label where the row ends in one."""
    if row.messages[-1].role == "assistant":
        return row.messages[:-1], row.messages[-1].content
    return row.messages, None


def single_turn_request(row: TrainingRow) -> PromptRequest:
    """The row as it is, without its old label."""
    asked, reference = split_label(row)
    return PromptRequest(row, (asked,), (reference,))


def single_turn_example(request: PromptRequest, answers: tuple[str, ...]) -> tuple[ChatMessage, ...]:
    """The row's own messages, original system message included, and the answer."""
    own, _ = split_label(request.row)
    return (*own, ChatMessage("assistant", answers[0]))
