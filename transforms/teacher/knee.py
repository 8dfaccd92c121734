"""What answers take that wait for nothing, and how many come a second: their product is how many are at work (Little's law)."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right

MOSTLY = 0.8  # of the requests of a group
NO_LONGER = 1.12  # than the mean of the groups before, chance apart: a longer one is a queue
CHANCE = 0.7  # standard errors
MOST_OF_KNEE = 2.0  # times what is at work where answers do not wait, and one: BBR's bound on what is on the wire
NEARLY = 0.95  # of the latency of an idle server: the shortest time looked back from an answer
LATE_SHARE = 1.0 / 3.0  # of the time limit of an attempt: no request should wait longer behind others of this process ...
WAIT_SHARE = 1.0 / 8.0  # ... nor so long on average
KEPT_ANSWERS = 4096
STEP_SPAN = 0.9  # of the latency of an idle server: where answers come in bursts, the whole of it would hold one burst or two, by chance


class IdleLatency:
    """What an answer takes that waits behind no other: the mean of the first requests, as far as they took no longer than those before,
    and a little more where they are few and differ: too much leaves some waiting, too little leaves the server idle.

    A mean over a span of time would not do: what finishes early is what is short. For the same reason the few of a group that are still
    on the wire count as the longest of it so far.
    """

    def __init__(self, initial: int) -> None:
        first = min(max(initial, 4), 20)
        self._groups = ((0, first), (first, 2 * first), (2 * first, 4 * first), (4 * first, 8 * first))
        self._latencies_s: list[float | None] = [None] * (8 * first)
        self.latency_s = math.inf
        """In seconds; infinite while the first were not answered."""

    @property
    def is_known(self) -> bool:
        """Whether the first were answered."""
        return self.latency_s < math.inf

    def answered(self, number: int, latency_s: float) -> None:
        """Request ``number``, counted from 1, took so long."""
        if number > len(self._latencies_s):
            return
        self._latencies_s[number - 1] = latency_s
        pooled: list[float] = []
        for begin, end in self._groups:
            group = [latency for latency in self._latencies_s[begin:end] if latency is not None]
            if len(group) < MOSTLY * (end - begin):
                break
            group += [max(group)] * (end - begin - len(group))
            if not pooled or statistics.fmean(group) <= self._longest_s(pooled, len(group)):
                pooled += group
        if pooled:
            self.latency_s = statistics.fmean(pooled) + CHANCE * statistics.stdev(pooled) / math.sqrt(len(pooled))

    @staticmethod
    def _longest_s(pooled: list[float], count: int) -> float:
        return NO_LONGER * statistics.fmean(pooled) + CHANCE * statistics.stdev(pooled) / math.sqrt(count)

    def is_at_least(self, latency_s: float) -> None:
        """More requests at a time delivered more: so much of their latency was no waiting."""
        self.latency_s = max(self.latency_s, latency_s)


class DeliveryRate:
    """Answers a second, as each answer sees it: how many came while it was on the wire (the rate sample of BBR).

    Counted over any other span, answers that come in step would be one burst or two, by chance.
    """

    def __init__(self) -> None:
        self._moments_s: list[float] = []
        self._count = self._seconds = 0.0

    def answered(self, now_s: float, span_s: float, smoothed_over: float) -> int:
        """Count an answer. Returns those of the latest ``span_s`` seconds. ``smoothed_over``: how many ``per_s`` averages over."""
        moments_s = self._moments_s
        moments_s.append(now_s)
        if len(moments_s) > 2 * KEPT_ANSWERS:
            del moments_s[:KEPT_ANSWERS]
        count = self._since(now_s - span_s)
        keep = 1.0 - 1.0 / smoothed_over
        self._count = keep * self._count + count
        self._seconds = keep * self._seconds + span_s
        return count

    def _since(self, moment_s: float) -> int:
        return len(self._moments_s) - bisect_right(self._moments_s, moment_s)

    def per_s(self, now_s: float, idle_latency_s: float) -> float:
        """Answers a second: what the latest saw, or what came in nearly the latency of an idle server, whichever is less."""
        span_s = max(STEP_SPAN * idle_latency_s, 1e-6)
        return min(self._since(now_s - span_s) / span_s, self._count / max(self._seconds, 1e-6))


class Knee:
    """How many keep the endpoint at work, and how many may be on the wire for that."""

    def __init__(self, initial: float, attempt_s: float) -> None:
        self.idle = IdleLatency(int(initial))
        self._rate = DeliveryRate()
        self._initial = initial
        self._attempt_s = attempt_s

    def answered(self, now_s: float, latency_s: float, number: int, mean_latency_s: float, limit: float) -> tuple[int, float]:
        """Request ``number`` was answered; (answers, seconds): what it saw of the rate, over at most twice the mean latency."""
        self.idle.answered(number, latency_s)
        least_s = NEARLY * self.idle.latency_s if self.idle.is_known else 0.0
        span_s = max(least_s, min(latency_s, 2.0 * mean_latency_s or math.inf))
        return self._rate.answered(now_s, span_s, max(4.0, limit / 4.0)), span_s

    def most(self, rows_per_s: float) -> float:
        """How many may be on the wire at this rate of answers: twice what is at work, and few enough to wait little."""
        if not self.idle.is_known:
            return math.inf
        longest_s = min(MOST_OF_KNEE * self.idle.latency_s, self.idle.latency_s + WAIT_SHARE * self._attempt_s)
        return max(self._initial, longest_s * rows_per_s + 1.0)

    def most_now(self, now_s: float) -> float:
        """The same by the latest answers."""
        return self.most(self._rate.per_s(now_s, self.idle.latency_s)) if self.idle.is_known else math.inf

    @property
    def late_s(self) -> float:
        """A request that takes longer has waited too long behind our others."""
        return LATE_SHARE * self._attempt_s + (self.idle.latency_s if self.idle.is_known else 0.0)
