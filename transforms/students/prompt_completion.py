"""prompt_completion: ``{"prompt": [messages], "completion": [the answer]}``, for training on the answer only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from transforms.students.base import Turn, chat_message, chat_type


class PromptCompletion:
    """TRL's conversational form: both are lists of messages, so that the student's own chat template joins them.

    In a conversation only the last answer is a completion; earlier ones are part of the prompt.
    """

    is_chat: ClassVar[bool] = False
    is_read_by_trl: ClassVar[bool] = True
    has_system_role: ClassVar[bool] = True

    def row(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """Everything up to the last answer, and the last answer."""
        return {"prompt": [chat_message(turn) for turn in turns[:-1]], "completion": [chat_message(turns[-1])]}

    def parquet_schema(self, reasoning_field: bool) -> Any:
        """Two columns, both lists of messages."""
        # late: keeps PyArrow out of the start
        import pyarrow

        return pyarrow.schema([("prompt", chat_type(reasoning_field)), ("completion", chat_type(reasoning_field))])
