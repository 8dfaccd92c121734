"""A number with its noun, as a person would write it."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 example``, ``1,234 examples``. ``many`` is for nouns that take more than an s: ``counted(2, "retry", "retries")``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
