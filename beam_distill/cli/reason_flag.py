"""``--reason``: which codes a person may choose answers and rejects by, and what is said of any other."""

from __future__ import annotations

import difflib

from transforms.elements.reasons import ANSWER_REASONS, REASONS


def chosen_reasons(given: list[str]) -> tuple[str, ...]:
    """The codes given, each once; commas separate them too."""
    return tuple(dict.fromkeys(code for text in given for code in text.split(",") if code))


def reason_problem(code: str, not_asked: str, without_request: frozenset[str]) -> str | None:
    """What is wrong with a code, for a person; None when nothing is.

    ``without_request`` are reasons of rows that the command cannot do anything about, for nothing was sent for them; ``not_asked`` says,
    after "rows rejected for CODE", why, and what to do instead.
    """
    if code in without_request:
        return f"reason: rows rejected for {code} {not_asked}"
    if code in REASONS:
        return None
    near = difflib.get_close_matches(code, REASONS, n=1, cutoff=0.5)
    return f"reason: {code!r} is not a reason; {f'did you mean {near[0]}?' if near else 'reasons of answers are ' + ', '.join(ANSWER_REASONS)}"
