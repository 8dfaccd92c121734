"""Warnings about answers that are complete but may not be what was asked for, from the counters of the scoring processes."""

from __future__ import annotations

import json
import shlex
from typing import Any

from transforms.elements.counter_names import (
    ANSWERED_AS,
    ANSWERS_ALIKE,
    ANSWERS_CACHED,
    ANSWERS_FRAMED,
    IDS_NOT_UNIQUE,
    PROMPTS_CUT,
    PROMPTS_ECHOED,
    STOPPED_AT_LIMIT,
    TURNS_INVENTED,
)
from transforms.teacher.signs.invented_turns import stop_text
from transforms.teacher.signs.other_models import plain_name

MOST_STOPS = 4
"""More are refused by most endpoints."""
INVENTED_SHARE = 0.01
"""A dialogue in fewer answers than this may have been asked for."""
ALIKE_SHARE, FEWEST_ALIKE = 0.03, 5
"""Conversations end in the same words now and then."""
ECHOED_SHARE, FEWEST_ECHOED = 0.1, 3
FRAMED_SHARE, FEWEST_FRAMED = 0.02, 3
LIMIT_SHARE, FEWEST_AT_LIMIT = 0.01, 2
"""By chance one answer in a thousand or so has exactly as many tokens as it may have."""

_QUESTIONS = "these rows have answers to other questions"
_SAMPLES = (
    "a repeated response is no further sample and no further vote, and rows may have answers to other questions. LiteLLM asks its cache for "
    'nothing with --extra_body \'{"cache": {"no-cache": true}}\' (a run with it sends every row again)'
)


def sign_warnings(
    metrics: dict[str, Any], model: str | None, stop: tuple[str, ...], has_samples: bool = False, are_summaries: bool = False
) -> list[str]:
    """A sentence for each sign that was found.

    ``model`` is the requested one, ``stop`` the job's stop texts, ``has_samples``: rows may be asked several times. ``are_summaries``: answers
    are to hold a text alone.
    """
    answered = metrics.get("requests_answered", 0)
    warnings = [_other_models(names, model) for names in _names_by_endpoint(metrics) if len(names) > 1]
    cut = metrics.get(PROMPTS_CUT, 0)
    if cut:
        warnings.append(
            f"{_of(cut, answered)} are to prompts that the server seems to have cut: it reports too few tokens for their text, so the teacher "
            "did not read all of it. Serve the model with a longer context (num_ctx of Ollama, --ctx-size of llama.cpp), or shorten the rows"
        )
    cached = metrics.get(ANSWERS_CACHED, 0)
    if cached and not metrics.get(IDS_NOT_UNIQUE, 0):
        warnings.append(
            f"{_of(cached, answered)} have the id and the text of an answer to another request{' or sample' * has_samples}: a gateway in front "
            f"of the teacher seems to have a cache. Turn it off: {_SAMPLES if has_samples else _QUESTIONS}"
        )
    warnings += _invented_turns(metrics, answered, stop)
    counters = (ANSWERS_ALIKE, PROMPTS_ECHOED, ANSWERS_FRAMED, STOPPED_AT_LIMIT)
    alike, echoed, framed, at_limit = (metrics.get(name, 0) for name in counters)
    if alike >= max(FEWEST_ALIKE, ALIKE_SHARE * answered):
        warnings.append(
            f"{_of(alike, answered)} to different prompts are the same text, word for word (the log has its beginning). It may be an error "
            "message of a gateway, a mock or a refusal, and not an answer; the check refusal and a check_function refuse such texts"
        )
    if echoed >= max(FEWEST_ECHOED, ECHOED_SHARE * answered):
        warnings.append(
            f"{_of(echoed, answered)} repeat their whole prompt before they go on (unless the rows ask for that). The server seems to return "
            "prompt and completion together: look at return_full_text or echo, and whether it applies a chat template"
        )
    if are_summaries and framed >= max(FEWEST_FRAMED, FRAMED_SHARE * answered):
        warnings.append(
            f"{_of(framed, answered)} have words to the reader before or after the summary, such as 'Here is a summary:' or 'Let me know if', "
            "which the student would learn to write. Ask for the summary alone in the rows' instructions, or refuse such answers with a "
            "check_function"
        )
    if at_limit >= max(FEWEST_AT_LIMIT, LIMIT_SHARE * answered):
        warnings.append(
            f"{_of(at_limit, answered)} have exactly as many tokens as teacher_model_max_new_tokens allows and say that they are complete: the "
            "server seems to call it a stop when it cuts an answer off. Read some of the longest, and raise the limit"
        )
    return warnings


def _of(count: int, answered: int) -> str:
    return f"{count:,} of {max(count, answered):,} answers"


def _names_by_endpoint(metrics: dict[str, Any]) -> list[dict[str, int]]:
    """For each endpoint, its answers by the model that they name; different spellings of a name count together."""
    endpoints: dict[str, dict[str, int]] = {}
    spelled: dict[str, str] = {}
    for counter in sorted(name for name, count in metrics.items() if name.startswith(ANSWERED_AS) and count):
        number, _, name = counter.removeprefix(ANSWERED_AS).partition("_")
        name = spelled.setdefault(plain_name(name), name)
        names = endpoints.setdefault(number, {})
        names[name] = names.get(name, 0) + metrics[counter]
    return list(endpoints.values())


def _other_models(names: dict[str, int], model: str | None) -> str:
    """The requested model is the expected one, or if no answer names it, the most frequent one."""
    requested = next((name for name in names if model is not None and plain_name(name) == plain_name(model)), None)
    expected = requested or max(names, key=lambda name: (names[name], name))
    others = sorted((name for name in names if name != expected), key=lambda name: (-names[name], name))
    shares = [f"{_of(names[others[0]], sum(names.values()))} say they are from {others[0]}"]
    shares += [f"{names[name]:,} from {name}" for name in [*others[1:], expected]]
    return (
        f"{', '.join(shares)}. The endpoint seems to be a gateway that routes or falls back to other models. "
        "If only one is to be the teacher, turn that off for this key or route"
    )


def _invented_turns(metrics: dict[str, Any], answered: int, stop: tuple[str, ...]) -> list[str]:
    """One sentence with the stop texts for what was found, if it is in more than a few answers."""
    found = {name.removeprefix(TURNS_INVENTED): count for name, count in metrics.items() if name.startswith(TURNS_INVENTED) and count}
    total = sum(found.values())
    if total < 2 or total < INVENTED_SHARE * answered:
        return []
    texts = [stop_text(name) for name in sorted(found, key=lambda name: (-found[name], name))]
    stops = shlex.quote(json.dumps([*stop, *(text for text in texts if text not in stop)][:MOST_STOPS], ensure_ascii=False))
    return [
        f"{_of(total, answered)} go on with a turn of the user that the teacher invented (or are dialogues, if the rows ask for some). "
        f"The teacher's chat template or end mark may be wrong; --teacher_model_stop {stops} ends such answers in time "
        "(a run with it sends every row again, so try it with a small --limit first)"
    ]
