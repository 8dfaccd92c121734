"""When the next request may leave: the user's cap (requests per minute) and the budgets that the endpoint reports in its headers.

The strictest wins. Where the endpoint reports nothing, ``found_pace`` finds the pace from its refusals. It has no clock; every call passes the
time in seconds.
"""

from __future__ import annotations

import math
from collections import deque

from transforms.teacher.server_hints import RateBudget
from transforms.teacher.specs import ConcurrencySpec

COST_SAMPLE_REQUESTS = 16  # with fewer, the rounding of the reported numbers outweighs the costs
COST_WINDOW_REQUESTS = 256  # requests after which the start of the sample moves; in a shorter one, answers out of order mislead
COST_VARIATION = 0.5  # standard deviation of a request's cost by its mean; lognormal answer lengths have 0.4 to 1
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
        self._latest: RateBudget | None = None
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

    def _looks_constant(self, budget: RateBudget) -> bool:
        """Whether this report is one of several equal ones in a row that say "nothing left" although requests are answered."""
        empty = budget.remaining < 1.0 and (budget.reset_s is None or budget.reset_s >= CONSTANT_RESET_S)
        self._same_in_a_row = self._same_in_a_row + 1 if empty and budget == self._latest else int(empty)
        self._latest = budget
        return self._same_in_a_row >= CONSTANT_REPORTS

    def refused(self) -> None:
        """A request was throttled: it has a number, but cost nothing."""
        self._refused += 1

    def reported(self, budget: RateBudget, sent_s: float, number: int, sent_so_far: int, answered: bool = True) -> None:
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
    """What one endpoint allows one process to send. Call ``delay_s`` before each request and ``sent`` when it leaves."""

    def __init__(self, spec: ConcurrencySpec) -> None:
        self._cap_interval_s = 60.0 / spec.max_requests_per_minute if spec.max_requests_per_minute else 0.0
        self._cap_next_s = 0.0
        self._requests = BudgetForecast(learns_cost=False)
        self._tokens = BudgetForecast(learns_cost=True)
        self._sent = 0
        self._last_sent_s = 0.0
        self._throttled_in_a_row = 0
        self._closed_until_s = 0.0
        self._closed_for_s = FIRST_CLOSED_S
        self._probing = False

    def delay_s(self, now_s: float, in_flight: int, estimated_tokens: float) -> float:
        """Seconds until the next request may leave; 0 for now."""
        delay = self._closed_until_s - now_s
        if self._probing and in_flight > 0:
            delay = max(delay, 0.02)  # one request at a time until one is answered
        if self._cap_interval_s:
            delay = max(delay, self._cap_next_s - now_s)
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
        if self._cap_interval_s:
            # after a pause, at most one second's worth may be caught up
            self._cap_next_s = max(self._cap_next_s, now_s - 1.0) + self._cap_interval_s
        return self._sent

    def answered(self) -> None:
        """A request was answered."""
        self._throttled_in_a_row = 0
        self._closed_for_s = FIRST_CLOSED_S
        self._probing = False

    def reported(self, sent_s: float, number: int, requests: RateBudget | None, tokens: RateBudget | None, answered: bool = True) -> None:
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

    def throttled(self, now_s: float, retry_after_s: float | None) -> float | None:
        """A request was throttled. Many in a row pause all sending, as long as the server asks or longer each time.

        Returns until when; None where this one pauses nothing.
        """
        self._throttled_in_a_row += 1
        if (self._throttled_in_a_row < CLOSED_AFTER and not self._probing) or now_s < self._closed_until_s:
            return None
        wait_s = self._closed_for_s if retry_after_s is None else max(retry_after_s, 0.02)
        self._closed_until_s = now_s + min(wait_s, LONGEST_CLOSED_S)
        self._closed_for_s = min(LONGEST_CLOSED_S, self._closed_for_s * 2.0)
        self._probing = True
        return self._closed_until_s
