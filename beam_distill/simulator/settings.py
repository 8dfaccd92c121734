"""How the simulated teacher behaves. Same settings, same seed: same behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

TRANSPORT_FAULTS = ("429", "500", "503", "reset", "hang", "truncated_body", "non_json", "empty_choices", "error_in_200")
"""Drawn again for every attempt of a payload: another try may fare better."""
ANSWER_FAULTS = ("null_content", "length", "content_filter", "content_filter_400", "context_length_400", "prose", "fenced")
"""Drawn once per payload: every attempt meets the same."""
STREAM_FAULTS = ("stream_gap", "stream_break", "stream_error", "stream_no_done")
"""Drawn again for every attempt that is streamed; the first three come in the middle of the answer."""
FAULTS = TRANSPORT_FAULTS + ANSWER_FAULTS


def mixed_faults(share: float) -> dict[str, float]:
    """``share`` of all requests faulty, spread evenly over every fault but ``hang``, which costs a client its whole timeout."""
    kinds = [kind for kind in FAULTS if kind != "hang"]
    return {kind: share / len(kinds) for kind in kinds}


@dataclass(frozen=True, slots=True)
class Latency:
    """How long an answer takes.

    ``mode``: ``zero``; ``fixed`` (``mean_ms``); ``lognormal`` (mean ``mean_ms``, shape ``sigma``); ``per_token`` (``prefill_ms``, then each
    token ``token_ms`` + ``load_token_ms`` x requests running, as continuous batching does). ``completion_tokens`` above 0 draws the
    reported length of answers from a lognormal of that mean and ``completion_sigma``.
    """

    mode: str = "zero"
    mean_ms: float = 0.0
    sigma: float = 0.6
    prefill_ms: float = 0.0
    token_ms: float = 10.0
    load_token_ms: float = 0.0
    completion_tokens: float = 0.0
    completion_sigma: float = 0.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """What runs at a time. ``slots`` run, the rest waits silently; ``queue_limit`` waiting, the rest gets 429. None: no bound.

    ``steps`` changes the slots so many seconds after the first request; in ``outages`` (from, to in seconds) everything gets 503.
    """

    slots: int | None = None
    queue_limit: int | None = None
    steps: tuple[tuple[float, int], ...] = ()
    outages: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Budgets as token buckets that refill evenly. ``burst`` is the requests bucket's size (default: a minute's, or a second's worth).

    ``hint`` is what a 429 says: ``none``, ``seconds``, ``ms`` or ``date``. ``headers`` adds x-ratelimit-* to every response.
    """

    requests_per_second: float | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    burst: float | None = None
    hint: str = "seconds"
    headers: bool = False


@dataclass(frozen=True, slots=True)
class StreamBehaviour:
    """How an answer is streamed to who asks for that.

    ``support``: ``yes``; ``ignored`` (it comes in one piece); ``refused`` and ``options_refused`` (400 to ``stream``, to ``stream_options``).
    ``keep_alive_s``: a comment every so many seconds; None sends none. ``gap_s``: the silence of the fault ``stream_gap``.
    """

    support: str = "yes"
    keep_alive_s: float | None = None
    gap_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Everything about one simulated endpoint. ``faults`` maps kinds to probabilities; ``reasoning`` is none, think or field.

    No key is good from ``key_expires_after_s`` seconds after the first request on.
    ``thinking_tokens``: how long the reasoning is, 0 for a few words.
    ``cached_share`` of a prompt's tokens are reported as cached, ``reasoning_share`` of an answer's as reasoning, as far as they are whole.
    ``answers`` has the right answers by user message; where there is none, answers are made up.
    """

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 0
    models: tuple[str, ...] = ("simulated-teacher",)
    api_key: str | None = None
    key_expires_after_s: float | None = None
    latency: Latency = Latency()
    capacity: Capacity = Capacity()
    limits: RateLimits = RateLimits()
    faults: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    reasoning: str = "none"
    thinking_tokens: int = 0
    streams: StreamBehaviour = StreamBehaviour()
    cached_share: float = 0.0
    reasoning_share: float = 0.0
    requires_max_completion_tokens: bool = False
    hang_s: float = 3600.0
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
