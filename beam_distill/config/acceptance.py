"""Inputs about the checks that an answer must pass."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

from pydantic import BeforeValidator

from beam_distill.config.base import Section, setting
from transforms.acceptance.registry import CHECKS


def _read_checks(value: Any) -> Any:
    """Names in their order, as a list or with commas between them; each once."""
    names = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"expected the names of checks with commas between them, of {', '.join(CHECKS)}")
    read = tuple(dict.fromkeys(name.strip().lower() for name in names))
    for name in read:
        if name not in CHECKS:
            near = difflib.get_close_matches(name, CHECKS, n=1, cutoff=0.5)
            raise ValueError(f"{name!r} is no check; {f'did you mean {near[0]}?' if near else 'there are ' + ', '.join(CHECKS)}")
    return read


CheckNames = Annotated[tuple[str, ...], BeforeValidator(_read_checks)]


class AcceptanceSettings(Section):
    """Which answers become examples."""

    checks: CheckNames = setting(
        (),
        "checks",
        f"what an answer must pass, in this order: {', '.join(CHECKS)}",
        "A usable answer that a check refuses makes a reject with the check's reason; it stays on the ledger, and other checks need no new "
        "answers. docs/quality.md says which to use.",
        True,
    )
    min_answer_words: int | None = setting(None, "checks", "fewest words of an answer", "For the check `length`.", ge=1)
    max_answer_words: int | None = setting(
        None, "checks", "most words of an answer", "For the check `length`. Words are what spaces separate; use characters for Chinese.", ge=1
    )
    min_answer_characters: int | None = setting(None, "checks", "fewest characters of an answer", "For the check `length`.", ge=1)
    max_answer_characters: int | None = setting(None, "checks", "most characters of an answer", "For the check `length`.", ge=1)
