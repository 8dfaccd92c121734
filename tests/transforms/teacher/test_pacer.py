"""The pace: told, found or set, with a clock moved by hand."""

from transforms.teacher.pacer import BudgetForecast, Pacer
from transforms.teacher.server_hints import Budget
from transforms.teacher.specs import ConcurrencySpec


def test_free_until_there_is_a_reason() -> None:
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


def test_budgets_told_in_headers_are_not_overdrawn() -> None:
    forecast = BudgetForecast(learns_cost=False)
    forecast.told(Budget(remaining=10, limit=60, reset_s=50.0), sent_s=0.0, number=1)
    sent, now_s = 1, 0.0
    while forecast.delay_s(now_s, sent, 1.0) == 0.0:
        sent += 1
    assert sent in (9, 10)
    assert 0.5 < forecast.delay_s(now_s, sent, 1.0) <= 2.0
    assert forecast.delay_s(3.0, sent, 1.0) == 0.0


def test_the_cost_of_a_request_is_learned_from_what_the_server_charges() -> None:
    forecast = BudgetForecast(learns_cost=True)
    forecast.told(Budget(remaining=9000, limit=10000, reset_s=6.0), 0.0, 1)
    forecast.told(Budget(remaining=7000, limit=10000, reset_s=18.0), 0.0, 21)
    assert forecast.delay_s(0.0, 21, 50_000.0) == 0.0  # 100 each, not 5000


def test_older_tellings_do_not_overrule_newer_ones() -> None:
    forecast = BudgetForecast(learns_cost=False)
    forecast.told(Budget(remaining=2, limit=60, reset_s=58.0), 1.0, 5)
    forecast.told(Budget(remaining=60, limit=60, reset_s=0.0), 0.0, 1)
    assert forecast.delay_s(1.0, 6, 1.0) > 0.0


def test_a_throttled_pace_is_cut_and_grows_back_past_the_peak() -> None:
    pacer = Pacer(ConcurrencySpec())
    for number in range(200):
        pacer.sent(number * 0.01)
        pacer.answered(number * 0.01)
    pacer.slow_down(2.0, 0.05)

    def pace_at(start_s: float) -> int:
        now_s, sent = start_s, 0
        while now_s < start_s + 1.0:
            delay_s = pacer.delay_s(now_s, 0, 1.0)
            if delay_s == 0.0:
                pacer.sent(now_s)
                sent += 1
            else:
                now_s += delay_s
        return sent

    assert 80 <= pace_at(2.0) <= 101
    assert 95 <= pace_at(6.0) <= 108
    assert pace_at(10.0) > 115


def test_an_endpoint_that_takes_nothing_is_left_alone_until_it_said() -> None:
    pacer = Pacer(ConcurrencySpec())
    for _ in range(8):
        pacer.throttled(5.0, 30.0)
    assert pacer.delay_s(5.0, 0, 1.0) == 30.0
    assert pacer.delay_s(35.0, 0, 1.0) == 0.0
    assert pacer.delay_s(35.0, 1, 1.0) > 0.0  # one probe at a time
    pacer.answered(35.1)
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
