"""One line to the messages of a chat, or the reason why it is none."""

from __future__ import annotations

from typing import Any

import orjson

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_SHAPE = '{"messages": [{"role": "user", "content": "..."}]}'


class UnusableLine(Exception):
    """The line is no chat that can be sent. ``reason`` is a code of ``elements.reasons``, ``detail`` says it for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def parse_row(line: bytes) -> tuple[ChatMessage, ...]:
    """The messages of one JSONL line. Raises UnusableLine."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _not_json(line, error) from None
    if not isinstance(fields, dict):
        raise UnusableLine(reasons.NOT_AN_OBJECT, f"the line is a JSON {_kind(fields)}; each line must be an object {_SHAPE}")
    listed = fields.get("messages")
    if not isinstance(listed, list) or not listed:
        found = f"its keys are {', '.join(map(repr, list(fields)[:8]))}" if fields else "it has no keys"
        what = "has no 'messages'" if listed is None else "'messages' is empty or no list"
        raise UnusableLine(reasons.NO_MESSAGES, f"the object {what} ({found}); expected {_SHAPE}")
    messages = tuple(_message(item, place) for place, item in enumerate(listed, 1))
    _check_order(messages)
    return messages


def _not_json(line: bytes, error: orjson.JSONDecodeError) -> UnusableLine:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return UnusableLine(reasons.NOT_UTF8, f"byte {wrong.start + 1} of the line is not UTF-8; save the file as UTF-8")
    return UnusableLine(reasons.INVALID_JSON, f"not valid JSON: {error}")


def _message(item: Any, place: int) -> ChatMessage:
    if not isinstance(item, dict):
        raise UnusableLine(reasons.BAD_MESSAGE, f"message {place} is a JSON {_kind(item)}, not an object with role and content")
    role = item.get("role")
    known = _ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        raise UnusableLine(reasons.UNKNOWN_ROLE, f"message {place} has the role {role!r}; known are system, user and assistant")
    content = item.get("content")
    if not isinstance(content, str):
        raise UnusableLine(reasons.CONTENT_NOT_TEXT, f"the content of message {place} ({role}) is a JSON {_kind(content)}; expected text")
    return ChatMessage(known, content)


def _check_order(messages: tuple[ChatMessage, ...]) -> None:
    expected = "user"
    for place, message in enumerate(messages, 1):
        if message.role == "system":
            if place == 1:
                continue
            raise UnusableLine(reasons.WRONG_ORDER, f"message {place} is a system message; only the first may be one")
        if message.role != expected:
            raise UnusableLine(
                reasons.WRONG_ORDER,
                f"message {place} is from {message.role} where {expected} is due; user and assistant must take turns, user first",
            )
        if message.role == "user" and not message.content.strip():
            raise UnusableLine(reasons.NO_USER_MESSAGE, f"the user message {place} is empty; there is nothing to ask")
        expected = "assistant" if expected == "user" else "user"
    if not any(message.role == "user" for message in messages):
        raise UnusableLine(reasons.NO_USER_MESSAGE, "there is no user message; there is nothing to ask")


def _kind(value: Any) -> str:
    names = {dict: "object", list: "list", str: "string", bool: "boolean", int: "number", float: "number"}
    return "null" if value is None else names[type(value)]
