"""One line of JSON to the messages of a chat, or the reason why not."""

from __future__ import annotations

import orjson

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
"""Roles that a row may use, and what they become: ``developer`` is the newer name of ``system``."""

_FOLLOWS = frozenset({(None, "system"), (None, "user"), ("system", "user"), ("user", "assistant"), ("assistant", "user")})
"""The roles that may follow one another."""

_SHAPE = 'expected {"messages": [{"role": "user", "content": "..."}, ...]}'


class UnusableLine(reasons.Rejection):
    """A line that gives no row."""


def parse_row(line: bytes) -> tuple[ChatMessage, ...]:
    """The messages of one line of JSON. Raises UnusableLine.

    Keys other than ``messages``, ``role`` and ``content`` are ignored.
    """
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _unreadable(line, error) from None
    if not isinstance(row, dict):
        raise UnusableLine(reasons.NOT_AN_OBJECT, f"the line holds {_name(row)}; {_SHAPE}")
    if "messages" not in row:
        keys = ", ".join(repr(str(key)[:40]) for key in list(row)[:5]) or "no keys"
        raise UnusableLine(reasons.NO_MESSAGES, f'the object has no "messages" (it has {keys}); {_SHAPE}')
    return chat_messages(row["messages"])


def chat_messages(value: object) -> tuple[ChatMessage, ...]:
    """The messages of a chat from what JSON gives for them. Raises UnusableLine.

    A chat is at most one system message, then user and assistant in turn, beginning with user.
    """
    if not isinstance(value, list):
        raise UnusableLine(reasons.NO_MESSAGES, f'"messages" is {_name(value)}; expected a list of messages')
    if not value:
        raise UnusableLine(reasons.NO_MESSAGES, '"messages" is an empty list; give the row at least one user message')
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
        raise UnusableLine(
            reasons.NO_USER_MESSAGE,
            "the row holds a system message only; add the user message that the teacher is to answer",
        )
    return tuple(messages)


def _message(place: int, count: int, item: object) -> ChatMessage:
    if not isinstance(item, dict):
        raise UnusableLine(
            reasons.BAD_MESSAGE,
            f'message {place} of {count} is {_name(item)}; expected an object with "role" and "content"',
        )
    role = item.get("role")
    known = ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        raise _unknown_role(place, count, item)
    content = item.get("content")
    if not isinstance(content, str):
        found = _name(content) if "content" in item else "missing"
        raise UnusableLine(
            reasons.CONTENT_NOT_TEXT,
            f'the "content" of message {place} of {count} ({known}) is {found}; expected text. '
            "Put the parts of a message together into one string; only text can be distilled",
        )
    if known == "user" and not content.strip():
        raise UnusableLine(
            reasons.EMPTY_USER_MESSAGE,
            f"message {place} of {count} (user) is empty; the teacher needs something to answer",
        )
    return ChatMessage(known, content)


def _unknown_role(place: int, count: int, item: dict[object, object]) -> UnusableLine:
    expected = "expected system, user or assistant"
    if "role" not in item:
        return UnusableLine(reasons.UNKNOWN_ROLE, f'message {place} of {count} has no "role"; {expected}')
    role = item["role"]
    if not isinstance(role, str):
        return UnusableLine(reasons.UNKNOWN_ROLE, f'the "role" of message {place} of {count} is {_name(role)}; {expected}')
    nearest = ROLES.get(role.strip().lower())
    advice = f'; write "{nearest}", in lower case and without spaces' if nearest else ""
    if role in ("tool", "function"):
        advice = "; chats with tool calls cannot be distilled: leave these rows out"
    return UnusableLine(reasons.UNKNOWN_ROLE, f"message {place} of {count} has the role {role[:40]!r}; {expected}{advice}")


def _wrong_order(place: int, count: int, role: str, previous: str | None) -> UnusableLine:
    if role == "system":
        what = "a system message may stand only once, at the beginning"
    elif previous in (None, "system"):
        what = "a chat begins with a user message, after the system message if there is one"
    else:
        what = "user and assistant take turns; join neighbours of the same role into one message"
    after = f"follows {previous}" if previous else "comes first"
    return UnusableLine(reasons.WRONG_ORDER, f"message {place} of {count} ({role}) {after}; {what}")


def _unreadable(line: bytes, error: orjson.JSONDecodeError) -> UnusableLine:
    if b"\x00" in line[:8] or line[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return UnusableLine(reasons.NOT_UTF8, "the line looks like UTF-16, not UTF-8. Save the file as UTF-8")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as undecodable:
        place = undecodable.start
        return UnusableLine(reasons.NOT_UTF8, f"byte {place + 1} of the line (0x{line[place]:02x}) is not UTF-8. Save the file as UTF-8")
    if error.pos >= len(text):
        found = "the line ends there, and a row must stand whole on one line"
    else:
        found = f"found {text[error.pos : error.pos + 20]!r}"
    return UnusableLine(reasons.INVALID_JSON, f"not JSON at column {error.colno}: {error.msg}; {found}. {_SHAPE}, on one line")


def _name(value: object) -> str:
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
