"""Inputs about the checks that an answer must pass."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

from pydantic import BeforeValidator

from beam_distill.config.base import Section, setting
from transforms.acceptance.registry import CHECKS
from transforms.acceptance.selection import Keep


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


def _read_word(value: Any) -> Any:
    return value.strip().lower().replace("-", "_") if isinstance(value, str) else value


CheckNames = Annotated[tuple[str, ...], BeforeValidator(_read_checks)]


class AcceptanceSettings(Section):
    """Which answers become examples."""

    samples: int = setting(
        1,
        "checks",
        "most answers to ask for a row",
        "One after the other, until enough are accepted; in the quiet end of a run, when slots stand empty, several at once. Raising it asks "
        "only what is missing. With a temperature of 0, samples are mostly alike. Each one is paid for.",
        True,
        ge=1,
        le=1000,
    )
    keep: Annotated[Keep, BeforeValidator(_read_word)] = setting(
        Keep.FIRST,
        "checks",
        f"kept of the accepted samples: {', '.join(keep.value for keep in Keep)}",
        "`first` stops at the first accepted one; for the others all samples are asked. `all` and `one_per_answer` write several examples for "
        "a row.",
    )
    votes: int | None = setting(
        None,
        "checks",
        "how many samples must give the same answer",
        "For the check `vote`; more than half of the samples if it is not given. Few votes decide sooner and wrongly more often.",
        ge=2,
    )
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
