"""When to retry a request, and when to reject it: pure functions of the request's history.

Waits are exponential with full jitter (Brooker, "Exponential Backoff And Jitter", 2015): a random share of a maximum that doubles
with every failure, so that rows which failed together do not return together. A wait is never shorter than the server asked.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.teacher.specs import PatienceSpec

LONGEST_SERVER_WAIT_S = 600.0  # a Retry-After of a day means a spent quota: better to try earlier


def attempt_timeout_s(patience: PatienceSpec, timeouts_so_far: int) -> float:
    """The time limit of the next attempt: longer after a timeout."""
    return patience.attempt_s if timeouts_so_far == 0 else max(patience.attempt_s, patience.longest_attempt_s)


def may_retry(
    failure: RequestFailure, failures_by_kind: Mapping[FailureKind, int], age_s: float, patience: PatienceSpec, excused_s: float = 0.0
) -> bool:
    """Whether the request gets another attempt.

    ``failures_by_kind`` includes the latest failure; ``age_s`` is the time since the request was first sent, including waits. The
    endpoint was out for ``excused_s`` of it: this does not count unless the user limits the request's time.
    """
    budget = failure.kind.budget
    if budget is None:
        return False
    if patience.payload_s is not None:
        return age_s < patience.payload_s
    return failures_by_kind[failure.kind] < budget.most and age_s - excused_s < budget.lifetime_s


def wait_s(failure: RequestFailure, failures_of_kind: int, randomness: random.Random) -> float:
    """Seconds until the next attempt of a request whose failure has a budget, at least the server's requested wait."""
    budget = failure.kind.budget
    assert budget is not None, failure.kind
    ceiling = min(budget.longest_s, budget.base_s * 2.0 ** min(failures_of_kind - 1, 16))
    wait = randomness.random() * ceiling
    if failure.retry_after_s is not None:
        asked = min(failure.retry_after_s, LONGEST_SERVER_WAIT_S)
        # jitter on top of the requested wait: rows with the same time must not all return at once
        wait = asked + randomness.random() * min(ceiling, 0.1 * asked + 0.05)
    return wait
