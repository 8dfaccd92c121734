"""What a file holds for a row to the messages of a chat, or the reason why not."""

from __future__ import annotations

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
"""Roles that a row may use, and what they become: ``developer`` is the newer name of ``system``."""

_FOLLOWS = frozenset({(None, "system"), (None, "user"), ("system", "user"), ("user", "assistant"), ("assistant", "user")})
"""The roles that may follow one another."""

OBJECT = 'expected an object, {"messages": [...]} or one with the columns that a template takes'
"""What a record must be before anything is taken out of it."""


class UnusableRecord(reasons.Rejection):
    """A line or record that gives no row; the next ones may."""


def chat_messages(value: object, name: str = "messages") -> tuple[ChatMessage, ...]:
    """The messages of a chat from what JSON gives for them. Raises UnusableRecord.

    A chat is at most one system message, then user and assistant in turn, beginning with user.
    """
    if not isinstance(value, list):
        raise UnusableRecord(reasons.NO_MESSAGES, f'"{name}" is {named(value)}; expected a list of messages')
    if not value:
        raise UnusableRecord(reasons.NO_MESSAGES, f'"{name}" is an empty list; give the row at least one user message')
    messages = []
    previous: str | None = None
    for place, item in enumerate(value, start=1):
        message = _message(place, len(value), item)
        role = message.role
        if (previous, role) not in _FOLLOWS:
            raise _wrong_order(place, len(value), role, previous)
        messages.append(message)
        previous = role
    if previous == "system":
        raise UnusableRecord(
            reasons.NO_USER_MESSAGE,
            "the row holds a system message only; add the user message that the teacher is to answer",
        )
    return tuple(messages)


def _message(place: int, count: int, item: object) -> ChatMessage:
    if not isinstance(item, dict):
        raise UnusableRecord(
            reasons.BAD_MESSAGE,
            f'message {place} of {count} is {named(item)}; expected an object with "role" and "content"',
        )
    role = item.get("role")
    known = ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        raise _unknown_role(place, count, item)
    content = item.get("content")
    if not isinstance(content, str):
        found = named(content) if "content" in item else "missing"
        raise UnusableRecord(
            reasons.CONTENT_NOT_TEXT,
            f'the "content" of message {place} of {count} ({known}) is {found}; expected text. '
            "Put the parts of a message together into one string; only text can be distilled",
        )
    if known == "user" and not content.strip():
        raise UnusableRecord(
            reasons.EMPTY_USER_MESSAGE,
            f"message {place} of {count} (user) is empty; the teacher needs something to answer",
        )
    return ChatMessage(known, content)


def _unknown_role(place: int, count: int, item: dict[object, object]) -> UnusableRecord:
    expected = "expected system, user or assistant"
    if "role" not in item:
        return UnusableRecord(reasons.UNKNOWN_ROLE, f'message {place} of {count} has no "role"; {expected}')
    role = item["role"]
    if not isinstance(role, str):
        return UnusableRecord(reasons.UNKNOWN_ROLE, f'the "role" of message {place} of {count} is {named(role)}; {expected}')
    nearest = ROLES.get(role.strip().lower())
    advice = f'; write "{nearest}", in lower case and without spaces' if nearest else ""
    if role in ("tool", "function"):
        advice = "; chats with tool calls cannot be distilled: leave these rows out"
    return UnusableRecord(reasons.UNKNOWN_ROLE, f"message {place} of {count} has the role {role[:40]!r}; {expected}{advice}")


def _wrong_order(place: int, count: int, role: str, previous: str | None) -> UnusableRecord:
    if role == "system":
        what = "a system message may stand only once, at the beginning"
    elif previous in (None, "system"):
        what = "a chat begins with a user message, after the system message if there is one"
    else:
        what = "user and assistant take turns; join neighbours of the same role into one message"
    after = f"follows {previous}" if previous else "comes first"
    return UnusableRecord(reasons.WRONG_ORDER, f"message {place} of {count} ({role}) {after}; {what}")


def named(value: object) -> str:
    """What a JSON value is, in the words of JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"
