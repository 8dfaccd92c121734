"""How many requests one endpoint may have on the wire, and when the next may leave: limiter, ceiling, found pace and pacer behind one interface.

Whatever an attempt says of what the endpoint can carry is reported here, and nowhere else.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.teacher.ceiling import Ceiling
from transforms.teacher.client import AttemptResult
from transforms.teacher.found_pace import FoundPace
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.limiter import AdaptiveLimit
from transforms.teacher.pacer import Pacer
from transforms.teacher.specs import ConcurrencySpec
from transforms.teacher.stream_spec import StreamAsk

log = logging.getLogger("beam_distill.teacher")

SAY_THROTTLED_EVERY_S = 60.0


@dataclass(slots=True)
class Attempt:
    """One request of a row on the wire.

    ``body`` is what is sent, ``adaptation`` the version of the adaptation it was made under. ``number`` counts the requests of the endpoint.
    ``limit_was_binding`` when nothing but the limit held the next one back. ``ask``: how a stream was asked for; None in one piece.
    """

    row: RowInProgress
    body: bytes
    number: int
    sent_s: float
    sent_at_ms: int
    adaptation: int
    limit_was_binding: bool
    ask: StreamAsk | None = None
    of_our_queue: bool = False
    """It ran out of time behind too many of our other requests."""


class Traffic:
    """What is on the wire to one endpoint. No clock of its own; every call passes the time in seconds."""

    def __init__(self, spec: ConcurrencySpec, attempt_s: float, called: str) -> None:
        self._called = called
        self._limiter = AdaptiveLimit(spec, attempt_s)
        self._ceiling = Ceiling()
        self._found_pace = FoundPace()
        self._pacer = Pacer(spec)
        self.in_flight = 0
        """Requests on the wire, second requests of stragglers and questions of our own included."""
        self._throttled_said_s = -1e9
        self._room_said = False

    @property
    def limit(self) -> int:
        """Requests that may be on the wire."""
        return int(min(self._limiter.limit, self._ceiling.limit))

    @property
    def is_full(self) -> bool:
        """Whether the limit alone holds the next request back."""
        return self.in_flight >= self.limit

    def has_room(self, now_s: float) -> bool:
        """Whether one more may be on the wire now."""
        self._limiter.advance(now_s)
        self._ceiling.advance(now_s)
        return self.in_flight < self.limit

    def delay_s(self, now_s: float, estimated_tokens: float) -> float:
        """Where there is room: seconds until the next request may leave; 0 for now."""
        found_s = max(self._found_pace.delay_s(now_s), self._ceiling.delay_s(now_s, self.in_flight))
        return max(found_s, self._pacer.delay_s(now_s, self.in_flight, estimated_tokens))

    def takes_no_more(self, now_s: float, estimated_tokens: float) -> bool:
        """Whether it is known to be full, or the pace holds the next one back: a limit that is still searched for is not known."""
        searching = self._limiter.searching and self._ceiling.limit > self._limiter.limit
        return (self.is_full and not searching) or self.delay_s(now_s, estimated_tokens) > 0

    def left_empty(self) -> None:
        """There is room that nothing fills: too few rows, or the pace."""
        self._limiter.not_binding()

    def sent(self, now_s: float) -> int:
        """A request leaves now; its number."""
        self.in_flight += 1
        number = self._pacer.sent(now_s)
        is_paced = self._found_pace.sent(now_s)
        self._ceiling.sent(number, now_s, self.in_flight, is_paced)
        return number

    def ended(self, attempt: Attempt, result: AttemptResult, now_s: float, rows_wait: bool) -> None:
        """An attempt ended in whatever way, while rows that were never sent wait or do not."""
        self.in_flight -= 1
        limit_was_binding = attempt.limit_was_binding
        if self._ceiling.limit < self._limiter.limit:
            self._limiter.not_binding()
            limit_was_binding = False
        self._pacer.reported(attempt.sent_s, attempt.number, result.request_budget, result.token_budget, result.reply is not None)
        if result.reply is not None:
            self._pacer.answered()
            self._found_pace.answered()
            tokens = result.reply.completion_tokens or 0
            self._limiter.answered(now_s, result.latency_ms / 1000.0, tokens, limit_was_binding, attempt.number)
            self._ceiling.answered(attempt.number, now_s, result.latency_ms / 1000.0)
            return
        failure = result.failure
        assert failure is not None
        if failure.kind is FailureKind.THROTTLED:
            self._throttled(attempt, failure, now_s)
            return
        self._ceiling.ended(attempt.number)
        if failure.is_ours:
            self._make_room()
        elif failure.kind is FailureKind.TIMED_OUT:
            attempt.of_our_queue = self._limiter.timed_out(now_s, attempt.sent_s)
        elif failure.kind is FailureKind.UNAVAILABLE and failure.status is not None and rows_wait:
            self._limiter.overloaded(now_s, self.in_flight)

    def outage_over(self, now_s: float) -> None:
        """The endpoint answers again after a pause."""
        self._limiter.outage_over(now_s)

    def _throttled(self, attempt: Attempt, failure: RequestFailure, now_s: float) -> None:
        self._pacer.refused()
        too_many = self._ceiling.refused(attempt.number, now_s)
        finding = self._found_pace.refused(attempt.sent_s, now_s, another_limit=too_many)
        if too_many:
            finding = self._ceiling.limit < self._limiter.limit
        else:
            paused_until_s = self._pacer.throttled(now_s, failure.retry_after_s)
            if paused_until_s is not None:
                self._found_pace.pauses(paused_until_s)
            self._limiter.throttled(now_s, attempt.sent_s)
        if finding and now_s - self._throttled_said_s > SAY_THROTTLED_EVERY_S:
            self._throttled_said_s = now_s
            log.info("%s throttles (429): finding how much it takes", self._called)

    def _make_room(self) -> None:
        if not self.in_flight:
            return
        if not self._room_said:
            self._room_said = True
            log.warning("this process may open no more files (ulimit -n): at most %d requests at a time from now on", self.in_flight)
        self._limiter.cap(self.in_flight)
