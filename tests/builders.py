"""Builders of values whose defaults suit most tests."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import ChatMessage, PromptRequest, RowOrigin, Split, TrainingRow

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("TEST_DATA_DIR") or "no folder of real rows is named")
"""Real rows and job files, a folder for each task; only if a variable names them: tests read nothing outside the clone."""


def a_row(*messages: tuple[str, str], line: int = 1, split: Split = Split.TRAIN, key: str = "row-0") -> TrainingRow:
    chat = tuple(ChatMessage(*message) for message in messages or (("system", "Be brief."), ("user", "What is 2 + 2?")))
    return TrainingRow(key, RowOrigin(split, "rows.jsonl", line, line - 1), chat)


def a_request(*messages: tuple[str, str], key: str = "row-0", line: int = 1) -> PromptRequest:
    row = a_row(*messages, key=key, line=line)
    return PromptRequest(row, (row.messages,), (None,))


def a_reply(content: str | None = "4", turn: int = 0, finish_reason: str = "stop") -> TeacherReply:
    return TeacherReply(turn, content, None, finish_reason, 10, 2, 1, 5.0)


def a_scored_row(*replies: TeacherReply, request: PromptRequest | None = None, **changes: Any) -> ScoredRow:
    return ScoredRow(request or a_request(), replies, **changes)


def chat_line(*messages: tuple[str, str]) -> str:
    return json.dumps({"messages": [{"role": role, "content": content} for role, content in messages]})


def write_rows(path: Path, lines: Sequence[str | bytes]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines))
    return str(path)


def questions(count: int, start: int = 0) -> list[str]:
    return [
        chat_line(("system", "Give the numerical answer, an integer, only."), ("user", f"What is {number} plus 3?"))
        for number in range(start, start + count)
    ]


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
