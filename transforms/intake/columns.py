"""From the fields of a record to a chat: a column that holds one, or templates over the columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from transforms.elements import reasons
from transforms.elements.plan import ColumnSpec
from transforms.elements.rows import ChatMessage
from transforms.intake.rows import UnusableRecord, chat_messages
from transforms.intake.templates import ColumnTemplate, listed


class RowColumns:
    """Makes the chats of a run's rows. Raises BadTemplate."""

    def __init__(self, spec: ColumnSpec) -> None:
        self._messages = spec.messages
        self._label = spec.label
        self._user = ColumnTemplate("user_template", spec.user_template) if spec.user_template is not None else None
        self._system = ColumnTemplate("system_template", spec.system_template) if spec.system_template is not None else None
        templates = [template for template in (self._user, self._system) if template is not None]
        self._templates = templates

    @property
    def looked_at(self) -> frozenset[str] | None:
        """The columns that count; None when all of them may."""
        names = {self._label} if self._label is not None else set()
        if not self._templates:
            # without it, what a row has instead is said, so all are wanted
            return None
        for template in self._templates:
            if template.columns is None:
                return None
            names |= template.columns
        return frozenset(names)

    def problems(self, columns: list[str]) -> list[str]:
        """What the settings name and a file with these columns lacks."""
        said = []
        for name, template in (("user_template", self._user), ("system_template", self._system)):
            missing = template.missing(columns) if template is not None else []
            if missing:
                said.append(f"{name} names {', '.join(missing)}, which is not there; {listed(columns)}")
        if self._user is not None and self._user.columns == frozenset():
            said.append(f"user_template names no column, so every row would ask the same; write columns {{{{ like_this }}}}; {listed(columns)}")
        if not self._templates and self._messages not in columns:
            said.append(
                f"messages_column: there is no column {self._messages!r}; {listed(columns)}. "
                "Name the column that holds the chat, or make one from the others with user_template"
            )
        if self._label is not None and self._label not in columns:
            said.append(f"label_column: there is no column {self._label!r}; {listed(columns)}")
        return said

    def chat(self, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """The messages of a record, without the label from its own column. Raises UnusableRecord."""
        if self._user is not None:
            return self._from_templates(self._user, fields)
        name = self._messages
        try:
            value = fields[name]
        except KeyError:
            keys = ", ".join(repr(str(key)[:40]) for key in list(fields)[:5]) or "no keys"
            raise UnusableRecord(
                reasons.NO_MESSAGES,
                f'the row has no "{name}" (it has {keys}); expected {{"{name}": [{{"role": "user", "content": "..."}}, ...]}}. '
                "Another column may be named with messages_column, and user_template makes a prompt from columns",
            ) from None
        if isinstance(value, str):
            value = _from_text(value)
        return chat_messages(value, name)

    def with_label(self, messages: tuple[ChatMessage, ...], fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """The chat with the label of the label column as its last answer, where the row has one."""
        if self._label is None:
            return messages
        label = fields.get(self._label)
        if label is None or label == "":
            return messages
        question = messages[:-1] if messages[-1].role == "assistant" else messages
        return (*question, ChatMessage("assistant", str(label)))

    def _from_templates(self, user: ColumnTemplate, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        asked = user.render(fields)
        if not asked.strip():
            raise UnusableRecord(
                reasons.EMPTY_USER_MESSAGE, "user_template gives an empty message for this row; the teacher needs something to answer"
            )
        if self._system is None:
            return (ChatMessage("user", asked),)
        return (ChatMessage("system", self._system.render(fields)), ChatMessage("user", asked))


def _from_text(text: str) -> object:
    """A chat that a file keeps as JSON text; other text as it is, for the error to say."""
    if not text.lstrip().startswith("["):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnusableRecord(
            reasons.INVALID_JSON, f"the messages are text that begins like a JSON list and is not one: {error.msg} at character {error.colno}"
        ) from None
