"""The interface of every student format, and its turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

from transforms.elements.rows import DistilledExample

DROP, FIELD, THINK = "drop", "field", "think"
"""What happens to the teacher's reasoning: it is dropped, becomes a field of the answer, or a ``<think>`` block to train on."""


class Turn(NamedTuple):
    """One message of an example; ``reasoning`` is set if it goes into a field."""

    role: str
    content: str
    reasoning: str | None = None


class StudentFormat(Protocol):
    """One shape of a training row.

    ``is_chat``: whether a row is a list of messages, as fine-tuning services require. ``is_read_by_trl``: whether TRL can train on it.
    ``has_system_role``: whether the student's chat template has one.
    """

    is_chat: ClassVar[bool]
    is_read_by_trl: ClassVar[bool]
    has_system_role: ClassVar[bool]

    def row(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """The row as JSON values. The last turn is the assistant's."""
        ...

    def parquet_schema(self, reasoning_field: bool) -> Any:
        """The pyarrow schema of such rows."""
        ...


def turns_of(example: DistilledExample, reasoning: str) -> list[Turn]:
    """The messages of an example with the teacher's reasoning as the setting says.

    The reasoning belongs to the last answers of the chat, one each; answers before them were part of the question.
    """
    turns = [Turn(role, content) for role, content in example.messages]
    if reasoning == DROP or not example.reasoning:
        return turns
    answers = [place for place, turn in enumerate(turns) if turn.role == "assistant"]
    for place, thought in zip(answers[-len(example.reasoning) :], example.reasoning, strict=True):
        if thought:
            content = turns[place].content
            turns[place] = (
                Turn("assistant", f"<think>\n{thought}\n</think>\n\n{content}") if reasoning == THINK else Turn("assistant", content, thought)
            )
    return turns


def chat_message(turn: Turn) -> dict[str, str]:
    """A turn in the chat formats; reasoning has the name that reasoning models' endpoints and chat templates use."""
    message = {"role": turn.role, "content": turn.content}
    if turn.reasoning is not None:
        message["reasoning_content"] = turn.reasoning
    return message


def chat_type(reasoning_field: bool) -> Any:
    """The pyarrow type of a list of chat messages."""
    # late: keeps PyArrow out of the start
    import pyarrow

    fields = [("role", pyarrow.string()), ("content", pyarrow.string())]
    return pyarrow.list_(pyarrow.struct(fields + [("reasoning_content", pyarrow.string())] * reasoning_field))


def text_schema(*names: str) -> Any:
    """A pyarrow schema of text columns."""
    # late: keeps PyArrow out of the start
    import pyarrow

    return pyarrow.schema([(name, pyarrow.string()) for name in names])
