"""The value in a file to the messages of a chat, or the reason why not."""

from __future__ import annotations

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.intake.content import readable, refuse_tool_calls, text_of
from transforms.intake.unusable import UnusableRecord, named

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
"""Roles that a row may use, and what they become: ``developer`` is the newer name of ``system``."""

SHARED_ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("human", "user", "prompter"), "user"),
    **dict.fromkeys(("gpt", "chatgpt", "gpt-4", "gpt4", "bing", "bard", "gemini", "claude", "model", "bot", "chatbot", "ai"), "assistant"),
    "assistant": "assistant",
}
"""Names under ``from`` in ShareGPT's shape, in any case, as several services export them."""

_TOOL_ROLES = frozenset(
    {"tool", "function", "function_call", "function-call", "function_response", "observation", "tool_call", "tool_response", "ipython"}
)

_CONTENT_KEYS = ("content", "value", "parts")
"""Where the text of a message is; the last is Gemini's."""

_FOLLOWS = frozenset({(None, "system"), (None, "user"), ("system", "user"), ("user", "assistant"), ("assistant", "user")})
"""The roles that may follow one another."""


def chat_messages(value: object, name: str = "messages", any_role: bool = False) -> tuple[ChatMessage, ...]:
    """The messages of a chat from a JSON value; ``any_role`` accepts SHARED_ROLES also under ``role``. Raises UnusableRecord.

    A chat is at most one system message, then user and assistant in turn, beginning with user.
    """
    if not isinstance(value, list):
        raise UnusableRecord(reasons.NO_MESSAGES, f'"{name}" is {named(value)}; expected a list of messages')
    if not value:
        raise UnusableRecord(reasons.NO_MESSAGES, f'"{name}" is an empty list; give the row at least one user message')
    messages = []
    previous: str | None = None
    for place, item in enumerate(value, start=1):
        message = _message(place, len(value), item, any_role)
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


def _message(place: int, count: int, item: object, any_role: bool) -> ChatMessage:
    if not isinstance(item, dict):
        raise UnusableRecord(
            reasons.BAD_MESSAGE,
            f'message {place} of {count} is {named(item)}; expected an object with "role" and "content"',
        )
    shared = item.get("role") is None and "from" in item
    role_key, content_key = ("from", "value") if shared else ("role", "content")
    role = item.get(role_key)
    known = None
    if isinstance(role, str):
        known = SHARED_ROLES.get(role.strip().lower()) if shared or any_role else ROLES.get(role)
    if known is None:
        raise _unknown_role(place, count, item, role_key)
    where = f"message {place} of {count} ({known})"
    refuse_tool_calls(item, where)
    if content_key not in item:
        content_key = next((key for key in _CONTENT_KEYS if key in item), content_key)
    content = item.get(content_key)
    if type(content) is str:  # nearly always
        content = readable(content, where)
    elif content_key in item:
        content = text_of(content, where)
    else:
        raise UnusableRecord(reasons.CONTENT_NOT_TEXT, f'the "{content_key}" of {where} is missing; expected text')
    if known == "user" and not content.strip():
        raise UnusableRecord(
            reasons.EMPTY_USER_MESSAGE,
            f"message {place} of {count} (user) is empty; the teacher needs something to answer",
        )
    return ChatMessage(known, content)


def _unknown_role(place: int, count: int, item: dict[object, object], key: str) -> UnusableRecord:
    expected = "expected system, user or assistant" if key == "role" else "expected system, human or gpt"
    if key not in item:
        return UnusableRecord(reasons.UNKNOWN_ROLE, f'message {place} of {count} has no "{key}"; {expected}')
    role = item[key]
    if not isinstance(role, str):
        return UnusableRecord(reasons.UNKNOWN_ROLE, f'the "{key}" of message {place} of {count} is {named(role)}; {expected}')
    plain = role.strip().lower()
    if plain in _TOOL_ROLES:
        return UnusableRecord(
            reasons.TOOL_CALLS,
            f"message {place} of {count} has the role {role[:40]!r}; chats with tool calls cannot be distilled: leave these rows out",
        )
    advice = ""
    if key == "role" and plain in ROLES:
        advice = f'; write "{ROLES[plain]}", in lower case and without spaces'
    elif key == "role" and plain in SHARED_ROLES:
        advice = f'; write "{SHARED_ROLES[plain]}"'
    return UnusableRecord(reasons.UNKNOWN_ROLE, f"message {place} of {count} has the role {role[:40]!r}; {expected}{advice}")


def _wrong_order(place: int, count: int, role: str, previous: str | None) -> UnusableRecord:
    if role == "system":
        what = "a system message may come only once, at the beginning"
    elif previous in (None, "system"):
        what = "a chat begins with a user message, after the system message if there is one"
    else:
        what = "user and assistant take turns; join neighbours of the same role into one message"
    after = f"follows {previous}" if previous else "comes first"
    return UnusableRecord(reasons.WRONG_ORDER, f"message {place} of {count} ({role}) {after}; {what}")
