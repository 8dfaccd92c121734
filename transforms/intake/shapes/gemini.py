"""Gemini's tuning data and requests: ``{"contents": [{"role": "user", "parts": [{"text": "..."}]}], "systemInstruction": {"parts": [...]}}``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from transforms.elements.rows import ChatMessage
from transforms.intake.chat_column import chat_of
from transforms.intake.content import text_of
from transforms.intake.formats.base import UnreadableValue

_SYSTEM = ("systemInstruction", "system_instruction")


class Gemini:
    """Turns whose content is parts; the model's are the assistant's. A turn without a role is the user's."""

    columns: ClassVar[frozenset[str]] = frozenset({"contents", *_SYSTEM})

    def fits(self, names: Collection[str]) -> bool:
        """By the turns' column."""
        return "contents" in names

    def chat(self, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """All turns. Raises UnusableRecord."""
        turns = fields["contents"]
        if isinstance(turns, list):
            turns = [{"role": "user", **turn} if isinstance(turn, dict) else turn for turn in turns]
        messages = chat_of(turns, "contents", any_role=True)
        system = next((fields[name] for name in _SYSTEM if fields.get(name)), None)
        if isinstance(system, UnreadableValue):
            raise system.refusal()
        parts = system.get("parts") if isinstance(system, dict) else system
        return (ChatMessage("system", text_of(parts, "the system instruction")), *messages) if parts else messages
