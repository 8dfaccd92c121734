"""The behaviour of the simulated teacher. Same settings, same seed: same behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

TRANSPORT_FAULTS = ("429", "500", "503", "reset", "hang", "truncated_body", "non_json", "empty_choices", "error_in_200")
"""Drawn again for every attempt of a payload: another try may succeed."""
ANSWER_FAULTS = ("null_content", "length", "content_filter", "content_filter_400", "context_length_400", "prose", "fenced")
"""Drawn once per payload: every attempt has the same fault."""
STREAM_FAULTS = ("stream_gap", "stream_break", "stream_error", "stream_no_done")
"""Drawn again for every streamed attempt; the first three happen in the middle of the answer."""
FAULTS = TRANSPORT_FAULTS + ANSWER_FAULTS


def mixed_faults(share: float) -> dict[str, float]:
    """``share`` of all requests are faulty, with all faults equally likely except ``hang``, which costs a client its whole timeout."""
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
    """Concurrency. ``slots`` requests run, the rest waits silently; at most ``queue_limit`` wait, the rest gets 429. None: no bound.

    ``steps`` changes the slots at these seconds after the first request; during ``outages`` (from, to in seconds) every request gets 503.
    """

    slots: int | None = None
    queue_limit: int | None = None
    steps: tuple[tuple[float, int], ...] = ()
    outages: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Budgets as token buckets that refill evenly. ``burst`` is the requests bucket's size (default: a minute's, or a second's worth).

    ``hint`` is the form of a 429's hint: ``none``, ``seconds``, ``ms`` or ``date``. ``headers`` adds x-ratelimit-* to every response.
    """

    requests_per_second: float | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    burst: float | None = None
    hint: str = "seconds"
    headers: bool = False


@dataclass(frozen=True, slots=True)
class StreamBehaviour:
    """How answers are streamed.

    ``support``: ``yes``; ``ignored`` (it is not streamed); ``refused`` and ``options_refused`` (400 to ``stream``, to ``stream_options``).
    ``keep_alive_s``: seconds between comments; None sends none. ``gap_s``: the silence of the fault ``stream_gap``.
    """

    support: str = "yes"
    keep_alive_s: float | None = None
    gap_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a try at a question with a known answer is right.

    ``same_mistakes`` is the share of the tries at one question that share one draw: 0, each try is independent; 1, all tries say the same.
    The share of right answers over all questions is ``right`` with both.
    """

    right: float = 1.0
    same_mistakes: float = 0.0


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """All settings of one simulated endpoint. ``faults`` maps kinds to probabilities; ``reasoning`` is none, think or field.

    From ``key_expires_after_s`` seconds after the first request on, no key is valid.
    ``thinking_tokens``: the length of the reasoning, 0 for a few words.
    ``cached_share`` of a prompt's tokens are reported as cached, ``reasoning_share`` of an answer's as reasoning, rounded down.
    ``answers`` has the right answers by user message; for other messages answers are made up. ``accuracy`` makes
    some of the known ones wrong. ``judge`` is the share of right verdicts on answers that a request shows. ``refuses`` are fields of the request
    that it does not support.
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
    refuses: tuple[str, ...] = ()
    hang_s: float = 3600.0
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    accuracy: Accuracy = Accuracy()
    judge: float = 1.0
