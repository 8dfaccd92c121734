"""Inputs about the checks that an answer must pass."""

from __future__ import annotations

import difflib
import json
from typing import Annotated, Any

from pydantic import BeforeValidator

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import listed_texts, read_name, read_template, read_word
from transforms.acceptance.registry import CHECKS
from transforms.acceptance.selection import Keep


def _read_checks(value: Any) -> Any:
    """Names in their order, as a list or with commas between them; each once."""
    value = listed_texts(value)
    names = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"expected the names of checks with commas between them, of {', '.join(CHECKS)}")
    read = tuple(dict.fromkeys(name.strip().lower() for name in names))
    for name in read:
        if name not in CHECKS:
            near = difflib.get_close_matches(name, CHECKS, n=1, cutoff=0.5)
            raise ValueError(f"{name!r} is not a check; {f'did you mean {near[0]}?' if near else 'there are ' + ', '.join(CHECKS)}")
    return read


def _read_schema(value: Any) -> Any:
    """The schema as JSON text: from a file, from text, or as the object that a config file has."""
    return json.dumps(value, sort_keys=True) if isinstance(value, (dict, bool)) else read_template(value)


CheckNames = Annotated[tuple[str, ...], BeforeValidator(_read_checks)]


class AcceptanceSettings(Section):
    """Which answers become examples."""

    samples: int = setting(
        1,
        "checks",
        "most answers to ask for a row",
        "One after the other, until enough are accepted; in the quiet end of a run, when slots are free, several at once. Raising it asks "
        "only what is missing. With a temperature of 0, samples are mostly alike. Each one is paid for.",
        True,
        ge=1,
        le=1000,
    )
    keep: Annotated[Keep, BeforeValidator(read_name)] = setting(
        Keep.FIRST,
        "checks",
        f"kept of the accepted samples: {', '.join(keep.value for keep in Keep)}",
        "`first` stops at the first accepted one; for the others all samples are asked. `best` has the highest score of the check `judge`, of "
        "equal ones the first. `all` and `one_per_answer` write several examples for a row.",
    )
    votes: int | None = setting(
        None,
        "checks",
        "how many samples must give the same answer",
        "For the check `vote`; without it, more than half of the samples. With few votes more rows are published, and more of them with a wrong "
        "answer.",
        ge=2,
    )
    checks: CheckNames = setting(
        (),
        "checks",
        "what an answer must pass, with commas: label,length",
        f"In this order, of: {', '.join(f'`{name}`' for name in CHECKS)}. A usable answer that a check refuses makes a reject with the check's "
        "reason; it stays on the ledger, and other checks need no new answers. docs/quality.md says which to use.",
        True,
    )
    label_similarity: float | None = setting(
        None,
        "checks",
        "how alike an answer and its label must be, 0 to 1",
        "For the check `label`, where both are free text. Unset: equal, but for case, space around it and a final full stop. Too small accepts "
        "wrong answers with the same words; numbers, mathematics and listed labels are always compared by what they mean.",
        gt=0,
        le=1,
    )
    answer_language: Annotated[str | None, BeforeValidator(read_word)] = setting(
        None,
        "checks",
        "the language of the answers, such as `en`",
        "For the check `language`. Unset: the language of each question.",
    )
    answer_schema: Annotated[str | None, BeforeValidator(_read_schema)] = setting(
        None, "checks", "JSON Schema of the answers", "For the check `schema`. `@FILE` reads it from a file."
    )
    check_function: str | None = setting(
        None,
        "checks",
        "your own check, as module:function",
        "For the check `python`. It is called with a row (`messages`, `question`, `label`, `turn`, `columns`, `split`, `file`, `line`) and an "
        "answer, and returns True, False or a text that says why not; an error makes a reject with its text. On a cluster every worker needs "
        "the module.",
    )
    min_answer_words: int | None = setting(None, "checks", "fewest words of an answer", "For the check `length`.", ge=1)
    max_answer_words: int | None = setting(
        None, "checks", "most words of an answer", "For the check `length`. Words are what spaces separate; use characters for Chinese.", ge=1
    )
    min_answer_characters: int | None = setting(None, "checks", "fewest characters of an answer", "For the check `length`.", ge=1)
    max_answer_characters: int | None = setting(None, "checks", "most characters of an answer", "For the check `length`.", ge=1)
