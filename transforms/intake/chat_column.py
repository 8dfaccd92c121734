"""A chat in one column: as a list, as JSON text, or as text that only looks like JSON."""

from __future__ import annotations

import re
from typing import Any

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.intake.chat import chat_messages
from transforms.intake.formats.base import UnreadableValue
from transforms.intake.formats.json_value import json_value
from transforms.intake.unusable import UnusableRecord

_PYTHON_LIST = re.compile(r"\s*\[\s*\{\s*'")


def chat_of(value: object, name: str, any_role: bool = False) -> tuple[ChatMessage, ...]:
    """The messages in a column's value. ``any_role`` accepts every common name of a role. Raises UnusableRecord."""
    if isinstance(value, UnreadableValue):
        raise value.refusal()
    if isinstance(value, str):
        value = _from_text(value)
    if isinstance(value, dict):
        value = _in_rows(value)
    return chat_messages(_in_turns(value), name, any_role)


def chat_in_text(text: str) -> list[Any] | None:
    """The messages of a text that is a chat as JSON; None for any other text, also if it begins like one."""
    if not text.lstrip().startswith("["):
        return None
    try:
        value = json_value(text.encode("utf-8", "surrogatepass"))
    except UnusableRecord:
        return None
    return value if isinstance(value, list) and value and all(isinstance(item, dict) and _ROLES & item.keys() for item in value) else None


_ROLES = frozenset({"role", "from"})
_PAIRS = (("human", "assistant"), ("user", "assistant"), ("input", "output"), ("prompt", "response"), ("query", "response"))
"""Names of question and answer where one item of a chat is both: Firefly, MOSS, XTuner."""


def _in_turns(value: object) -> object:
    """Messages of a chat whose items are pairs of a question and its answer; other values unchanged."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict) or _ROLES & value[0].keys():
        return value
    names = next((pair for pair in _PAIRS if pair[0] in value[0]), None)
    if names is None or not all(isinstance(item, dict) and names[0] in item for item in value):
        return value
    messages = [{"role": "system", "content": value[0]["system"]}] if value[0].get("system") else []
    for item in value:
        messages.append({"role": "user", "content": item[names[0]]})
        if item.get(names[1]) is not None:
            messages.append({"role": "assistant", "content": item[names[1]]})
    return messages


def _in_rows(value: dict[str, Any]) -> object:
    """Messages that a table stores column by column, as Hugging Face's sequences of objects; other values unchanged."""
    columns = {name: items for name, items in value.items() if isinstance(items, list)}
    lengths = {len(items) for items in columns.values()}
    if len(lengths) != 1 or not ({"role", "content"} <= columns.keys() or {"from", "value"} <= columns.keys()):
        return value
    return [dict(zip(columns, items, strict=True)) for items in zip(*columns.values(), strict=True)]


def _from_text(text: str) -> object:
    """A chat stored as JSON text; other text unchanged, for the error message."""
    if not text.lstrip().startswith(("[", '"[')):
        return text
    try:
        value = json_value(text.encode("utf-8", "surrogatepass"))
        return _from_text(value) if isinstance(value, str) else value
    except UnusableRecord as unusable:
        if _PYTHON_LIST.match(text):
            raise UnusableRecord(
                reasons.PRINTED_LIST,
                "the messages are a list as Python prints it, with single quotes, which is not JSON: to_csv of pandas or datasets writes it so. "
                "Write the file with to_json or to_parquet, or turn the column into JSON text with json.dumps",
            ) from None
        raise UnusableRecord(unusable.reason, f"the messages are text that looks like a JSON list and is not one: {unusable.detail}") from None
