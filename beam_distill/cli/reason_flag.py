"""``--reason``: the codes that select answers and rejects, and the message for any other."""

from __future__ import annotations

import difflib

from transforms.elements.reasons import ANSWER_REASONS, REASONS


def chosen_reasons(given: list[str]) -> tuple[str, ...]:
    """The codes given, each once; commas separate them too."""
    return tuple(dict.fromkeys(code for text in given for code in text.split(",") if code))


def reason_problem(code: str, not_asked: str, without_request: frozenset[str]) -> str | None:
    """The message for a wrong code; None for a valid one.

    ``without_request`` are reasons of rows that were never sent, so the command does not apply to them; ``not_asked`` completes
    "rows rejected for CODE" with the explanation and advice.
    """
    if code in without_request:
        return f"reason: rows rejected for {code} {not_asked}"
    if code in REASONS:
        return None
    near = difflib.get_close_matches(code, REASONS, n=1, cutoff=0.5)
    return f"reason: {code!r} is not a reason; {f'did you mean {near[0]}?' if near else 'reasons of answers are ' + ', '.join(ANSWER_REASONS)}"
