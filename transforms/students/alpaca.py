"""alpaca: ``{"instruction": ..., "input": "", "output": ...}``, with its readers' columns for system message and history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from transforms.students.base import Turn, text_schema


class Alpaca:
    """The last question is the instruction, its answer the output. The original format has no ``system`` and ``history`` (pairs of question
    and answer); the names are LLaMA-Factory's. They are always present, so that all rows have the same columns."""

    is_chat: ClassVar[bool] = False
    is_read_by_trl: ClassVar[bool] = False
    has_system_role: ClassVar[bool] = True

    def row(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """The last exchange, and the turns before it."""
        system = turns[0].content if turns[0].role == "system" else ""
        said = [turn for turn in turns if turn.role != "system"]
        *earlier, question, answer = said
        pairs = zip(earlier[::2], earlier[1::2], strict=True)
        row = {
            "instruction": question.content,
            "input": "",
            "output": answer.content,
            "system": system,
            "history": [[asked.content, answered.content] for asked, answered in pairs],
        }
        if answer.reasoning is not None:
            row["reasoning"] = answer.reasoning
        return row

    def parquet_schema(self, reasoning_field: bool) -> Any:
        """Text columns, and the history as a list of pairs."""
        # late: keeps PyArrow out of the start
        import pyarrow

        schema = text_schema("instruction", "input", "output", "system")
        schema = schema.append(pyarrow.field("history", pyarrow.list_(pyarrow.list_(pyarrow.string()))))
        return schema.append(pyarrow.field("reasoning", pyarrow.string())) if reasoning_field else schema
