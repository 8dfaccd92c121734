"""Why a record gives no row, and what JSON values are called when that is said."""

from __future__ import annotations

from transforms.elements import reasons

OBJECT = 'expected an object, {"messages": [...]} or one with the columns that a template takes'
"""What a record must be before anything is taken out of it."""


class UnusableRecord(reasons.Rejection):
    """A line or record that gives no row; the next ones may."""


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
