"""What servers say about waiting and budgets, in all the forms they say it."""

import time
from email.utils import formatdate

import pytest

from transforms.teacher.server_hints import RateBudget, duration_s, read_budget, retry_after_s, wait_in_words_s

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": formatdate(NOW + 12, usegmt=True)}, 12.0),
        ({"Retry-After": formatdate(NOW - 12, usegmt=True)}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "Retry-After": "1"}, 0.25),
        ({"x-ms-retry-after-ms": "40", "Retry-After": "1"}, 0.04),
        ({"Retry-After": "86400"}, 86400.0),
        ({"Retry-After": "1_0"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"llm_provider-retry-after": "60"}, 60.0),
        ({"llm_provider-retry-after": "60", "Retry-After": "2"}, 2.0),
        ({"x-rate-limit-reset-tokens": "55", "x-ratelimit-remaining-requests": "10"}, 55.0),
        ({"x-rate-limit-reset-tokens": "55", "x-rate-limit-reset-requests": "58"}, 58.0),
        ({"x-rate-limit-reset-tokens": "55", "Retry-After": "3"}, 3.0),
        ({"x-rate-limit-reset-tokens": "55", "x-ratelimit-remaining-tokens": "900"}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int((NOW + 20) * 1000))}, 20.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW + 20))}, 20.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW - 20))}, 0.0),
        ({"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": str(int(NOW + 20))}, None),
        ({"RateLimit-Reset": "30", "RateLimit-Remaining": "0"}, 30.0),
        ({"RateLimit-Reset": "soon"}, None),
        ({"Retry-After": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"}, None),
        ({"Retry-After": "Mon, 01 Jan 99999 00:00:00 GMT"}, None),
    ],
    ids=lambda value: str(value)[:60],
)
@pytest.mark.fault("X-A4", "R4")
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m0s", 360.0), ("1.5s", 1.5), ("120ms", 0.12), ("1h2m3s", 3723.0), ("30", 30.0), ("later", None), ("5x", None), ("", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert duration_s(text) == seconds


def test_budgets() -> None:
    headers = {"x-ratelimit-limit-tokens": "1000", "x-ratelimit-remaining-tokens": "400", "x-ratelimit-reset-tokens": "36s"}
    assert read_budget(headers, "tokens", NOW) == RateBudget(400.0, 1000.0, 36.0)
    assert read_budget(headers, "requests", NOW) is None
    assert read_budget({"x-ratelimit-remaining-requests": "-1"}, "requests", NOW) is None
    assert read_budget({"x-ratelimit-remaining-requests": "5", "x-ratelimit-limit-requests": "0"}, "requests", NOW) == RateBudget(5.0)


@pytest.mark.fault("X-C6")
def test_a_duration_of_thousands_of_digits_is_refused_at_once() -> None:
    started = time.thread_time()
    assert duration_s("1" * 100_000) is None
    assert read_budget({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1" * 100_000}, "requests", NOW) == RateBudget(5.0)
    assert time.thread_time() - started < 0.5


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("please try again in 120ms. visit", 0.12),
        ("please try again in 1m2.5s.", 62.5),
        ("please try again in 14m24s. need more", 864.0),
        ("please retry after 6 seconds.", 6.0),
        ("please retry after 86400 seconds", 86400.0),
        ("try again after 1 seconds", 1.0),
        ("please wait 2 hours and 5 minutes", 7500.0),
        ("quota exceeded\n34.5s", 34.5),
        ("try again later", None),
        ("limit of 500 per minute", None),
        ("", None),
    ],
)
def test_waits_in_words(text: str, seconds: float | None) -> None:
    assert wait_in_words_s(text) == seconds


@pytest.mark.parametrize(
    ("message", "wait_s"),
    [
        ("quota will be replenished in 00:00:42.", 42.0),
        ("quota will be replenished in 10.01:00:00", 867_600.0),
        ("request at 10:11:12 failed", None),
    ],
)
def test_a_wait_until_a_time_of_day(message: str, wait_s: float | None) -> None:
    assert wait_in_words_s(message) == wait_s


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "30s"}, 30.0),
        ({"Retry-After": "1m30s"}, 90.0),
        ({"Retry-After": "30 seconds"}, 30.0),
        ({"Retry-After": "2 minutes"}, 120.0),
        ({"Retry-After": "30, 30"}, 30.0),
        ({"Retry-After": str(int(NOW) + 30)}, 30.0),
        ({"Retry-After": str(int(NOW + 30) * 1000)}, 30.0),
        ({"Retry-After": "2023-11-14T22:13:50Z"}, 30.0),
        ({"Retry-After": "2023-11-14T22:13:50+00:00"}, 30.0),
        ({"Retry-After": "2023-11-14T22:13:00Z"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "30 apples"}, None),
        ({"X-RateLimit-Reset": "2023-11-14T22:13:50Z", "X-RateLimit-Remaining": "0"}, 30.0),
        ({"RateLimit": "limit=100, remaining=0, reset=30"}, 30.0),
        ({"RateLimit": '"default";r=0;t=30'}, 30.0),
        ({"RateLimit": '"default";r=5;t=30'}, None),
    ],
)
def test_other_spellings_of_waits(headers: dict[str, str], wait_s: float | None) -> None:
    assert retry_after_s(headers, NOW) == (None if wait_s is None else pytest.approx(wait_s))


def test_a_budget_may_be_full_again_at_a_moment() -> None:
    headers = {"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": str(int(NOW) + 30)}
    assert read_budget(headers, "requests", NOW) == RateBudget(5.0, None, 30.0)


@pytest.mark.parametrize(
    ("message", "wait_s"),
    [
        ("expected available in 12 seconds.", 12.0),
        ("try again in ~20s", 20.0),
        ("请在 30 秒后重试", 30.0),
        ("1 分钟后再试", 60.0),
        ("请于 60s 后重试", 60.0),
        ("请稍后重试", None),
        ("没有 3 秒的等待", None),
    ],
)
def test_waits_in_other_words(message: str, wait_s: float | None) -> None:
    assert wait_in_words_s(message) == wait_s
