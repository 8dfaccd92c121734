"""Numbers as a person would write them."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 example``, ``1,234 examples``. ``many`` is for irregular plurals: ``counted(2, "retry", "retries")``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """``0:07``, ``12:34`` or ``3:05:09``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
