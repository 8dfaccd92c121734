"""What servers say about waiting and budgets, in all the forms they say it."""

from email.utils import formatdate

import pytest

from transforms.teacher.server_hints import Budget, duration_s, read_budget, retry_after_s

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
    ],
    ids=str,
)
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
    assert read_budget(headers, "tokens") == Budget(400.0, 1000.0, 36.0)
    assert read_budget(headers, "requests") is None
    assert read_budget({"x-ratelimit-remaining-requests": "-1"}, "requests") is None
    assert read_budget({"x-ratelimit-remaining-requests": "5", "x-ratelimit-limit-requests": "0"}, "requests") == Budget(5.0)
