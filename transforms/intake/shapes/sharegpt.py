"""ShareGPT: ``{"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}``, and chats under its column's name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from transforms.elements.rows import ChatMessage
from transforms.intake.chat_column import chat_of
from transforms.intake.shapes.base import text_in_column

_CHATS = ("conversations", "conversation")


class ShareGpt:
    """The messages may also have ``role`` and ``content``. A system prompt may be in a separate column, as in LLaMA-Factory."""

    columns: ClassVar[frozenset[str]] = frozenset({*_CHATS, "system"})

    def fits(self, names: Collection[str]) -> bool:
        """By the chat's column."""
        return any(name in names for name in _CHATS)

    def chat(self, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """All turns. Raises UnusableRecord."""
        name = next(name for name in _CHATS if name in fields)
        messages = chat_of(fields[name], name, any_role=True)
        system = text_in_column(fields, "system")
        return messages if system is None or messages[0].role == "system" else (ChatMessage("system", system), *messages)
