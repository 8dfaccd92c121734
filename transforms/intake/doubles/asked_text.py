"""What of a row is compared: what it asks, without its old answers."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import orjson

from transforms.elements.rows import ChatMessage


def asked_messages(messages: Sequence[ChatMessage], several_turns: bool) -> Sequence[ChatMessage]:
    """The row's messages that are sent: all but the old answer at its end, or, in a conversation, all but all old answers."""
    if several_turns:
        return [message for message in messages if message.role != "assistant"]
    return messages[:-1] if messages[-1].role == "assistant" else messages


def asked_digest(messages: Sequence[ChatMessage]) -> int:
    """64 bits of the messages that are sent, with their roles."""
    flat: list[str] = []
    for message in messages:
        flat += message
    return int.from_bytes(blake2b(orjson.dumps(flat), digest_size=8).digest(), "little")


def compared_text(messages: Sequence[ChatMessage], several_turns: bool) -> str:
    """What nearly equal rows are found by: all texts that are sent but the system message."""
    return " ".join(message.content for message in asked_messages(messages, several_turns) if message.role != "system")


def system_text(messages: Sequence[ChatMessage]) -> str:
    """The system message; empty without one. Of two rows it is the same or not, however similar."""
    return messages[0].content if messages[0].role == "system" else ""
