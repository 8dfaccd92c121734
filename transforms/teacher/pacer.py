"""When the next request may leave: the pace that rate limits allow.

Three sources, the strictest wins: the user's cap (requests per minute), the budgets that the endpoint reports in its headers, and a
pace found from 429s where it reports none. The found pace follows CUBIC's curve (RFC 9438): it is cut on a throttling event, returns
quickly to just below the pace that was throttled, stays there for a while, then grows faster and faster to find out whether there is more.
It has no clock; every call passes the time in seconds.
"""

from __future__ import annotations

import math
from collections import deque

from transforms.teacher.server_hints import Budget
from transforms.teacher.specs import ConcurrencySpec

CUT = 0.9
RECOVERY_S = 4.0  # seconds until the curve is back at the pace that was throttled
FIRST_GUESS = 0.7  # of the sending pace at the first throttling; 429s correct a pace that is too high within a second
CURVE = (1.0 - CUT) / RECOVERY_S**3
EVEN_PACE_PER_S = 100.0  # at this pace the curve is CUBIC's own
SMALLEST_STEP, LARGEST_STEP = 0.5, 3.0
DEEPEST_CUT = 0.5  # of the pace that was throttled: right after a cut, answers are too few to say how much gets through
FAST_CONVERGENCE = 0.95  # when a peak is below the last one, another client may be growing: leave it room (RFC 9438, 4.7)
COST_SAMPLE_REQUESTS = 16  # with fewer, the rounding of the reported numbers outweighs the costs
COST_WINDOW_REQUESTS = 256  # requests after which the start of the sample moves; in a shorter one, answers out of order mislead
COST_VARIATION = 0.5  # standard deviation of a request's cost by its mean; lognormal answer lengths have 0.4 to 1
GROWTH_PER_S = 1.25  # well past its peak without a 429, the peak was too low: grow faster
GUESS_DOUBLES_S = 0.5
CLOSED_AFTER = 8  # throttled in a row without one answer: the endpoint takes nothing at all
LONGEST_CLOSED_S = 60.0
FIRST_CLOSED_S = 0.25
ANSWERS_UNTIL_FORGOTTEN = 3  # answers in a row without the budget: the server reports it only sometimes, so the last report is old
CONSTANT_REPORTS = 3  # answers in a row that report the same empty budget: the header is a constant, since requests are answered
CONSTANT_RESET_S = 5.0  # a budget that refills sooner may be reported the same each time


class BudgetForecast:
    """What is left of one reported budget (requests or tokens) between two reports.

    With ``learns_cost``, the cost of one request starts as an estimate and is learned from how the reports of the latest
    ``COST_WINDOW_REQUESTS`` to twice as many requests differ. Some servers report what was left when the request arrived, others what is left
    when they answer, after charging all requests on the wire. The cost is computed both ways, and the higher one is used.
    """

    def __init__(self, learns_cost: bool) -> None:
        self._learns_cost = learns_cost
        # number and sent so far (both less refusals), when sent, remaining: where this cost sample starts, and where the next will
        self._anchors: deque[tuple[int, int, float, float]] = deque(maxlen=2)
        self._remaining: float | None = None
        self._limit: float | None = None
        self._refill_per_s = 0.0
        self._reported_sent_s = -1.0  # when the request behind the latest report was sent
        self._reported_number = 0
        self._refused = 0
        self._learned_cost: float | None = None
        self._not_reported_in_a_row = 0
        self._same_in_a_row = 0
        self._latest: Budget | None = None
        self._is_constant = False

    @property
    def known(self) -> bool:
        """Whether there is a budget to keep."""
        return self._remaining is not None

    def not_reported(self) -> None:
        """A request was answered without this budget. After some of these in a row the budget is forgotten."""
        self._not_reported_in_a_row += 1
        if self._not_reported_in_a_row >= ANSWERS_UNTIL_FORGOTTEN:
            self._remaining = self._limit = None
            self._refill_per_s = 0.0
            self._anchors.clear()

    def _looks_constant(self, budget: Budget) -> bool:
        """Whether this report is one of several equal ones in a row that say "nothing left" although requests are answered."""
        empty = budget.remaining < 1.0 and (budget.reset_s is None or budget.reset_s >= CONSTANT_RESET_S)
        self._same_in_a_row = self._same_in_a_row + 1 if empty and budget == self._latest else int(empty)
        self._latest = budget
        return self._same_in_a_row >= CONSTANT_REPORTS

    def refused(self) -> None:
        """A request was throttled: it has a number, but cost nothing."""
        self._refused += 1

    def reported(self, budget: Budget, sent_s: float, number: int, sent_so_far: int, answered: bool = True) -> None:
        """The response to request ``number``, sent at ``sent_s``, reports ``budget``; it came when ``sent_so_far`` had been sent.

        ``answered`` is False for a refusal. A budget is ignored until its size or the time of its refill is reported.
        """
        self._not_reported_in_a_row = 0
        if self._is_constant or number <= self._reported_number:
            return
        if answered and self._looks_constant(budget):
            self._is_constant = True
            self._remaining = None
            return
        if budget.limit is None and budget.reset_s is None and self._limit is None:
            return
        limit = budget.limit if budget.limit is not None else max(budget.remaining, self._limit or 0.0)
        if budget.reset_s is not None and budget.reset_s > 0.05 and limit > budget.remaining:
            self._refill_per_s = (limit - budget.remaining) / budget.reset_s
        elif not self._refill_per_s:
            self._refill_per_s = limit / 60.0
        if self._learns_cost:
            self._learn((number - self._refused, sent_so_far - self._refused, sent_s, budget.remaining), limit)
        self._remaining = budget.remaining
        self._limit = limit
        self._reported_sent_s = sent_s
        self._reported_number = number

    def _learn(self, here: tuple[int, int, float, float], limit: float) -> None:
        number, sent_so_far, sent_s, remaining = here
        if remaining >= 0.98 * limit:
            self._anchors.clear()  # a full bucket hides what overflowed
        if not self._anchors:
            self._anchors.append(here)
            return
        first_number, first_sent_so_far, first_sent_s, first_remaining = self._anchors[0]
        charged = min(number - first_number, sent_so_far - first_sent_so_far)
        if charged >= COST_SAMPLE_REQUESTS:
            spent = first_remaining + self._refill_per_s * (sent_s - first_sent_s) - remaining
            self._learned_cost = max(0.0, spent / charged)
            if number - self._anchors[-1][0] >= COST_WINDOW_REQUESTS:
                self._anchors.append(here)

    def delay_s(self, now_s: float, sent_so_far: int, estimated_cost: float) -> float:
        """Seconds until one more request fits, given that requests up to ``sent_so_far`` have been sent."""
        if self._remaining is None or not self._refill_per_s:
            return 0.0
        cost = estimated_cost if self._learned_cost is None else self._learned_cost
        left = self._remaining + self._refill_per_s * (now_s - self._reported_sent_s)
        if self._limit is not None:
            left = min(left, self._limit)
        unreported = sent_so_far - self._reported_number
        left -= cost * unreported
        # one request is kept in reserve: the server's clock and ours differ by a trip. Where costs vary, add two standard deviations of the
        # next request and of those not reported yet
        reserve = 1.0
        if self._learns_cost:
            reserve += 2.0 * COST_VARIATION * math.sqrt(1 + unreported)
        needed = (1.0 + reserve) * cost
        if self._limit is not None:
            needed = min(needed, self._limit)  # there is never more than a full budget
        missing = needed - left
        if missing <= 0:
            return 0.0
        return min(missing / self._refill_per_s, LONGEST_CLOSED_S)

    @property
    def period_s(self) -> float:
        """Seconds in which an empty budget is full again; at most LONGEST_CLOSED_S."""
        if not self._refill_per_s or self._limit is None:
            return 0.0
        return min(self._limit / self._refill_per_s, LONGEST_CLOSED_S)


class Pacer:
    """The pace of one endpoint in one process. Call ``delay_s`` before each request and ``sent`` when it leaves."""

    def __init__(self, spec: ConcurrencySpec) -> None:
        self._cap_interval_s = 60.0 / spec.max_requests_per_minute if spec.max_requests_per_minute else 0.0
        self._cap_next_s = 0.0
        self._requests = BudgetForecast(learns_cost=False)
        self._tokens = BudgetForecast(learns_cost=True)
        self._sent = 0
        self._last_sent_s = 0.0
        self._peak_rate: float | None = None  # the pace at which throttling was met; None: no pace needed so far
        self._peak_is_a_guess = False
        self._cut_at_s = 0.0
        self._next_s = 0.0
        self._send_times: deque[float] = deque(maxlen=1024)
        self._answer_times: deque[float] = deque(maxlen=4096)
        self._throttled_in_a_row = 0
        self._closed_until_s = 0.0
        self._closed_for_s = FIRST_CLOSED_S
        self._probing = False

    @property
    def pace_per_s(self) -> float | None:
        """The found pace at its latest cut in requests per second; None while there was none."""
        return self._peak_rate

    def delay_s(self, now_s: float, in_flight: int, estimated_tokens: float) -> float:
        """Seconds until the next request may leave; 0 for now."""
        delay = self._closed_until_s - now_s
        if self._probing and in_flight > 0:
            delay = max(delay, 0.02)  # one request at a time until one is answered
        if self._cap_interval_s:
            delay = max(delay, self._cap_next_s - now_s)
        if self._peak_rate is not None:
            delay = max(delay, self._next_s - now_s)
        if self._requests.known:
            delay = max(delay, self._budget_delay_s(self._requests, now_s, in_flight, 1.0))
        if self._tokens.known:
            delay = max(delay, self._budget_delay_s(self._tokens, now_s, in_flight, estimated_tokens))
        return max(0.0, delay)

    def _budget_delay_s(self, forecast: BudgetForecast, now_s: float, in_flight: int, cost: float) -> float:
        delay = forecast.delay_s(now_s, self._sent, cost)
        if delay > 0 and in_flight == 0:
            # the budget may be below the cost of one request, or never be reported again: with nothing on the wire, wait at most one period
            delay = min(delay, max(0.0, self._last_sent_s + forecast.period_s - now_s))
        return delay

    def sent(self, now_s: float) -> int:
        """A request leaves now. Returns its number, for ``reported``."""
        self._sent += 1
        self._last_sent_s = now_s
        if self._peak_rate is None:
            self._send_times.append(now_s)
        if self._cap_interval_s:
            # after a pause, at most one second's worth may be caught up
            self._cap_next_s = max(self._cap_next_s, now_s - 1.0) + self._cap_interval_s
        if self._peak_rate is not None:
            self._next_s = max(self._next_s, now_s - 0.05) + 1.0 / self._rate(now_s)
        return self._sent

    def answered(self, now_s: float) -> None:
        """A request was answered."""
        self._answer_times.append(now_s)
        self._throttled_in_a_row = 0
        self._closed_for_s = FIRST_CLOSED_S
        self._probing = False

    def reported(self, sent_s: float, number: int, requests: Budget | None, tokens: Budget | None, answered: bool = True) -> None:
        """The response to request ``number`` reports these budgets; None for one it does not report. ``answered`` is False for a refusal."""
        if requests is not None:
            self._requests.reported(requests, sent_s, number, self._sent, answered)
        elif answered and self._requests.known:
            self._requests.not_reported()
        if tokens is not None:
            self._tokens.reported(tokens, sent_s, number, self._sent, answered)
        elif answered and self._tokens.known:
            self._tokens.not_reported()

    def refused(self) -> None:
        """A request was refused for any reason: it cost nothing."""
        self._tokens.refused()

    def throttled(self, now_s: float, retry_after_s: float | None) -> None:
        """A request was throttled. Many in a row pause all sending: as long as the server asks, or longer each time."""
        self._throttled_in_a_row += 1
        if self._throttled_in_a_row < CLOSED_AFTER and not self._probing:
            return
        if now_s < self._closed_until_s:
            return
        wait_s = self._closed_for_s if retry_after_s is None else max(retry_after_s, 0.02)
        self._closed_until_s = now_s + min(wait_s, LONGEST_CLOSED_S)
        self._closed_for_s = min(LONGEST_CLOSED_S, self._closed_for_s * 2.0)
        self._probing = True

    def slow_down(self, now_s: float, round_trip_s: float) -> None:
        """A throttling event: the pace of the latest answers becomes the new peak, and the pace goes below it."""
        since_s = max(now_s - 1.0, self._cut_at_s + round_trip_s)
        if now_s - since_s < 0.15:
            since_s = now_s - 0.15
        answers = 0
        for moment in reversed(self._answer_times):
            if moment < since_s:
                break
            answers += 1
        measured = max(answers, 1) / (now_s - since_s)
        if self._peak_rate is None:
            # answers lag behind requests by a round trip, which is most of the first seconds
            sent = sum(1 for moment in self._send_times if moment >= since_s)
            first_s = max(since_s, self._send_times[0]) if self._send_times else since_s
            measured = max(measured, FIRST_GUESS * sent / max(now_s - first_s, 0.15))
        else:
            throttled = self._rate(now_s)
            measured = min(max(measured, DEEPEST_CUT * throttled), throttled)
            self._peak_is_a_guess = answers == 0
            if measured < self._peak_rate and not self._peak_is_a_guess:
                measured *= FAST_CONVERGENCE
        self._peak_rate = max(measured, 0.05)
        self._cut_at_s = now_s
        self._next_s = max(self._next_s, now_s)

    def _rate(self, now_s: float) -> float:
        assert self._peak_rate is not None
        if self._peak_is_a_guess:
            # no request got through, so the pace is unknown: double until it throttles again
            doublings: float = 2.0 ** min((now_s - self._cut_at_s) / GUESS_DOUBLES_S, 20.0)
            return self._peak_rate * doublings
        since_peak_s = now_s - self._cut_at_s - RECOVERY_S
        faster: float = GROWTH_PER_S ** max(0.0, since_peak_s - RECOVERY_S)
        # a slow pace probes in relatively larger steps than a fast one: this evens out the shares of several processes
        step = min(LARGEST_STEP, max(SMALLEST_STEP, math.sqrt(EVEN_PACE_PER_S / self._peak_rate))) if since_peak_s > 0 else 1.0
        return self._peak_rate * (1.0 + step * CURVE * since_peak_s**3) * faster
