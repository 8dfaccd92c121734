"""The time to the first token and the token rate of streamed answers, from the counters of a run's scoring processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from transforms.elements.counted import counted


class TokenSpeed(NamedTuple):
    """For ``answers`` streamed answers: the mean time from sending to the first token, including the server's queue, and the tokens a second
    of one answer after that (None if the endpoint reports no usage)."""

    answers: int
    first_token_s: float
    tokens_per_s: float | None


def token_speed(metrics: Mapping[str, Any]) -> TokenSpeed | None:
    """None if no answer was streamed."""
    answers = metrics.get("answers_streamed", 0)
    if not answers:
        return None
    tokens, streaming_ms = metrics.get("streamed_tokens", 0), metrics.get("streaming_ms", 0)
    rate = 1000.0 * tokens / streaming_ms if tokens and streaming_ms else None
    return TokenSpeed(answers, metrics.get("first_token_ms", 0) / answers / 1000.0, rate)


def token_speed_line(metrics: Mapping[str, Any]) -> str:
    """The same as text; empty if no answer was streamed."""
    speed = token_speed(metrics)
    if speed is None:
        return ""
    rate = "" if speed.tokens_per_s is None else f", then {speed.tokens_per_s:,.1f} tokens a second each"
    return f"{counted(speed.answers, 'answer')}: first token after {speed.first_token_s:.1f} s on average{rate}"
