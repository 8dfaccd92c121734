"""sharegpt: ``{"conversations": [{"from": "human", "value": ...}, {"from": "gpt", "value": ...}]}``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from transforms.students.base import Turn

_SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}


class ShareGpt:
    """The format of FastChat, which Axolotl, LLaMA-Factory and others read."""

    is_chat: ClassVar[bool] = False
    is_read_by_trl: ClassVar[bool] = False
    has_system_role: ClassVar[bool] = True

    def row(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """The chat with ShareGPT's names of the roles."""
        return {"conversations": [self._said(turn) for turn in turns]}

    @staticmethod
    def _said(turn: Turn) -> dict[str, str]:
        said = {"from": _SPEAKERS[turn.role], "value": turn.content}
        if turn.reasoning is not None:
            said["reasoning_content"] = turn.reasoning
        return said

    def parquet_schema(self, reasoning_field: bool) -> Any:
        """One column, a list of messages."""
        # late: keeps PyArrow out of the start
        import pyarrow

        fields = [("from", pyarrow.string()), ("value", pyarrow.string())]
        said = pyarrow.struct(fields + [("reasoning_content", pyarrow.string())] * reasoning_field)
        return pyarrow.schema([("conversations", pyarrow.list_(said))])
