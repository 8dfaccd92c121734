"""Alpaca: ``{"instruction": "...", "input": "...", "output": "..."}``, also with Dolly's names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.intake.content import readable
from transforms.intake.formats.base import UnreadableValue
from transforms.intake.formats.json_value import json_value
from transforms.intake.shapes.base import text_in_column
from transforms.intake.unusable import UnusableRecord

_INPUTS = ("input", "context")
_OUTPUTS = ("output", "response")
_OTHER_PROMPTS = frozenset({"question", "query", "prompt", "text", "passage", "document", "article", "problem", "choices", "options", "premise"})
"""With one of these columns, the instruction may be only a part of the prompt."""


class Alpaca:
    """The instruction, a blank line and the input are the user's message; the output is the known answer."""

    columns: ClassVar[frozenset[str]] = frozenset({"instruction", *_INPUTS, *_OUTPUTS, "system", "history", *_OTHER_PROMPTS})

    def fits(self, names: Collection[str]) -> bool:
        """By the instruction, if nothing else may belong to the prompt."""
        return "instruction" in names and not any(name in names for name in _OTHER_PROMPTS)

    def chat(self, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """The turns of ``history``, pairs of question and answer, then the instruction. Raises UnusableRecord."""
        messages = []
        system = text_in_column(fields, "system")
        if system is not None:
            messages.append(("system", system))
        for question, answer in _earlier_turns(fields.get("history")):
            messages += [("user", question), ("assistant", answer)]
        parts = [text_in_column(fields, "instruction"), *(text_in_column(fields, name) for name in _INPUTS)]
        asked = "\n\n".join(part for part in parts if part is not None)
        if not asked.strip():
            raise UnusableRecord(reasons.EMPTY_USER_MESSAGE, 'the "instruction" is empty; the teacher needs something to answer')
        messages.append(("user", asked))
        known = next((text for name in _OUTPUTS if (text := text_in_column(fields, name)) is not None), None)
        if known is not None:
            messages.append(("assistant", known))
        return tuple(ChatMessage(role, readable(text, f"the {role} text")) for role, text in messages)


def _earlier_turns(value: Any) -> list[list[str]]:
    if isinstance(value, UnreadableValue):
        raise value.refusal()
    turns = json_value(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) and value else value or []
    pairs = isinstance(turns, list) and all(isinstance(turn, list) and len(turn) == 2 for turn in turns)
    if not pairs or not all(isinstance(text, str) for turn in turns for text in turn):
        raise UnusableRecord(reasons.BAD_MESSAGE, 'the "history" is not a list of pairs of texts; expected [[question, answer], ...]')
    return list(turns)
