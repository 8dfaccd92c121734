"""A message's answer, thinking and refusal, from content of any shape: a text, parts, or JSON that the server has parsed."""

from __future__ import annotations

import orjson

_TEXT_KEYS = ("text", "output_text", "content", "value", "parts")
_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details", "thinking_blocks")
"""Fields of a message with its thinking: vLLM and DeepSeek, OpenRouter and newer vLLM, Ollama, OpenRouter, LiteLLM."""
_THOUGHT_KEYS = ("text", "thinking", "reasoning", "summary", "content")


def content_of(value: object) -> str | None:
    """The text of a message's content; None if there is none.

    Parts are joined, without thinking parts. A number, or an object that is not a part, is the model's text parsed as JSON by the server:
    it becomes text again.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        if not value:
            return None
        if not any(map(_is_part, value)):
            return orjson.dumps(value).decode()
        return "".join(_said(part) for part in value)
    return _said(value) if _is_part(value) else orjson.dumps(value).decode()


def thought_of(message: dict[str, object]) -> str | None:
    """The thinking in a separate field or among the content's parts; Mistral has it there, as a list of parts."""
    for name in _THOUGHT_FIELDS:
        value = message.get(name)
        thought = _thinking(value) if value else ""
        if thought:
            return thought
    content = message.get("content")
    parts = [part for part in content if _is_thought(part)] if isinstance(content, list) else []
    return "".join(map(_thinking, parts)) or None


def refusal_of(message: dict[str, object]) -> str | None:
    """The model's refusal, with or without content."""
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        return refusal
    content = message.get("content")
    parts = [part.get("refusal") for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return next((part for part in parts if isinstance(part, str) and part.strip()), None)


def _is_part(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_is_part, value))
    return isinstance(value, str) or (isinstance(value, dict) and ("type" in value or any(key in value for key in _TEXT_KEYS)))


def _is_thought(part: object) -> bool:
    if not isinstance(part, dict):
        return False
    kind = part.get("type")
    return part.get("thought") is True or (isinstance(kind, str) and ("thinking" in kind or "reasoning" in kind))


def _said(part: object) -> str:
    """The text of one part, sometimes nested (``{"text": {"value": "..."}}``); empty for a picture or thinking."""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "".join(map(_said, part))
    if not isinstance(part, dict) or _is_thought(part):
        return ""
    return next((_said(part[key]) for key in _TEXT_KEYS if part.get(key)), "")


def _thinking(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_thinking, value))
    if not isinstance(value, dict):
        return ""
    return next((thought for key in _THOUGHT_KEYS if (thought := _thinking(value.get(key)))), "")
