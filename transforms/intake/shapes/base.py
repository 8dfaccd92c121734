"""The interface of every shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Protocol

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.intake.formats.base import UnreadableValue
from transforms.intake.unusable import UnusableRecord, named


class RowShape(Protocol):
    """One shape of rows that is recognised without a setting. ``columns`` are all that it uses."""

    columns: ClassVar[frozenset[str]]

    def fits(self, names: Collection[str]) -> bool:
        """Whether a record with these columns is certain to be of this shape."""
        ...

    def chat(self, fields: Mapping[str, Any]) -> tuple[ChatMessage, ...]:
        """The messages of a record that fits, its known answer last. Raises UnusableRecord."""
        ...


def text_in_column(fields: Mapping[str, Any], name: str) -> str | None:
    """The text of a column; None if it is missing or empty. Raises UnusableRecord for another type."""
    value = fields.get(name)
    if isinstance(value, UnreadableValue):
        raise value.refusal()
    if value is None or value == "" or value == [] or value == {}:
        return None
    if not isinstance(value, str):
        raise UnusableRecord(reasons.CONTENT_NOT_TEXT, f"the column {name!r} is {named(value)}; expected text")
    return value
