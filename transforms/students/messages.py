"""messages: the unchanged chat, ``{"messages": [{"role": ..., "content": ...}, ...]}``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from transforms.students.base import Turn, chat_message, chat_type


class Messages:
    """The format of Azure ML, OpenAI and TRL."""

    is_chat: ClassVar[bool] = True
    is_read_by_trl: ClassVar[bool] = True
    has_system_role: ClassVar[bool] = True

    def row(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """The chat."""
        return {"messages": [chat_message(turn) for turn in turns]}

    def parquet_schema(self, reasoning_field: bool) -> Any:
        """One column, a list of messages."""
        # late: keeps PyArrow out of the start
        import pyarrow

        return pyarrow.schema([("messages", chat_type(reasoning_field))])
