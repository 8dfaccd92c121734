"""Text that every file can hold."""

from __future__ import annotations


def storable_text(text: str) -> str:
    """The text without characters that UTF-8 cannot encode, such as the bytes of a file name in another encoding."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # half of a surrogate pair
        return text.encode("utf-8", "replace").decode("utf-8")
