"""When to send again: pure functions, randomness handed in."""

import random

import pytest

from transforms.elements.failures import FailureKind, RequestFailure, Then
from transforms.teacher.retry import LONGEST_SERVER_WAIT_S, attempt_timeout_s, may_retry, wait_s
from transforms.teacher.specs import PatienceSpec

UNLIMITED = PatienceSpec()
SENT_AGAIN = [kind for kind in FailureKind if kind.then is Then.SENT_AGAIN]


def failure(kind: FailureKind, retry_after_s: float | None = None) -> RequestFailure:
    return RequestFailure(kind, "x", retry_after_s=retry_after_s)


def test_every_passing_kind_has_a_finite_budget_and_throttling_the_longest() -> None:
    budgets = {kind: kind.budget for kind in FailureKind if kind.budget is not None}
    assert [*budgets] == SENT_AGAIN
    assert max(budgets, key=lambda kind: budgets[kind].lifetime_s) is FailureKind.THROTTLED


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind not in SENT_AGAIN], ids=lambda kind: kind.value)
def test_refusals_are_not_sent_again(kind: FailureKind) -> None:
    assert not may_retry(failure(kind), {kind: 1}, 0.0, UNLIMITED)


@pytest.mark.parametrize("kind", SENT_AGAIN, ids=lambda kind: kind.value)
def test_passing_failures_are_sent_again_within_their_budget(kind: FailureKind) -> None:
    budget = kind.budget
    assert budget is not None
    assert may_retry(failure(kind), {kind: 1}, 1.0, UNLIMITED)
    assert not may_retry(failure(kind), {kind: budget.most}, 1.0, UNLIMITED)
    assert not may_retry(failure(kind), {kind: 1}, budget.lifetime_s, UNLIMITED)


def test_max_retry_time_interval_replaces_the_budgets() -> None:
    patience = PatienceSpec(payload_s=10.0)
    assert may_retry(failure(FailureKind.TIMED_OUT), {FailureKind.TIMED_OUT: 500}, 9.9, patience)
    assert not may_retry(failure(FailureKind.THROTTLED), {FailureKind.THROTTLED: 1}, 10.0, patience)


def test_waits_have_full_jitter_under_a_doubling_ceiling() -> None:
    randomness = random.Random(1)
    budget = FailureKind.SERVER_ERROR.budget
    assert budget is not None
    for failures in range(1, 20):
        ceiling = min(budget.longest_s, budget.base_s * 2 ** (failures - 1))
        waits = [wait_s(failure(FailureKind.SERVER_ERROR), failures, randomness) for _ in range(300)]
        assert 0 <= min(waits) < 0.1 * ceiling
        assert 0.9 * ceiling < max(waits) <= ceiling


@pytest.mark.parametrize("asked", [0.05, 1.0, 30.0, 86400.0])
def test_a_wait_is_never_shorter_than_asked_but_clamped(asked: float) -> None:
    randomness = random.Random(2)
    for failures in (1, 5, 50):
        wait = wait_s(failure(FailureKind.THROTTLED, asked), failures, randomness)
        assert wait >= min(asked, LONGEST_SERVER_WAIT_S)
        assert wait <= 1.1 * LONGEST_SERVER_WAIT_S + 0.05


def test_attempts_get_more_time_after_a_timeout() -> None:
    patience = PatienceSpec(attempt_s=180.0, longest_attempt_s=300.0)
    assert [attempt_timeout_s(patience, timeouts) for timeouts in (0, 1, 2)] == [180.0, 300.0, 300.0]
