"""Where the judge's answers are."""

from __future__ import annotations


def judges_folder(folder: str) -> str:
    """The judge's folder in one for the teacher's answers or failures: whatever reads the teacher's never sees them."""
    return f"{folder}/judge"
