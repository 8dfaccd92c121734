"""Lines of batch files: OpenAI's ``{"custom_id": "...", "body": {"messages": [...]}}``, and others' with their names in its place.

Anthropic has ``params``, Bedrock ``{"recordId": "...", "modelInput": {...}}``, Gemini and Vertex
``{"key": "...", "request": {"contents": [...]}}``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.intake.chat_column import chat_of
from transforms.intake.content import text_of
from transforms.intake.formats.json_value import json_value
from transforms.intake.shapes.gemini import Gemini
from transforms.intake.unusable import UnusableRecord, named

_BODIES = ("body", "params", "modelInput", "request")
_BESIDE_REQUEST = frozenset({"request", "key", "id", "custom_id"})


class BatchRequest:
    """The chat of a request. Its model and sampling parameters are ignored: the run's settings have these."""

    columns: ClassVar[frozenset[str]] = frozenset({"custom_id", "url", *_BODIES})

    def fits(self, names: Collection[str]) -> bool:
        """By its id and the request. A column called request is one where there is nothing else."""
        if "custom_id" in names:
            return any(name in names for name in _BODIES)
        return "modelInput" in names or ("request" in names and _BESIDE_REQUEST.issuperset(names))

    def chat(self, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """The messages of a request for chat completions, responses, Anthropic's messages or Gemini's contents. Raises UnusableRecord."""
        name = next(name for name in _BODIES if name in fields)
        body = fields[name]
        if isinstance(body, str):
            body = json_value(body.encode("utf-8", "surrogatepass"))
        if not isinstance(body, dict):
            raise UnusableRecord(reasons.NO_MESSAGES, f'"{name}" is {named(body)}; expected a request, {{"messages": [...]}}')
        if "contents" in body:
            return Gemini().chat(body)
        url = str(fields.get("url") or "")
        if "messages" in body:
            system, messages = body.get("system"), body["messages"]
        elif "input" in body and url.endswith("/responses"):
            system, messages = body.get("instructions"), body["input"]
            if isinstance(messages, str):
                messages = [{"role": "user", "content": messages}]
        else:
            kind = f" to {url[:60]}" if url else ""
            raise UnusableRecord(
                reasons.NO_MESSAGES,
                f'the request{kind} has no "messages" in its "{name}"; only chats can be distilled, so leave other requests out',
            )
        if system:
            first = {"role": "system", "content": text_of(system, f'the system prompt of "{name}"')}
            messages = [first, *messages] if isinstance(messages, list) else messages
        return chat_of(messages, f"{name}.messages")
