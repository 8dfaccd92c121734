"""A chat in one column: as a list, as JSON text, or as text that only looks like JSON."""

from __future__ import annotations

import re
from typing import Any

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.intake.chat import chat_messages
from transforms.intake.formats.base import UnreadableValue
from transforms.intake.formats.json_value import json_value
from transforms.intake.refusal import UnusableRecord

_PYTHON_LIST = re.compile(r"\s*\[\s*\{\s*'")


def chat_of(value: object, name: str, any_role: bool = False) -> tuple[ChatMessage, ...]:
    """The messages in a column's value. ``any_role`` accepts every common name of a role. Raises UnusableRecord."""
    if isinstance(value, UnreadableValue):
        raise value.refusal()
    if isinstance(value, str):
        value = _from_text(value)
    if isinstance(value, dict):
        value = _in_rows(value)
    return chat_messages(value, name, any_role)


def _in_rows(value: dict[str, Any]) -> object:
    """Messages that a table stores column by column, as Hugging Face's sequences of objects; other values unchanged."""
    columns = {name: items for name, items in value.items() if isinstance(items, list)}
    lengths = {len(items) for items in columns.values()}
    if len(lengths) != 1 or not ({"role", "content"} <= columns.keys() or {"from", "value"} <= columns.keys()):
        return value
    return [dict(zip(columns, items, strict=True)) for items in zip(*columns.values(), strict=True)]


def _from_text(text: str) -> object:
    """A chat stored as JSON text; other text unchanged, for the error message."""
    if not text.lstrip().startswith("["):
        return text
    try:
        return json_value(text.encode("utf-8", "surrogatepass"))
    except UnusableRecord as unusable:
        if _PYTHON_LIST.match(text):
            raise UnusableRecord(
                reasons.PRINTED_LIST,
                "the messages are a list as Python prints it, with single quotes, which is not JSON: to_csv of pandas or datasets writes it so. "
                "Write the file with to_json or to_parquet, or turn the column into JSON text with json.dumps",
            ) from None
        raise UnusableRecord(unusable.reason, f"the messages are text that looks like a JSON list and is not one: {unusable.detail}") from None
