"""``{"prompt": "...", "completion": "..."}`` of OpenAI's and TRL's trainings; both may be lists of messages.

Of preferences, ``{"prompt": ..., "chosen": ..., "rejected": ...}``, the chosen answer is the completion.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.intake.chat_column import chat_of
from transforms.intake.content import readable
from transforms.intake.refusal import UnusableRecord
from transforms.intake.shapes.base import text_in_column


class PromptCompletion:
    """The completion is the known answer. A prompt alone may be a part of something else, so both columns are required."""

    columns: ClassVar[frozenset[str]] = frozenset({"prompt", "completion", "chosen"})

    def fits(self, names: Collection[str]) -> bool:
        """By both columns."""
        return "prompt" in names and ("completion" in names or "chosen" in names)

    def chat(self, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """The prompt and its completion. Raises UnusableRecord."""
        known = "completion" if "completion" in fields else "chosen"
        prompt, completion = fields["prompt"], fields.get(known)
        if isinstance(prompt, list):
            return chat_of([*prompt, *(completion if isinstance(completion, list) else ())], "prompt")
        asked, answer = text_in_column(fields, "prompt"), text_in_column(fields, known)
        if asked is None or not asked.strip():
            raise UnusableRecord(reasons.EMPTY_USER_MESSAGE, 'the "prompt" is empty; the teacher needs something to answer')
        messages = (ChatMessage("user", readable(asked, "the prompt")),)
        return messages if answer is None else (*messages, ChatMessage("assistant", readable(answer, f"the {known} answer")))
