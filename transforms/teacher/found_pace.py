"""The pace of an endpoint that refuses (429) what comes too quickly and does not say how quick that is, found from what it takes.

A rate limit is a token bucket that refills evenly (RFC 2697). A refusal shows that the bucket is empty, so the requests taken between two
refusals are what it refilled in that time. This holds for any latency and any size of the bucket. Before the second refusal the pace is a
guess that doubles. It has no clock; every call passes the time in seconds.
"""

from __future__ import annotations

import math
from collections import deque

SCORE = 1.9  # a refusal counts one and fades by 3 % an answer: two in a row reach it, or a steady 3 %
SCORE_FADES = 0.97
ENOUGH_TAKEN = 4  # requests; fewer say too little about the pace
SHORTEST_SPAN_S = 0.5  # over a shorter time, the size of the bucket looks like pace
BACK_OFF = 0.93  # of the measured pace; less leaves room unused, more keeps other clients from their share
GROWTH = 0.5  # requests a second, gained each second, times the root of the pace: larger steps for slow clients even out the shares
LEARNED_FROM = 8.0  # requests between two refusals at least: a slow pace grows slowly, or most of its requests would be refused
GROWTH_TO_REFUSAL = 0.12  # of the pace, from below the limit to a refusal
STEADY_S = 4.0  # without a refusal for so long, the pace is too low
ACCELERATION = 1.25  # the pace then grows by this factor each second
GUESS_DOUBLES_S = 0.5
DEEPEST_CUT = 0.5  # of a guess
LOST = 0.5  # of its share: another client takes it, so nothing is left to it, and the pace grows as that share would
SHARE_FADES = 0.05
STEADY = 0.93  # of its share: where clients share a cap, the pace of one falls from refusal to refusal
LOOSENED = 1.1  # the pace by this factor at a refusal that another limit explains
LEAST_PER_S = 0.05
KEPT_REQUESTS = 512
SPANS_REQUESTS = (4, 8, 16, 32, 64, 128, 256)


class FoundPace:
    """The pace at which one endpoint takes requests from one process. Call ``delay_s`` before each request and ``sent`` when it leaves."""

    def __init__(self) -> None:
        self._pace = math.inf
        self._is_guess = True
        self._found_s = 0.0
        self._empty_s: float | None = None  # when the bucket was empty: the measurement starts there
        self._taken_s: deque[float] = deque(maxlen=KEPT_REQUESTS)  # when each request since then was sent, without the refused
        self._next_s = 0.0
        self._share = 0.0  # the pace that was measured, forgotten slowly where it falls
        self._measured_per_s = math.inf  # latest
        self._score = 0.0

    def per_s(self, now_s: float) -> float:
        """Requests per second; infinite while no pace is needed."""
        if math.isinf(self._pace):
            return math.inf
        since_s = max(0.0, now_s - self._found_s)
        if self._is_guess:
            return self._pace * math.pow(2.0, min(since_s / GUESS_DOUBLES_S, 20.0))
        wanted = max(self._pace, self._share)
        growth = min(GROWTH * math.sqrt(wanted), GROWTH_TO_REFUSAL * wanted**2 / LEARNED_FROM)
        accelerated_s = min(max(0.0, since_s - self._steady_s), 100.0)
        return (self._pace + growth * since_s) * math.pow(ACCELERATION, accelerated_s)

    @property
    def _steady_s(self) -> float:
        return max(STEADY_S, LEARNED_FROM / self._pace)

    def delay_s(self, now_s: float) -> float:
        """Seconds until the next request may leave; 0 for now."""
        return 0.0 if math.isinf(self._pace) else max(0.0, self._next_s - now_s)

    def sent(self, now_s: float) -> bool:
        """A request leaves now. Whether a refusal would be due to the pace: it held the request back, is steady, and no less than was taken."""
        if self._empty_s is None:
            self._empty_s = now_s
        self._taken_s.append(now_s)
        if math.isinf(self._pace):
            return False
        per_s = self.per_s(now_s)
        is_late = now_s >= self._next_s + 1.0 / per_s
        self._next_s = max(self._next_s, now_s) + 1.0 / per_s
        return not is_late and not self._is_guess and per_s >= self._measured_per_s >= STEADY * self._share

    def answered(self) -> None:
        """A request was answered."""
        self._score *= SCORE_FADES

    def refused(self, sent_s: float, now_s: float, another_limit: bool) -> bool:
        """A request sent at ``sent_s`` was refused; ``another_limit`` when that is explained already. True when the pace changed."""
        if sent_s in self._taken_s:
            self._taken_s.remove(sent_s)
        if another_limit:
            self._pace *= LOOSENED
            return False
        self._score = SCORE_FADES * self._score + 1.0
        if self._score < SCORE or sent_s <= self._found_s:
            return False
        self._score = 0.0
        is_first = math.isinf(self._pace)
        measured = self._measured(sent_s, now_s)
        if measured:
            self._measured_per_s = measured
            self._share = max(measured, self._share + SHARE_FADES * (measured - self._share))
            pace = measured if measured < LOST * self._share else BACK_OFF * measured
        else:
            assert self._empty_s is not None
            pace = len(self._taken_s) / max(sent_s - self._empty_s, SHORTEST_SPAN_S)
            if not is_first:
                pace = max(pace, DEEPEST_CUT * self.per_s(now_s))
        if is_first or measured:
            self._empty_s = sent_s
            self._taken_s.clear()
        self._pace = max(pace, LEAST_PER_S)
        self._is_guess = is_first or not measured
        self._found_s = now_s
        self._next_s = max(self._next_s, now_s)
        return True

    def pauses(self, until_s: float) -> None:
        """Nothing is sent until then: what was taken before says nothing about the pace of a bucket that fills meanwhile."""
        self._empty_s = self._found_s = self._next_s = until_s
        self._taken_s.clear()

    def _measured(self, sent_s: float, now_s: float) -> float:
        """Requests per second taken up to a refusal; 0 where too few were taken to tell."""
        taken_s = self._taken_s
        if len(taken_s) < ENOUGH_TAKEN:
            return 0.0
        if not self._is_guess and now_s - self._found_s <= self._steady_s:
            assert self._empty_s is not None
            return len(taken_s) / (sent_s - self._empty_s)
        # the pace was far below the limit at first, and the bucket full: the latest requests came closest to it
        spans_s = ((count, sent_s - taken_s[-count]) for count in (*SPANS_REQUESTS, len(taken_s)) if count <= len(taken_s))
        return max((count / span_s for count, span_s in spans_s if span_s >= SHORTEST_SPAN_S), default=0.0)
