"""The fields of a record to a chat: a column that has one, or templates over the columns."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from transforms.elements import reasons
from transforms.elements.data_specs import ALL_COLUMNS, ColumnSpec
from transforms.elements.rows import ChatMessage
from transforms.intake.chat_column import chat_of
from transforms.intake.content import readable, refuse_missing_media, text_of
from transforms.intake.formats.base import UnreadableValue
from transforms.intake.formats.binary import text_in
from transforms.intake.label_value import label_in
from transforms.intake.missing_words import LONGEST, NEVER_TEXT
from transforms.intake.other_columns import columns_as_json
from transforms.intake.shapes.registry import LOOKED_AT, shape_of
from transforms.intake.template_growth import nested_deeper, written_size
from transforms.intake.templates import MOST_ROW_BYTES, ColumnTemplate, listed
from transforms.intake.unusable import UnusableRecord

_PARTS = re.compile(r"\w+")
_NAMES_OF_LISTS = frozenset({"data", "rows", "records", "examples", "items", "dataset", "train", "validation", "test"})
_MEDIA_COLUMNS = ("image", "images", "video", "videos", "audio", "audios")


def _if_around_all(columns: list[str]) -> str:
    """What to do if the file is one object around the list of the rows, as some tools export it."""
    around = [name for name in columns if name in _NAMES_OF_LISTS]
    return f". If {around[0]!r} is the list of all rows, give that list alone as the file: [{{...}}, {{...}}]" if around else ""


class RowColumns:
    """Makes the chats of a run's rows; a template's message is at most ``max_row_bytes`` long. Raises BadTemplate."""

    def __init__(self, spec: ColumnSpec, max_row_bytes: int = MOST_ROW_BYTES) -> None:
        self._max_row_bytes = max_row_bytes
        self._messages = spec.messages
        self._any_shape = spec.messages == ColumnSpec().messages
        self._label = spec.label
        self._others = spec.others
        self._user, self._system = (
            ColumnTemplate(name, source, max_row_bytes) if source is not None else None
            for name, source in (("user_template", spec.user_template), ("system_template", spec.system_template))
        )
        self._templates = [template for template in (self._user, self._system) if template is not None]

    @property
    def looked_at(self) -> frozenset[str] | None:
        """The columns in use; None when all of them may be."""
        if ALL_COLUMNS in self._others:
            return None
        names = {self._label, *self._others} if self._label is not None else set(self._others)
        if not self._templates:
            return frozenset(names | {self._messages} | (LOOKED_AT if self._any_shape else frozenset()))
        for template in self._templates:
            if template.columns is None:
                return None
            names |= template.columns
        return frozenset(names)

    def problems(self, columns: list[str]) -> list[str]:
        """The columns that the settings name and that are missing in a file with these columns."""
        said = []
        for name, template in (("user_template", self._user), ("system_template", self._system)):
            if template is not None and (missing := template.missing(columns)):
                meant = _meant(template, missing, columns)
                said.append(f"{name} names {', '.join(missing)}, which is not there; {meant}{listed(columns)}")
        if self._user is not None and self._user.columns == frozenset():
            said.append(f"user_template names no column, so every row would ask the same; write columns {{{{ like_this }}}}; {listed(columns)}")
        if not (self._templates or self._messages in columns or (self._any_shape and shape_of(columns) is not None)):
            example = next((name for name in columns if name.isidentifier()), "question")
            said.append(
                f"messages_column: there is no column {self._messages!r}; {listed(columns)}. "
                "Name the column that holds the chat, or make a prompt from the columns with user_template, "
                f"for example --user_template '{{{{ {example} }}}}'{_if_around_all(columns)}"
            )
        if self._label is not None and self._label not in columns:
            said.append(f"label_column: there is no column {self._label!r}; {listed(columns)}")
        missing = [name for name in self._others if name != ALL_COLUMNS and name not in columns]
        if missing:
            said.append(f"keep_columns names {', '.join(map(repr, missing))}, which is not there; {listed(columns)}")
        return said

    def chat(self, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """The messages of a record, without the label from its own column. Raises UnusableRecord."""
        messages = self._from_columns(fields) if self._user is None else self._from_templates(self._user, fields)
        if len(messages) < 4:
            _refuse_missing_word(messages)
        if self._user is not None:
            return messages
        for place, message in enumerate(messages, start=1):
            if "<" in message.content and message.role == "user":
                refuse_missing_media(message.content, any(map(fields.get, _MEDIA_COLUMNS)), f"message {place} of {len(messages)} (user)")
        return messages

    def _from_columns(self, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        name = self._messages
        if name in fields:
            messages = chat_of(fields[name], name)
            return self._with_system(messages, fields) if self._any_shape and "system" in fields else messages
        shape = shape_of(fields) if self._any_shape else None
        if shape is not None:
            return shape.chat(fields)
        keys = ", ".join(repr(str(key)[:40]) for key in list(fields)[:5]) or "no keys"
        raise UnusableRecord(
            reasons.NO_MESSAGES,
            f'the row has no "{name}" (it has {keys}); expected {{"{name}": [{{"role": "user", "content": "..."}}, ...]}}. '
            "Another column may be named with messages_column, and user_template makes a prompt from columns",
        )

    def _with_system(self, messages: tuple[ChatMessage, ...], fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """The chat with the ``system`` column of Anthropic's and Bedrock's rows first, if the chat has no system message."""
        said = fields["system"]
        if messages[0].role == "system" or not said or not isinstance(said, (str, list)):
            return messages
        return (ChatMessage("system", text_of(said, 'the column "system"')), *messages)

    def with_label(self, messages: tuple[ChatMessage, ...], fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """The chat with the label of the label column as its last answer, if the row has one. Raises UnusableRecord."""
        if self._label is None:
            return messages
        label = label_in(fields.get(self._label))
        if label is None or label == "" or (isinstance(label, float) and math.isnan(label)):
            return messages
        question = messages[:-1] if messages[-1].role == "assistant" else messages
        return (*question, ChatMessage("assistant", self._label_text(label)))

    def others(self, fields: Mapping[str, Any]) -> bytes:
        """The row's other columns as a JSON object; empty if none are asked for."""
        if not self._others:
            return b""
        if ALL_COLUMNS not in self._others:
            return columns_as_json(fields, self._others)
        left_out = self._chat_columns(fields).difference(self._others)
        return columns_as_json(fields, (name for name in fields if name not in left_out))

    def _chat_columns(self, fields: Mapping[str, Any]) -> frozenset[str]:
        """The columns that are the chat; what a template uses is not, because it may use a part of them."""
        if self._templates:
            return frozenset()
        if self._messages in fields:
            return frozenset({self._messages})
        shape = shape_of(fields)
        return frozenset() if shape is None else shape.columns

    def _label_text(self, label: Any) -> str:
        where = f"label_column {self._label!r}"
        if isinstance(label, bytes):
            label = text_in(label, str(self._label))
        if isinstance(label, UnreadableValue):
            raise label.refusal()
        if isinstance(label, (list, dict)) and (nested_deeper(label) or written_size(label, self._max_row_bytes) > self._max_row_bytes):
            raise UnusableRecord(reasons.BAD_ROW, f"{where}: the label is nested too deeply or too long; expected a text or a number")
        try:
            return readable(str(label), where)
        except (ValueError, RecursionError, MemoryError) as error:
            raise UnusableRecord(reasons.BAD_ROW, f"{where}: the label cannot be written as text ({type(error).__name__})") from None

    def _from_templates(self, user: ColumnTemplate, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        asked = user.render(fields)
        if not asked.strip():
            raise UnusableRecord(
                reasons.EMPTY_USER_MESSAGE, "user_template gives an empty message for this row; the teacher needs something to answer"
            )
        if user.only_blank:
            raise UnusableRecord(
                reasons.MISSING_VALUE,
                f"user_template writes out nothing of this row: {', '.join(user.only_blank[:5])} is empty. Fill it in, or write "
                "{{ column or '' }} where it may be empty",
            )
        if self._system is None:
            return (ChatMessage("user", asked),)
        return (ChatMessage("system", self._system.render(fields)), ChatMessage("user", asked))


def _meant(template: ColumnTemplate, missing: list[str], columns: list[str]) -> str:
    """How to write the columns whose names a template reads as sums and differences: ``{{ label-coarse }}``."""
    named = template.columns or frozenset()
    names = [
        name for name in columns if not name.isidentifier() and set(missing) & set(parts := _PARTS.findall(name)) and named.issuperset(parts)
    ]
    return "".join(f'write {{{{ row["{name}"] }}}} for the column {name}; ' for name in names[:3])


def _refuse_missing_word(messages: tuple[ChatMessage, ...]) -> None:
    """Raise UnusableRecord for a chat whose only question is a missing value that was written as text."""
    questions = [message.content for message in messages if message.role == "user"]
    if len(questions) == 1 and len(questions[0]) <= LONGEST and questions[0].strip() in NEVER_TEXT:
        raise UnusableRecord(
            reasons.EMPTY_USER_MESSAGE,
            f"the user message is only {questions[0].strip()!r}, a missing value that pandas wrote as text; the teacher needs something to "
            "answer. Fill it in, or drop the row (dropna) before the column is turned into text",
        )
