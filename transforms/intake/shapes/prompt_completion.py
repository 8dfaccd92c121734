"""``{"prompt": "...", "completion": "..."}`` of OpenAI's and TRL's trainings; both may be lists of messages.

Of preferences, ``{"prompt": ..., "chosen": ..., "rejected": ...}``, the chosen answer is the completion.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.intake.chat_column import chat_in_text, chat_of
from transforms.intake.content import readable
from transforms.intake.shapes.base import text_in_column
from transforms.intake.unusable import UnusableRecord


class PromptCompletion:
    """The completion is the known answer. A prompt alone may be a part of something else, so both columns are required.

    A chosen answer that is a chat from its beginning, as TRL's implicit prompts and UltraFeedback have it, is the whole chat.
    """

    columns: ClassVar[frozenset[str]] = frozenset({"prompt", "completion", "chosen", "rejected", "system"})

    def fits(self, names: Collection[str]) -> bool:
        """By both columns, or two answers to choose from."""
        return "completion" in names or "chosen" in names if "prompt" in names else "chosen" in names and "rejected" in names

    def chat(self, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """The prompt and its completion. Raises UnusableRecord."""
        known = "completion" if "completion" in fields else "chosen"
        prompt, completion = _as_chat(fields.get("prompt")), _as_chat(fields.get(known))
        if isinstance(completion, list) and ("prompt" not in fields or _begins_with_question(completion)):
            return _with_system(fields, chat_of(completion, known))
        if "prompt" not in fields:
            raise UnusableRecord(reasons.NO_MESSAGES, f'the row has no "prompt" and no list of messages as "{known}"')
        if isinstance(prompt, list):
            answers = completion if isinstance(completion, list) else [{"role": "assistant", "content": completion}] if completion else []
            return _with_system(fields, chat_of([*prompt, *answers], "prompt"))
        asked = text_in_column(fields, "prompt")
        if asked is None or not asked.strip():
            raise UnusableRecord(reasons.EMPTY_USER_MESSAGE, 'the "prompt" is empty; the teacher needs something to answer')
        if isinstance(completion, list):
            return _with_system(fields, chat_of([{"role": "user", "content": asked}, *completion], known))
        answer = text_in_column(fields, known)
        question = ChatMessage("user", readable(asked, "the prompt"))
        messages = (question,) if answer is None else (question, ChatMessage("assistant", readable(answer, f"the {known} answer")))
        return _with_system(fields, messages)


def _as_chat(value: object) -> object:
    return (chat_in_text(value) or value) if isinstance(value, str) else value


def _begins_with_question(messages: list[Any]) -> bool:
    return bool(messages) and isinstance(messages[0], dict) and messages[0].get("role") in ("system", "user")


def _with_system(fields: Mapping[str, Any], messages: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
    """The chat with the ``system`` column of Bedrock's rows first, if it has no system message."""
    system = text_in_column(fields, "system")
    if system is None or messages[0].role == "system":
        return messages
    return (ChatMessage("system", readable(system, 'the column "system"')), *messages)
