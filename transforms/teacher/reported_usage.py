"""The tokens of an answer, from the reports of different providers.

Most count like OpenAI: cached tokens are part of ``prompt_tokens``, reasoning tokens part of ``completion_tokens``. Exceptions:

- xAI, and gateways to Gemini, do not count the reasoning in ``completion_tokens``, only in ``total_tokens``
  (docs.x.ai, consumption and rate limits; ai.google.dev, usage metadata: thoughtsTokenCount and candidatesTokenCount).
- Anthropic's ``input_tokens`` does not include tokens read from or written to its cache (platform.claude.com, prompt caching).
- DeepSeek (``prompt_cache_hit_tokens``), Moonshot (``cached_tokens``), SGLang and Perplexity (``reasoning_tokens``) have other fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

MOST_TOKENS = 1_000_000_000
"""A larger count is an error: the tokens count as not reported, so that sums over a job stay within 64 bits."""
_IN_PROMPT = ("prompt_tokens_details", "input_tokens_details")
_IN_COMPLETION = ("completion_tokens_details", "output_tokens_details")
_CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens")
_PLAIN = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})
_WRITTEN_TO_CACHE = "cache_creation_input_tokens"


class ReportedUsage(NamedTuple):
    """The reported counts; None for a missing one."""

    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int
    reasoning_tokens: int


_NOTHING = ReportedUsage(None, None, 0, 0)


def read_usage(reported: object) -> ReportedUsage:
    """The tokens that a response's ``usage`` reports, counted as OpenAI counts them."""
    if not isinstance(reported, dict):
        return _NOTHING
    if reported.keys() <= _PLAIN:  # fast path: many servers report only these
        prompt, completion, total = reported.get("prompt_tokens"), reported.get("completion_tokens"), reported.get("total_tokens")
        if type(prompt) is type(completion) is type(total) is int and total == prompt + completion and 0 <= total <= MOST_TOKENS > prompt >= 0:
            return ReportedUsage(prompt, completion, 0, 0)
    prompt = _first(reported, ("prompt_tokens",))
    completion = _first(reported, ("completion_tokens", "output_tokens"))
    cached = _part(reported, _IN_PROMPT, _CACHED)
    reasoning = _part(reported, _IN_COMPLETION, ("reasoning_tokens",))
    if prompt is None:
        prompt = _first(reported, ("input_tokens",))
        if prompt is not None and _IN_PROMPT[1] not in reported:  # Anthropic: add the tokens read from or written to its cache
            prompt += cached + (_count(reported.get(_WRITTEN_TO_CACHE)) or 0)
    total = _count(reported.get("total_tokens"))
    if prompt is not None and total is not None:
        completion = max(completion or 0, total - prompt)
    elif completion is not None and reasoning > completion:
        completion += reasoning
    return ReportedUsage(prompt, completion, min(cached, prompt or 0), min(reasoning, completion or 0))


def _part(reported: Mapping[str, object], places: tuple[str, ...], names: tuple[str, ...]) -> int:
    for place in places:
        details = reported.get(place)
        if isinstance(details, dict):
            found = _first(details, names)
            if found:
                return found
    return _first(reported, names) or 0


def _first(fields: Mapping[str, object], names: tuple[str, ...]) -> int | None:
    return next((count for name in names if (count := _count(fields.get(name))) is not None), None)


def _count(value: object) -> int | None:
    """A count; some gateways write it as text, or as a float."""
    in_digits = isinstance(value, str) and len(value) <= 10 and value.isascii() and value.isdigit()
    if in_digits or (isinstance(value, float) and value.is_integer()):
        value = int(value)  # type: ignore[call-overload]
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else None
