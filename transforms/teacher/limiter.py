"""How many requests may be on the wire: a search for the smallest limit that keeps the endpoint full.

A state machine without a clock of its own; every call passes the time in seconds. Three findings of congestion control are put together
(docs/decisions/0005): slow start, which doubles per round trip until delivery stops growing (Jacobson 1988; the stop rule is BBR's,
Cardwell 2016); Little's law with the latency of an idle server as the lower bound of the knee (Vegas and its descendants); and
hill climbing on delivered goodput, because under continuous batching latency grows long before throughput stops to.
Throttling (429) makes it cautious, but only when it is more than the odd answer; pace (``pacer``) and ceiling (``ceiling``) answer to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from transforms.teacher.specs import ConcurrencySpec

BLIND_DOUBLING_S = 0.1  # before the first answer: double this often ...
BLIND_FACTOR = 8  # ... up to this many times the initial count; more would flood an endpoint that allows little
GROWTH_WORTH_HAVING = 1.15  # slow start goes on while a round delivers at least this much more than the best before
FLAT_ROUNDS = 2
SAME_GOODPUT = 0.97  # a lower limit is kept while it delivers this share of the reference
STEP_DOWN = 0.88
LONG_STEP_DOWN = 0.75  # while answers take twice as long as they could
STEP_UP = 1.25
CAUTIOUS_STEP_UP = 1.06  # after throttling
CUSHION = 1.3  # stay this far above the knee: a queue of 30 % shows at once when capacity grows
CAPACITY_CHANGED = 0.15
COHORT = 40  # the first requests met a server that was nearly idle: their mean latency is what an answer takes without a queue.
COHORT_IS_COMPLETE = 34  # a mean over a span of time would not do: what finishes early is what is short
OVERLOAD_SCORE = 8.0  # a 503 counts one and fades by a tenth an answer: a steady three in ten stay below
OVERLOAD_FADES = 0.9
OVERLOAD_CUT = 0.9
WAIT_SHARE = 1.0 / 3.0  # of the time of an attempt: no request is to take longer, as far as it lies with us
THROTTLE_SCORE = 1.9  # a 429 counts one and fades by 3 % an answer: two in a row, or a steady 3 %


class _Phase(Enum):
    SLOW_START = "slow start"
    SETTLING = "settling"  # the limit has just moved: what finishes now was sent under the old one
    MEASURING = "measuring"


class _Trial(Enum):
    NONE = "holding"
    DOWN = "trying less"
    UP = "trying more"


@dataclass(slots=True)
class _Window:
    """What was delivered since ``start_s``; ``binding`` stays true while the limit alone held requests back."""

    start_s: float
    answers: int = 0
    tokens: int = 0
    latency_sum_s: float = 0.0
    binding: bool = True
    limit: float = 0.0


class AdaptiveLimit:
    """The adaptive limit of one endpoint in one process.

    Call ``advance`` at least every 50 ms while requests wait, and ``answered`` / ``throttled`` as they finish. ``limit`` is the number of
    requests that may be on the wire now, between 1 and ``spec.maximum``.
    """

    def __init__(self, spec: ConcurrencySpec, attempt_s: float = math.inf) -> None:
        self._longest_wait_s = WAIT_SHARE * attempt_s
        self._latest_latency_s = self._latest_answer_s = 0.0
        self._answers = 0
        self._maximum = float(spec.maximum)
        self._initial = float(min(spec.initial, spec.maximum))
        self._limit = self._initial
        self._phase = _Phase.SLOW_START
        self._trial = _Trial.NONE
        self._started_s: float | None = None
        self._heard = False
        self._window: _Window | None = None
        self._best = 0.0
        self._flat_rounds = 0
        self._rounds: list[tuple[float, float]] = []  # (limit, goodput) of slow start
        self._reference = 0.0
        self._limit_before_trial = self._limit
        self._settled_at_s = 0.0
        self._mean_latency_s = 0.0
        self._base_latency_s = float("inf")
        self._cohort_latency_s = 0.0
        self._cohort_answers = 0
        self._windows_held = 0
        self._hold_before_down = 1
        self._hold_before_up = 2
        self._last_cut_s = self._last_time_out_s = -1e9
        self._throttle_score = 0.0
        self._overload_score = 0.0

    @property
    def limit(self) -> int:
        """Requests that may be on the wire."""
        return max(1, int(self._limit))

    @property
    def searching(self) -> bool:
        """Whether the plateau has not been found yet."""
        return self._phase is _Phase.SLOW_START

    @property
    def mean_latency_s(self) -> float:
        """Mean latency of the latest full window in seconds; 0 before there was one."""
        return self._mean_latency_s

    def advance(self, now_s: float) -> None:
        """Let time pass."""
        if self._started_s is None:
            self._started_s = now_s
            self._open_window(now_s)
        if self._phase is _Phase.SLOW_START and not self._heard:
            doublings = int((now_s - self._started_s) / BLIND_DOUBLING_S)
            blind = self._initial * 2.0 ** min(doublings, 16)
            self._limit = min(self._maximum, max(self._limit, min(blind, BLIND_FACTOR * self._initial)))
        self._close_window_if_due(now_s)

    def not_binding(self) -> None:
        """There is room below the limit that nothing fills: too few rows, or the pace. What is delivered now tells nothing of it."""
        if self._window is not None:
            self._window.binding = False

    def answered(self, now_s: float, latency_s: float, tokens: int, limit_was_binding: bool, number: int) -> None:
        """The answer to request ``number`` came after ``latency_s`` seconds with ``tokens`` completion tokens (0 when unknown)."""
        self._heard = True
        self._answers += 1
        self._latest_latency_s, self._latest_answer_s = latency_s, now_s
        if number <= COHORT:
            self._cohort_answers += 1
            self._cohort_latency_s += latency_s
            if self._cohort_answers >= COHORT_IS_COMPLETE:
                self._base_latency_s = self._cohort_latency_s / self._cohort_answers
        self._throttle_score *= 0.97
        self._overload_score *= OVERLOAD_FADES
        window = self._window
        if window is None:
            return
        window.answers += 1
        window.tokens += tokens
        window.latency_sum_s += latency_s
        if self._phase is _Phase.SLOW_START and limit_was_binding and latency_s < self._longest_wait_s:
            self._limit = min(self._maximum, self._limit + 1.0)
        self._close_window_if_due(now_s)

    def throttled(self, now_s: float, sent_s: float) -> bool:
        """The endpoint answered 429 to a request sent at ``sent_s``. True when it was taken as a sign of overload.

        The odd 429 is not: up to about 2 in 100 change nothing. One burst counts once: what was sent before the latest cut
        knows nothing of it.
        """
        self._heard = True
        if sent_s <= self._last_cut_s:
            return False
        self._throttle_score = self._throttle_score * 0.97 + 1.0
        if self._throttle_score < THROTTLE_SCORE:
            return False
        self._throttle_score = 0.0
        self._last_cut_s = now_s
        self._hold_before_up = 4
        return True

    def timed_out(self, now_s: float, sent_s: float) -> bool:
        """An attempt sent at ``sent_s`` took longer than it may. True when that comes of the queue that we made: others were answered
        meanwhile, and late. Then there will be fewer.
        """
        late = self._latest_latency_s > self._longest_wait_s
        if not late or self._latest_answer_s <= sent_s or now_s - self._latest_answer_s > self._latest_latency_s:
            return False
        if sent_s > self._last_time_out_s:
            self._last_time_out_s = now_s
            in_time = self._answers / (now_s - (self._started_s or 0.0)) * self._longest_wait_s
            self._limit = min(self._limit, max(2.0, in_time, self._limit / 2.0))
        return True

    def overloaded(self, now_s: float, in_flight: int) -> None:
        """The endpoint refused a request for being busy (503) beside ``in_flight`` others, while more rows wait.

        Where several in ten are refused so, those others are about what it takes: the limit falls below their number. Fewer are chance.
        """
        self._overload_score += 1.0
        if self._overload_score < OVERLOAD_SCORE:
            return
        self._overload_score = 0.0
        lower = max(1.0, OVERLOAD_CUT * in_flight)
        if lower < self._limit:
            self._limit = lower
            self._enter_cruise(now_s)
            self._hold_before_up = 4

    def cap(self, most: int) -> None:
        """Never more than this from now on: the machine has no room for more."""
        self._maximum = max(1.0, min(self._maximum, float(most)))
        self._initial = min(self._initial, self._maximum)
        self._limit = min(self._limit, self._maximum)

    def outage_over(self, now_s: float) -> None:
        """The endpoint answers again after a pause: search anew from half of what was right before."""
        self._limit = max(self._initial, self._limit / 2.0)
        self._restart_search(now_s)

    # windows

    def _open_window(self, now_s: float) -> None:
        self._window = _Window(now_s, limit=self._limit)

    def _window_length_s(self) -> float:
        if self._phase is _Phase.SLOW_START:
            return max(0.2, self._mean_latency_s)
        return max(0.75, 2.0 * self._mean_latency_s)

    def _close_window_if_due(self, now_s: float) -> None:
        window = self._window
        if window is None or now_s - window.start_s < self._window_length_s():
            return
        if self._phase is _Phase.SETTLING:
            if now_s - self._settled_at_s >= max(0.3, self._mean_latency_s):
                self._phase = _Phase.MEASURING
                self._open_window(now_s)
            return
        if window.answers < 8:
            if not window.binding and now_s - window.start_s > 4 * self._window_length_s():
                self._open_window(now_s)
            return
        elapsed_s = now_s - window.start_s
        self._mean_latency_s = window.latency_sum_s / window.answers
        # tokens where every answer tells them: a steadier measure than rows when answers differ in length
        delivered = float(window.tokens) if window.tokens >= window.answers else float(window.answers)
        rows_per_s = window.answers / elapsed_s
        if self._mean_latency_s > self._longest_wait_s:
            # who leaves now waits as long: fewer
            self._limit = min(self._limit, max(self._initial, rows_per_s * self._longest_wait_s, 0.5 * window.limit))
        self._open_window(now_s)
        if window.binding:
            if self._phase is _Phase.SLOW_START:
                self._judge_round(now_s, window.limit, delivered / elapsed_s)
            else:
                self._judge_window(now_s, delivered / elapsed_s, rows_per_s)

    def _judge_round(self, now_s: float, limit: float, goodput: float) -> None:
        self._rounds.append((limit, goodput))
        if goodput >= GROWTH_WORTH_HAVING * self._best or self._limit <= 1.2 * limit:
            self._flat_rounds = 0
        else:
            self._flat_rounds += 1
        self._best = max(self._best, goodput)
        at_maximum = limit >= self._maximum
        if self._flat_rounds >= FLAT_ROUNDS or (at_maximum and len(self._rounds) >= 2):
            enough = [seen for seen, delivered in self._rounds if delivered >= SAME_GOODPUT * self._best]
            if self._flat_rounds >= FLAT_ROUNDS and enough:
                # rounds lag by one latency: the limit that truly delivered was at most this one
                self._limit = min(self._limit, max(min(enough), self._initial))
            self._reference = self._best
            self._enter_cruise(now_s)

    def _judge_window(self, now_s: float, goodput: float, rows_per_s: float) -> None:
        if self._trial is _Trial.NONE:
            self._hold(now_s, goodput, rows_per_s)
        elif goodput > (1.0 + CAPACITY_CHANGED) * self._reference and self._trial is _Trial.DOWN:
            self._limit = max(self._limit, self._limit_before_trial)
            self._best = self._reference = goodput
            self._restart_search(now_s)
        elif self._trial is _Trial.DOWN:
            if goodput >= SAME_GOODPUT * self._reference:
                self._reference = max(goodput, 0.99 * self._reference)
                self._trial = _Trial.NONE
                self._windows_held = self._hold_before_down  # keep descending
                self._hold(now_s, goodput, rows_per_s)
            else:
                self._hold_before_down = min(16, self._hold_before_down * 2)
                self._move(now_s, self._limit_before_trial, _Trial.NONE)
        elif goodput > (1.0 + (self._limit / self._limit_before_trial - 1.0) / 4.0) * self._reference:
            self._hold_before_up = 2
            self._reference = goodput
            self._best = goodput
            self._restart_search(now_s)
        else:
            self._hold_before_up = min(8, self._hold_before_up * 2)
            self._move(now_s, self._limit_before_trial, _Trial.NONE)

    def _hold(self, now_s: float, goodput: float, rows_per_s: float) -> None:
        self._windows_held += 1
        if self._reference and goodput > (1.0 + CAPACITY_CHANGED) * self._reference:
            self._best = goodput
            self._reference = goodput
            self._restart_search(now_s)
            return
        if self._reference and goodput < (1.0 - CAPACITY_CHANGED) * self._reference:
            self._reference = goodput
            self._hold_before_down = 1
            self._hold_before_up = 2
        else:
            self._reference = goodput if not self._reference else 0.7 * self._reference + 0.3 * goodput
        knee = rows_per_s * self._base_latency_s
        queueing = self._mean_latency_s > 2.0 * self._base_latency_s
        lower = max(1.0, self._limit * (LONG_STEP_DOWN if queueing else STEP_DOWN))
        if self._windows_held >= self._hold_before_down and lower >= max(self._initial, CUSHION * knee):
            self._move(now_s, lower, _Trial.DOWN)
        elif self._windows_held >= self._hold_before_up and self._limit < self._maximum:
            throttled_lately = now_s - self._last_cut_s < 30.0
            higher = max(self._limit + 1.0, self._limit * (CAUTIOUS_STEP_UP if throttled_lately else STEP_UP))
            self._move(now_s, min(self._maximum, higher), _Trial.UP)

    def _move(self, now_s: float, limit: float, trial: _Trial) -> None:
        self._limit_before_trial = self._limit
        self._limit = limit
        self._trial = trial
        self._windows_held = 0
        self._phase = _Phase.SETTLING
        self._settled_at_s = now_s

    def _enter_cruise(self, now_s: float) -> None:
        self._flat_rounds = 0
        self._move(now_s, self._limit, _Trial.NONE)
        self._rounds.clear()

    def _restart_search(self, now_s: float) -> None:
        self._phase = _Phase.SLOW_START
        self._trial = _Trial.NONE
        self._flat_rounds = 0
        self._windows_held = 0
        self._rounds.clear()
        self._open_window(now_s)
