"""Why a record gives no row, and the names of JSON values for error messages."""

from __future__ import annotations

from transforms.elements import reasons

OBJECT = 'expected an object, {"messages": [...]} or one with the columns that a template takes'
"""What a record must be."""


class UnusableRecord(reasons.Rejection):
    """A line or record that gives no row; the next ones can still be read."""


def named(value: object) -> str:
    """The JSON name of a value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"
