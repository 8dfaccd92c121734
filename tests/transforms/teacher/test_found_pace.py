"""The pace of an endpoint that refuses and does not say why: measured between refusals, on a clock moved by hand and in virtual time."""

import math

import pytest
from virtual_server import ServerModel, run_on_server

from transforms.teacher.found_pace import FoundPace


def paces_found(rate_per_s: float, burst: float, seconds: float) -> list[float]:
    """The pace after each change of it, where a bucket decides and every answer comes at once."""
    pace, found, now_s, level, level_at_s = FoundPace(), [], 0.0, burst, 0.0
    while now_s < seconds:
        now_s += max(pace.delay_s(now_s), 0.001)
        pace.sent(now_s)
        level, level_at_s = min(burst, level + (now_s - level_at_s) * rate_per_s), now_s
        if level >= 1.0:
            level -= 1.0
            pace.answered()
        elif pace.refused(now_s, now_s, another_limit=False):
            found.append(pace.per_s(now_s))
    return found


@pytest.mark.parametrize(("rate_per_s", "burst"), [(2.0, 1.0), (2.0, 10.0), (30.0, 1.0), (50.0, 5.0), (100.0, 20.0), (300.0, 100.0)])
def test_the_pace_is_close_to_what_the_bucket_refills(rate_per_s: float, burst: float) -> None:
    found = paces_found(rate_per_s, burst, 60.0 + 120.0 / rate_per_s)
    assert len(found) >= 3
    for per_s in found[-2:]:
        assert 0.75 * rate_per_s <= per_s <= 1.3 * rate_per_s


def test_no_pace_is_needed_until_something_is_refused() -> None:
    pace = FoundPace()
    for _ in range(1000):
        assert pace.delay_s(0.0) == 0.0
        pace.sent(0.0)
        pace.answered()
    assert pace.per_s(100.0) == math.inf


def test_one_refusal_is_chance() -> None:
    pace = FoundPace()
    for number in range(200):
        pace.sent(0.01 * number)
        pace.answered()
    assert not pace.refused(1.99, 2.0, another_limit=False)
    assert pace.delay_s(2.0) == 0.0


def test_without_refusals_the_pace_grows_until_it_holds_nothing_back() -> None:
    pace = FoundPace()
    for number in range(200):
        pace.sent(0.01 * number)
    assert [pace.refused(1.98, 2.0, False), pace.refused(1.99, 2.0, False)] == [False, True]
    before = [pace.per_s(2.0 + second) for second in range(60)]
    assert before == sorted(before)
    assert before[-1] > 1000.0


@pytest.mark.parametrize(
    ("latency_s", "sigma", "rate_per_s", "burst"),
    [(0.1, 0.0, 50.0, 5.0), (0.2, 0.0, 100.0, 20.0), (0.5, 0.0, 50.0, 5.0), (0.5, 0.6, 50.0, 5.0), (1.0, 0.6, 60.0, 10.0)],
)
def test_a_rate_is_used_and_seldom_passed(latency_s: float, sigma: float, rate_per_s: float, burst: float) -> None:
    # the latency decides how many are on the wire at that rate, and those must not be taken for a limit on number
    seen = run_on_server(ServerModel(latency_s, sigma, rate_per_s=rate_per_s, burst=burst), 1000)
    assert seen.reasons == {"answered": 1000}
    ended_s = seen.answered[-50][0]
    assert seen.answers_per_s(6.0, ended_s) >= 0.88 * rate_per_s
    assert seen.refused_share <= 0.1


def test_a_strict_rate_without_any_burst_is_found() -> None:
    seen = run_on_server(ServerModel(0.6, 0.3, rate_per_s=30.0, burst=1.0), 600)
    assert seen.reasons == {"answered": 600}
    assert seen.answers_per_s(10.0, seen.answered[-40][0]) >= 0.8 * 30.0


def test_a_refusal_is_due_to_the_pace_once_it_is_measured_holds_back_and_is_no_less_than_was_taken() -> None:
    pace = FoundPace()
    assert not pace.sent(0.0)
    for number in range(200):
        pace.sent(0.02 * number)
    assert [pace.refused(3.96, 4.0, False), pace.refused(3.98, 4.0, False)] == [False, True]
    assert not pace.sent(4.5)  # a guess
    for number in range(100):
        pace.sent(4.5 + 0.02 * number)
    assert [pace.refused(6.46, 6.5, False), pace.refused(6.48, 6.5, False)] == [False, True]
    now_s, due = 6.5, {}
    while now_s < 9.0:
        now_s += pace.delay_s(now_s)
        due[pace.per_s(now_s)] = pace.sent(now_s)
    measured_per_s = 50.0
    assert not any(is_due for per_s, is_due in due.items() if per_s < 0.98 * measured_per_s)
    assert all(is_due for per_s, is_due in due.items() if per_s > 1.02 * measured_per_s)
    assert not pace.sent(now_s + 1.0)  # nothing was held back


def test_rows_that_leave_together_keep_the_pace() -> None:
    # every row that fits below the limit leaves in one go: each must move the moment of the next
    pace = FoundPace()
    for _ in range(10):
        pace.sent(1.0)
    assert [pace.refused(1.0, 1.01, False), pace.refused(1.0, 1.01, False)] == [False, True]
    delays_s = []
    for _ in range(5):
        delays_s.append(pace.delay_s(2.0))
        pace.sent(2.0)
    assert delays_s == sorted(delays_s)
    assert delays_s[1] > 0.0
    assert delays_s[4] > 3 * delays_s[1]


def test_a_pause_is_not_part_of_the_measurement() -> None:
    pace = FoundPace()
    now_s = 0.0
    for _ in range(2):
        pace.sent(now_s)
        pace.refused(now_s, now_s, False)
    pace.pauses(30.0)
    for number in range(100):
        now_s = 30.0 + 0.02 * number
        pace.sent(now_s)
        pace.answered()
    pace.sent(now_s)
    assert [pace.refused(now_s, now_s, False), pace.refused(now_s, now_s, False)] == [False, True]
    assert 40.0 <= pace.per_s(now_s) <= 60.0
