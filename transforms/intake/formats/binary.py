"""Decodes binary values: they are nearly always strings that their writer did not mark as strings."""

from __future__ import annotations

from typing import Any

from transforms.elements import reasons
from transforms.intake.formats.base import UnreadableValue


def text_in(value: Any, column: str) -> Any:
    """The value with all bytes in it decoded; an UnreadableValue if they are not UTF-8."""
    try:
        return _decoded(value)
    except UnicodeDecodeError as error:
        return UnreadableValue(
            reasons.NOT_UTF8,
            f"the column {column!r} holds bytes that are not UTF-8 (0x{error.object[error.start]:02x} at byte {error.start + 1:,}); "
            "expected text. Save it as UTF-8, or use another column",
        )


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, dict):
        return {name: _decoded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, tuple):  # an entry of a map
        return tuple(map(_decoded, value))
    return value
