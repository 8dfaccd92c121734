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

from transforms.teacher.knee import MOST_OF_KNEE, WAIT_SHARE, Knee
from transforms.teacher.specs import ConcurrencySpec

FIRST_LEAP = 8  # times the initial count, after the first answer; more would flood an endpoint that allows little
LEAP_DOUBLES_S = 0.1  # on the way there: who refuses what comes says so sooner
LEAP_SHARE = 1.0 / 8.0  # of the time of an attempt: in so long the endpoint can answer that leap, at the pace of its first answers
EARNED = 1.2  # more for an answer
GROWTH_WORTH_HAVING = 1.15  # slow start goes on while a round delivers at least this much more than the best before
FLAT_ROUNDS = 2
SAME_GOODPUT = 0.97  # a lower limit is kept while it delivers this share of the reference
STEP_DOWN = 0.88
LONG_STEP_DOWN = 0.75  # while answers take twice as long as they could
STEP_UP = 1.25
CAUTIOUS_STEP_UP = 1.06  # after throttling
CUSHION = 1.3  # stay this far above the knee: a queue of 30 % shows at once when capacity grows
CAPACITY_CHANGED = 0.15
NOISE = 0.7  # by the root of the answers in a window: the standard error of its goodput, where answers differ in length
SURE, ALMOST_SURE = 2.0, 1.5  # standard errors
OVERLOAD_SCORE = 8.0  # a 503 counts one and fades by a tenth an answer: a steady three in ten stay below
OVERLOAD_FADES = 0.9
OVERLOAD_CUT = 0.9
THROTTLE_SCORE = 1.9  # a 429 counts one and fades by 3 % an answer: two in a row, or a steady 3 %


class _Phase(Enum):
    SLOW_START = "slow start"
    SETTLING = "settling"  # the limit has just moved: what finishes now was sent under the old one
    MEASURING = "measuring"


class _Trial(Enum):
    NONE = "holding"
    DOWN = "trying less"
    UP = "trying more"


def _worth_having(step: float, noise: float) -> float:
    """How much more ``step`` times as many must deliver: a quarter of what they could, and more than chance as far as they can."""
    return max((step - 1.0) / 4.0, min(noise, 0.6 * (step - 1.0)))


@dataclass(slots=True)
class _Window:
    """What was delivered since ``start_s``; ``binding`` stays true while the limit alone held requests back."""

    start_s: float
    answers: int = 0
    tokens: int = 0
    delivered: int = 0
    span_s: float = 0.0
    latency_sum_s: float = 0.0
    binding: bool = True
    limit: float = 0.0


class AdaptiveLimit:
    """The adaptive limit of one endpoint in one process.

    Call ``advance`` at least every 50 ms while requests wait, and ``answered`` / ``throttled`` as they finish. ``limit`` is the number of
    requests that may be on the wire now, between 1 and ``spec.maximum``.
    """

    def __init__(self, spec: ConcurrencySpec, attempt_s: float = math.inf) -> None:
        self._attempt_s = attempt_s
        self._latest_latency_s = self._latest_answer_s = 0.0
        self._answers = 0
        self._maximum = float(spec.maximum)
        self._initial = float(min(spec.initial, spec.maximum))
        self._limit = self._initial
        self._phase = _Phase.SLOW_START
        self._trial = _Trial.NONE
        self._started_s: float | None = None
        self._window: _Window | None = None
        self._best = 0.0
        self._flat_rounds = 0
        self._rounds = 0
        self._reference = 0.0
        self._limit_before_trial = self._limit
        self._settled_at_s = 0.0
        self._mean_latency_s = 0.0
        self._knee = Knee(self._initial, attempt_s)
        self._earned = self._limit
        self._less_is_worse = False
        self._longest_latency_s = 0.0
        self._first_answer_s = math.inf
        self._leap = 0.0  # a limit that is on its way; 0: none
        self._windows_held = 0
        self._hold_before_down = 1
        self._hold_before_up = 2
        self._last_cut_s = self._last_time_out_s = -1e9
        self._throttle_score = self._overload_score = 0.0

    @property
    def limit(self) -> int:
        """Requests that may be on the wire."""
        return max(1, int(self._limit))

    @property
    def searching(self) -> bool:
        """Whether the plateau has not been found yet."""
        return self._phase is _Phase.SLOW_START

    def advance(self, now_s: float) -> None:
        """Let time pass."""
        if self._started_s is None:
            self._started_s = now_s
            self._open_window(now_s)
        if self._leap:
            doubled = self._initial * 2.0 ** (1 + min(16, int((now_s - self._first_answer_s) / LEAP_DOUBLES_S)))
            self._limit = max(self._limit, min(self._leap, self._maximum, doubled))
            self._earned = max(self._earned, self._limit)
            if doubled >= self._leap:
                self._leap = 0.0
        self._close_window_if_due(now_s)

    def not_binding(self) -> None:
        """There is room below the limit that nothing fills: too few rows, or the pace. What is delivered now says nothing about the limit."""
        if self._window is not None:
            self._window.binding = False

    def answered(self, now_s: float, latency_s: float, tokens: int, limit_was_binding: bool, number: int) -> None:
        """The answer to request ``number`` came after ``latency_s`` seconds with ``tokens`` completion tokens (0 when unknown)."""
        self._answers += 1
        self._latest_latency_s, self._latest_answer_s = latency_s, now_s
        delivered, span_s = self._knee.answered(now_s, latency_s, number, self._mean_latency_s, self._limit)
        self._throttle_score *= 0.97
        self._overload_score *= OVERLOAD_FADES
        window = self._window
        if window is None:
            return
        window.answers += 1
        window.delivered += delivered
        window.span_s += span_s
        window.tokens += tokens
        window.latency_sum_s += latency_s
        if self._phase is _Phase.SLOW_START:
            if self._answers <= self._initial and self._last_time_out_s < 0:
                self._begin(now_s, latency_s)
            elif limit_was_binding and latency_s < self._knee.late_s:
                self._grow(now_s)
        self._close_window_if_due(now_s)

    def _begin(self, now_s: float, latency_s: float) -> None:
        """One of the first answers came: on to what could be answered soon at their pace, or at least double."""
        self._longest_latency_s = max(self._longest_latency_s, latency_s, 1e-6)
        in_an_attempt = self._answers * self._attempt_s / self._longest_latency_s
        self._first_answer_s = min(self._first_answer_s, now_s)
        self._leap = min(FIRST_LEAP * self._initial, LEAP_SHARE * in_an_attempt)
        doubled = min(MOST_OF_KNEE * self._answers, self._answers + WAIT_SHARE * in_an_attempt) + 1.0
        self._earned = max(self._initial, self._earned, doubled)
        self._limit = min(self._maximum, max(self._limit, self._earned), in_an_attempt)

    def _grow(self, now_s: float) -> None:
        """A little more than one for an answer, up to what the latest answers allow."""
        self._earned += EARNED
        most = self._knee.most_now(now_s)
        self._limit = min(self._maximum, max(self._limit, min(self._earned, most)))

    def throttled(self, now_s: float, sent_s: float) -> bool:
        """The endpoint answered 429 to a request sent at ``sent_s``. True when it was taken as a sign of overload.

        The odd 429 is not: up to about 2 in 100 change nothing. One burst counts once: what was sent before the latest cut
        knows nothing of it.
        """
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
        late = self._latest_latency_s > self._knee.late_s
        if not late or self._latest_answer_s <= sent_s or now_s - self._latest_answer_s > self._latest_latency_s:
            return False
        if sent_s > self._last_time_out_s:
            self._last_time_out_s = now_s
            in_time = self._answers / (now_s - (self._started_s or 0.0)) * self._knee.late_s
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
        """The endpoint answers again after a pause: search again from half of what was right before."""
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
        self._mean_latency_s = window.latency_sum_s / window.answers
        # tokens, if every answer reports them: a steadier measure than rows when answers differ in length
        rows_per_s = window.delivered / max(window.span_s, 1e-6)
        goodput = rows_per_s * (window.tokens / window.answers if window.tokens >= window.answers else 1.0)
        noise = NOISE / math.sqrt(window.answers)
        if self._mean_latency_s > self._knee.late_s:
            # who leaves now waits as long: fewer
            self._limit = min(self._limit, max(self._initial, rows_per_s * self._knee.late_s, 0.5 * window.limit))
        self._open_window(now_s)
        if window.binding:
            if self._phase is _Phase.SLOW_START:
                self._judge_round(now_s, window.limit, goodput, rows_per_s, noise)
            else:
                self._judge_window(now_s, goodput, rows_per_s, noise)

    def _judge_round(self, now_s: float, limit: float, goodput: float, rows_per_s: float, noise: float) -> None:
        self._rounds += 1
        held = self._earned > self._limit
        worth_having = min(GROWTH_WORTH_HAVING, 1.0 + max(0.5 * noise, (self._limit / limit - 1.0) / 4.0))
        if goodput >= worth_having * self._best or (self._limit <= 1.2 * limit and not held):
            self._flat_rounds = 0
        else:
            self._flat_rounds += 1
        self._best = max(self._best, goodput)
        at_maximum = limit >= self._maximum
        if self._flat_rounds >= FLAT_ROUNDS or (at_maximum and self._rounds >= 2):
            self._reference = goodput
            self._enter_cruise(now_s)
            lower = STEP_DOWN * self._knee.most(rows_per_s)
            if self._limit > max(lower, self._initial):
                self._move(now_s, max(lower, self._initial), _Trial.DOWN)

    def _judge_window(self, now_s: float, goodput: float, rows_per_s: float, noise: float) -> None:
        if self._trial is _Trial.NONE:
            self._hold(now_s, goodput, rows_per_s, noise)
        elif goodput > (1.0 + CAPACITY_CHANGED) * self._reference and self._trial is _Trial.DOWN:
            self._limit = max(self._limit, self._limit_before_trial)
            self._best = self._reference = goodput
            self._restart_search(now_s)
        elif self._trial is _Trial.DOWN:
            if goodput >= SAME_GOODPUT * self._reference:
                self._reference = max(goodput, 0.99 * self._reference)
                self._trial = _Trial.NONE
                self._windows_held = self._hold_before_down  # keep descending
                self._hold(now_s, goodput, rows_per_s, noise)
            else:
                self._learn(goodput, self._reference, self._limit_before_trial / self._limit, noise)
                self._hold_before_down = min(16, self._hold_before_down * 2)
                self._move(now_s, self._limit_before_trial, _Trial.NONE)
        elif goodput > (1.0 + _worth_having(self._limit / self._limit_before_trial, noise)) * self._reference:
            self._hold_before_up = 2
            self._learn(self._reference, goodput, self._limit / self._limit_before_trial, noise)
            self._best = self._reference = goodput
            self._restart_search(now_s)
        else:
            self._less_is_worse = False
            self._hold_before_up = min(8, self._hold_before_up * 2)
            self._move(now_s, self._limit_before_trial, _Trial.NONE)

    def _learn(self, less: float, more: float, step: float, noise: float) -> None:
        """``step`` times as many requests carried ``more`` instead of ``less``: as far as it grew with them, they do not wait."""
        self._less_is_worse = more > (1.0 + ALMOST_SURE * noise) * less
        surely = more / (1.0 + SURE * noise)
        if step > 1.0 and surely > less > 0:
            self._knee.idle.is_at_least(min(1.0, math.log(surely / less) / math.log(step)) * self._mean_latency_s)

    def _hold(self, now_s: float, goodput: float, rows_per_s: float, noise: float) -> None:
        self._windows_held += 1
        changed = max(CAPACITY_CHANGED, SURE * noise)
        if self._reference and goodput > (1.0 + changed) * self._reference:
            self._best = self._reference = goodput
            self._restart_search(now_s)
            return
        if self._reference and goodput < (1.0 - changed) * self._reference:
            self._reference = goodput
            self._hold_before_down = 1
            self._hold_before_up = 2
        else:
            self._reference = goodput if not self._reference else 0.7 * self._reference + 0.3 * goodput
        knee = rows_per_s * self._knee.idle.latency_s
        queueing = self._mean_latency_s > 2.0 * self._knee.idle.latency_s
        lower = max(1.0, self._limit * (LONG_STEP_DOWN if queueing else STEP_DOWN))
        if self._windows_held >= self._hold_before_down and lower >= max(self._initial, CUSHION * knee):
            self._move(now_s, lower, _Trial.DOWN)
        elif self._windows_held >= self._hold_before_up and self._limit < self._maximum:
            throttled_lately = now_s - self._last_cut_s < 30.0
            higher = max(self._limit + 1.0, self._limit * (CAUTIOUS_STEP_UP if throttled_lately else STEP_UP))
            if higher > self._knee.most(rows_per_s) and not self._less_is_worse and self._windows_held < 4 * self._hold_before_up:
                return
            self._move(now_s, min(self._maximum, higher), _Trial.UP)

    def _move(self, now_s: float, limit: float, trial: _Trial) -> None:
        self._limit_before_trial = self._limit
        self._limit = limit
        self._leap = 0.0
        self._trial = trial
        self._windows_held = 0
        self._phase = _Phase.SETTLING
        self._settled_at_s = now_s

    def _enter_cruise(self, now_s: float) -> None:
        self._flat_rounds = 0
        self._move(now_s, self._limit, _Trial.NONE)
        self._rounds = 0

    def _restart_search(self, now_s: float) -> None:
        self._phase = _Phase.SLOW_START
        self._trial = _Trial.NONE
        self._flat_rounds = 0
        self._windows_held = 0
        self._rounds = 0
        self._earned = self._limit
        self._less_is_worse = False
        self._open_window(now_s)
