"""Texts as sentences of the page."""

from __future__ import annotations


def sentence(text: str) -> str:
    """The text with a capital letter, unless it begins with an address, a path or an identifier."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text
