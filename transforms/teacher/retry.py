"""When to send again, and when to give a request up: pure functions over a request's history.

Waits are exponential with full jitter (Brooker, "Exponential Backoff And Jitter", 2015): a random share of a ceiling that doubles
with every failure, so that rows which failed together do not come back together. A wait is never shorter than the server asked.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.teacher.specs import PatienceSpec

LONGEST_SERVER_WAIT_S = 600.0  # a day's Retry-After is a quota that ran out: better to come back and see


def attempt_timeout_s(patience: PatienceSpec, timeouts_so_far: int) -> float:
    """The time the next attempt may take: longer once one ran out of time."""
    return patience.attempt_s if timeouts_so_far == 0 else max(patience.attempt_s, patience.longest_attempt_s)


def may_retry(
    failure: RequestFailure, failures_by_kind: Mapping[FailureKind, int], age_s: float, patience: PatienceSpec, excused_s: float = 0.0
) -> bool:
    """Whether the request gets another attempt.

    ``failures_by_kind`` counts the latest failure; ``age_s`` is the time since the request was first sent, waits included, of which the
    endpoint was out for ``excused_s``: that does not count where nobody set the request's time.
    """
    budget = failure.kind.budget
    if budget is None:
        return False
    if patience.payload_s is not None:
        return age_s < patience.payload_s
    return failures_by_kind[failure.kind] < budget.most and age_s - excused_s < budget.lifetime_s


def wait_s(failure: RequestFailure, failures_of_kind: int, randomness: random.Random) -> float:
    """Seconds until the next attempt of a request whose failure has a budget, at least what the server asked for."""
    budget = failure.kind.budget
    assert budget is not None, failure.kind
    ceiling = min(budget.longest_s, budget.base_s * 2.0 ** min(failures_of_kind - 1, 16))
    wait = randomness.random() * ceiling
    if failure.retry_after_s is not None:
        asked = min(failure.retry_after_s, LONGEST_SERVER_WAIT_S)
        # jitter on top of what was asked: rows given the same moment must not all come at it
        wait = asked + randomness.random() * min(ceiling, 0.1 * asked + 0.05)
    return wait
