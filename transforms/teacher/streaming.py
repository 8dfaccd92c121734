"""Whether to stream answers: by their possible length, and learned once from the endpoint's behaviour.

A gateway cuts a connection after a minute or more of silence, and a cut answer is paid for again; so long answers are streamed. Short ones are
not: a stream costs several times the CPU (docs/decisions/0021-streaming-long-answers.md).
"""

from __future__ import annotations

import logging

import orjson

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.teacher.client import ANSWERED, AttemptResult
from transforms.teacher.kinds.registry import KINDS
from transforms.teacher.specs import EndpointSpec, SamplingSpec
from transforms.teacher.stream_spec import StreamAsk, StreamMode, StreamSpec

log = logging.getLogger("beam_distill.teacher")

LONG_ANSWER_TOKENS = 2048
"""About a minute at 35 tokens a second: the shortest time after which gateways cut silent connections."""
LONG_ANSWER_S = 30.0
GATEWAY_TIMEOUTS = frozenset({504, 524})
SHORTEST_GATEWAY_LIMIT_S = 10.0
"""A gateway that gives up earlier is overloaded, or cannot reach the server; the usual limits are 29 s, 30 s, 60 s and 100 s."""
STREAM, STREAM_OPTIONS = "stream", "stream_options"
STREAM_FIELDS = frozenset({STREAM, STREAM_OPTIONS})
MOST_USELESS = 3
"""Failed streams before the first complete one, until the endpoint counts as one that does not stream."""
_UNEXPLAINED = frozenset({FailureKind.BAD_REQUEST, FailureKind.UNCLEAR_REFUSAL, FailureKind.NOT_FOUND})


def streaming_of(spec: StreamSpec, endpoint: EndpointSpec, sampling: SamplingSpec) -> Streaming:
    """The initial state for an endpoint. If the extra body sets ``stream``, that decides."""
    decided = STREAM_FIELDS & orjson.loads(endpoint.extra_body_json).keys()
    return Streaming(spec, KINDS[endpoint.kind].streams and not decided, sampling.max_new_tokens)


class Streaming:
    """How one session's endpoint streams. ``may_stream``: whether its kind can, and the user has not turned it off."""

    def __init__(self, spec: StreamSpec, may_stream: bool, max_new_tokens: int) -> None:
        self._spec = spec
        self._ask = StreamAsk(True, spec.first_token_s, spec.token_gap_s)
        self._is_auto = spec.mode is StreamMode.AUTO
        self._can = may_stream and spec.mode is not StreamMode.OFF
        self._wants = not self._is_auto or max_new_tokens >= LONG_ANSWER_TOKENS
        self._has_streamed = False
        self._useless = 0
        self._is_suspected = False

    @property
    def ask(self) -> StreamAsk | None:
        """How to ask for the next answer; None: unstreamed."""
        return self._ask if self._can and self._wants else None

    @property
    def ask_of_questions(self) -> StreamAsk | None:
        """How to send our test questions: streamed only if the user requires streams, because then a refusal concerns every row."""
        return None if self._is_auto else self.ask

    def answered(self, ask: StreamAsk | None, result: AttemptResult) -> None:
        """An attempt with this ``ask`` was answered."""
        if ask is not None:
            self._has_streamed = self._has_streamed or result.was_stream
            if not self._has_streamed:
                self._fall_back("it answers in one piece")
        elif not self._wants and self._can and result.latency_ms >= 1000 * LONG_ANSWER_S:
            self._wants = True
            log.info("an answer took %.0f s: answers are streamed from now on", result.latency_ms / 1000)

    def answered_only_whole(self) -> None:
        """A request that was refused as a stream, perhaps by another endpoint, was answered unstreamed."""
        if self._is_suspected and not self._has_streamed:
            self._fall_back("it refuses requests for one")

    def learn(self, failure: RequestFailure, ask: StreamAsk | None, after_s: float = 0.0) -> bool:
        """Learn from a failed request. Returns whether it may be sent again at once, with this change or one made meanwhile.

        ``after_s``: how long it took; 0 if it is not to be sent as a stream.
        """
        if ask is None:
            return self._was_too_silent(failure, after_s)
        if failure.kind is FailureKind.PARAMETER_REFUSED:
            if STREAM_OPTIONS in failure.parameters:
                if self._ask.with_usage:
                    self._ask = StreamAsk(False, self._spec.first_token_s, self._spec.token_gap_s)
                    log.info("the endpoint takes no stream_options: they are left out from now on")
                return ask.with_usage
            if STREAM in failure.parameters and self._is_auto:
                self._fall_back(failure.excerpt.strip()[:200])
                return True
        elif failure.kind is FailureKind.BROKEN_BODY and failure.status in ANSWERED and not self._has_streamed:
            # not for a stream that breaks off: another one may be about to complete
            self._useless += 1
            if self._useless == MOST_USELESS and self._is_auto:
                self._fall_back(failure.detail[:200])
        return False

    def _was_too_silent(self, failure: RequestFailure, after_s: float) -> bool:
        """Whether a gateway ended an unstreamed answer that it took for dead, as it will end the next one. Answers are streamed from then on."""
        if not self._can or failure.status not in GATEWAY_TIMEOUTS or after_s < SHORTEST_GATEWAY_LIMIT_S:
            return False
        if not self._wants:
            self._wants = True
            log.info("a gateway ended an answer after %.0f s (status %d): answers are streamed from now on", after_s, failure.status)
        return True

    def may_be_refused(self, failure: RequestFailure, ask: StreamAsk | None) -> bool:
        """Whether a refusal in unknown words may be about the stream: then try this request once unstreamed."""
        may_be = ask is not None and self._is_auto and not self._has_streamed and failure.kind in _UNEXPLAINED
        self._is_suspected = self._is_suspected or may_be
        return may_be

    def _fall_back(self, why: str) -> None:
        if self._can and self._is_auto:
            self._can = False
            log.info("the endpoint does not stream (%s): answers come in one piece from now on", why)
