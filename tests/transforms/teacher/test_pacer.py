"""The pace: reported, found or set, with a clock moved by hand."""

from collections.abc import Callable

import pytest

from transforms.teacher.pacer import BudgetForecast, Pacer
from transforms.teacher.server_hints import RateBudget
from transforms.teacher.specs import ConcurrencySpec


def test_no_delay_without_a_limit() -> None:
    pacer = Pacer(ConcurrencySpec())
    for _ in range(1000):
        assert pacer.delay_s(0.0, 0, 100.0) == 0.0
        pacer.sent(0.0)


def test_a_cap_per_minute_spreads_requests_evenly() -> None:
    pacer = Pacer(ConcurrencySpec(max_requests_per_minute=600))
    now_s, sent = 0.0, 0
    while now_s < 10.0:
        delay_s = pacer.delay_s(now_s, 0, 100.0)
        if delay_s == 0.0:
            pacer.sent(now_s)
            sent += 1
        else:
            now_s += delay_s
    assert 95 <= sent <= 111  # ten a second, and at most a second's worth at once in the beginning


def test_budgets_reported_in_headers_are_not_overdrawn() -> None:
    forecast = BudgetForecast(learns_cost=False)
    forecast.reported(RateBudget(remaining=10, limit=60, reset_s=50.0), sent_s=0.0, number=1, sent_so_far=1)
    sent, now_s = 1, 0.0
    while forecast.delay_s(now_s, sent, 1.0) == 0.0:
        sent += 1
    assert sent in (9, 10)
    assert 0.5 < forecast.delay_s(now_s, sent, 1.0) <= 2.0
    assert forecast.delay_s(3.0, sent, 1.0) == 0.0


def test_the_cost_of_a_request_is_learned_from_what_the_server_charges() -> None:
    forecast = BudgetForecast(learns_cost=True)
    forecast.reported(RateBudget(remaining=9000, limit=10000, reset_s=6.0), 0.0, 1, 1)
    forecast.reported(RateBudget(remaining=7000, limit=10000, reset_s=18.0), 0.0, 21, 21)
    assert forecast.delay_s(0.0, 21, 50_000.0) == 0.0  # 100 each, not 5000


def test_a_report_that_counts_requests_on_the_wire_does_not_make_them_look_cheap() -> None:
    # a server that reports what is left when it answers: several answers report the same, then one reports a large change
    forecast = BudgetForecast(learns_cost=True)
    capacity, cost, number, charged = 60_000.0, 100.0, 0, 0
    while number < 320:
        number += 1
        charged = max(charged, min(600, (number // 80 + 1) * 80 + 40))
        left = capacity - charged * cost
        forecast.reported(RateBudget(remaining=left, limit=capacity, reset_s=charged * cost / 1000.0), number * 0.001, number, charged)
    sent = charged
    while forecast.delay_s(0.4, sent, 5_000.0) == 0.0:
        sent += 1
    assert 460 <= sent <= 600  # 60,000 tokens are 600 requests of 100; those on the wire are counted twice for a while


def test_refused_requests_cost_no_tokens() -> None:
    forecast = BudgetForecast(learns_cost=True)
    forecast.reported(RateBudget(remaining=9000, limit=10000, reset_s=6.0), 0.0, 1, 1)
    for number in range(2, 82):
        forecast.refused()
        forecast.reported(RateBudget(remaining=9000, limit=10000, reset_s=6.0), 0.0, number, number)
    forecast.reported(RateBudget(remaining=5000, limit=10000, reset_s=30.0), 0.0, 121, 121)
    assert forecast.delay_s(0.0, 121, 1.0) == 0.0
    sent = 121
    while forecast.delay_s(0.0, sent, 1.0) == 0.0:
        sent += 1
    assert 155 <= sent <= 171  # 40 requests took 4,000: 5,000 more are 50 at most


def test_costs_not_reported_yet_are_assumed_to_vary() -> None:
    one, many = BudgetForecast(learns_cost=True), BudgetForecast(learns_cost=True)
    for forecast, number in ((one, 101), (many, 1)):
        forecast.reported(RateBudget(remaining=10_000, limit=20_000, reset_s=600.0), 0.0, number, 101)
    # the same 10,000 tokens, with one request on the wire and with a hundred
    assert one.delay_s(0.0, 102, 80.0) == 0.0
    many_fit = 1
    while many.delay_s(0.0, many_fit, 80.0) == 0.0:
        many_fit += 1
    assert 105 <= many_fit <= 121


def test_an_older_report_does_not_replace_a_newer_one() -> None:
    forecast = BudgetForecast(learns_cost=False)
    forecast.reported(RateBudget(remaining=2, limit=60, reset_s=58.0), 1.0, 5, 5)
    forecast.reported(RateBudget(remaining=60, limit=60, reset_s=0.0), 0.0, 1, 5)
    assert forecast.delay_s(1.0, 6, 1.0) > 0.0


def test_after_only_429s_the_pause_is_as_long_as_retry_after() -> None:
    pacer = Pacer(ConcurrencySpec())
    for _ in range(8):
        pacer.throttled(5.0, 30.0)
    assert pacer.delay_s(5.0, 0, 1.0) == 30.0
    assert pacer.delay_s(35.0, 0, 1.0) == 0.0
    assert pacer.delay_s(35.0, 1, 1.0) > 0.0  # one probe at a time
    pacer.answered()
    assert pacer.delay_s(35.1, 1, 1.0) == 0.0


def test_without_a_hint_the_pauses_double() -> None:
    pacer = Pacer(ConcurrencySpec())
    now_s, pauses = 0.0, []
    for _ in range(8):
        pacer.throttled(now_s, None)
    for _ in range(4):
        pauses.append(pacer.delay_s(now_s, 0, 1.0))
        now_s += pauses[-1]
        pacer.throttled(now_s, None)
    assert pauses == [0.25, 0.5, 1.0, 2.0]


def sent_within(pacer: Pacer, seconds: float, round_trip_s: float, report: Callable[[int], tuple[RateBudget | None, RateBudget | None]]) -> int:
    """How many requests leave, one at a time, when the answer to each reports ``report(number)``."""
    now_s, sent = 0.0, 0
    while now_s < seconds:
        delay_s = pacer.delay_s(now_s, 0, 2000.0)
        if delay_s > 0:
            now_s += delay_s
            continue
        number, left_s = pacer.sent(now_s), now_s
        sent += 1
        now_s += round_trip_s
        pacer.reported(left_s, number, *report(number))
        pacer.answered()
    return sent


@pytest.mark.fault("X-B1")
@pytest.mark.parametrize(
    ("requests", "tokens", "least"),
    [
        (RateBudget(0, 1, 0.5), None, 100),
        (None, RateBudget(0, 1000, 2.0), 25),  # a request is estimated at 2,000
        (None, RateBudget(900, 1000, 6.0), 9),
        (None, RateBudget(10_000, 10_000, 0.0), 1),
        (RateBudget(1, 1, 30.0), None, 2),
        (RateBudget(0, 60, 360.0), None, 50),  # a mock server's constants: ignored when answers come
        (None, RateBudget(0, 150_000, 360.0), 50),
        (RateBudget(0, None, None), None, 50),
    ],
)
def test_a_budget_below_the_cost_of_one_request_does_not_block_for_ever(
    requests: RateBudget | None, tokens: RateBudget | None, least: int
) -> None:
    pacer = Pacer(ConcurrencySpec())
    assert sent_within(pacer, 60.0, 0.1, lambda number: (requests, tokens)) >= least


@pytest.mark.fault("X-B1")
@pytest.mark.parametrize("budget", [RateBudget(1), RateBudget(0, 60, 360.0), RateBudget(1, 60)])
def test_a_budget_reported_only_once_is_forgotten(budget: RateBudget) -> None:
    pacer = Pacer(ConcurrencySpec())
    assert sent_within(pacer, 300.0, 0.1, lambda number: (budget if number == 3 else None, None)) > 50


@pytest.mark.fault("X-B1")
def test_a_budget_that_only_refusals_report_counts_until_answers_come_without_it() -> None:
    pacer = Pacer(ConcurrencySpec())
    number = pacer.sent(0.0)
    pacer.reported(0.0, number, None, RateBudget(0, 150_000, 360.0), answered=False)
    assert pacer.delay_s(0.1, 0, 500.0) > 1.0
    for second in range(3):
        number = pacer.sent(1.0 + second)
        pacer.reported(1.0 + second, number, None, None)
    assert pacer.delay_s(4.0, 0, 500.0) == 0.0
