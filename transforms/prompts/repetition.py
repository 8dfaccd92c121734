"""Texts that end in a loop: the same words, or nothing but space, up to the token limit. A higher limit pays for more of it."""

from __future__ import annotations

LONGEST_LOOPED = 300
"""Letters: a sentence or two."""
LEAST_LENGTH = 200
LEAST_TIMES = 8
"""A table or a list of like lines, cut off, may repeat itself less often."""


def looped_end(text: str) -> str | None:
    """What a text repeats at its end, ``""`` for space; None if it does not."""
    if len(text) - len(text.rstrip()) >= LEAST_LENGTH // 2:
        return ""
    for length in range(1, min(LONGEST_LOOPED, len(text) // LEAST_TIMES) + 1):
        end = text[-max(LEAST_LENGTH, LEAST_TIMES * length) :]
        if text[-1 - length] == text[-1] and len(end) >= LEAST_LENGTH and end[length:] == end[:-length]:
            return end[-length:]
    return None
