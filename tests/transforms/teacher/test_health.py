"""When to pause, and when to stop."""

import pytest

from transforms.elements.failures import FailureKind, RequestFailure, StopCause
from transforms.teacher.health import OPEN_AFTER, EndpointHealth
from transforms.teacher.specs import PatienceSpec

PATIENCE = PatienceSpec(first_answer_s=15.0, outage_s=300.0)


def failure(kind: FailureKind, status: int | None = None) -> RequestFailure:
    return RequestFailure(kind, f"status {status}", status, "the body")


def test_an_endpoint_that_was_never_reached_is_given_up_soon_and_named() -> None:
    health = EndpointHealth("http://h/v1/chat/completions", PATIENCE)
    stops = [health.failed(float(second), failure(FailureKind.CANNOT_CONNECT)) for second in range(16)]
    assert stops[:15] == [None] * 15
    assert stops[15] is not None and stops[15].cause is StopCause.ENDPOINT_GONE
    assert "http://h" in stops[15].detail


def test_an_outage_pauses_probes_and_ends_with_an_answer() -> None:
    health = EndpointHealth("http://h", PATIENCE)
    health.answered()
    for _ in range(OPEN_AFTER):
        assert not health.paused
        assert health.failed(100.0, failure(FailureKind.UNAVAILABLE, 503)) is None
    assert health.paused
    assert 0 < health.probe_delay_s(100.0) <= 1.0
    assert health.failed(399.0, failure(FailureKind.UNAVAILABLE, 503)) is None
    assert health.answered()
    assert not health.paused
    assert not health.answered()


def test_patience_with_an_outage_ends() -> None:
    health = EndpointHealth("http://h", PATIENCE)
    health.answered()
    health.failed(0.0, failure(FailureKind.CONNECTION_LOST))
    stop = health.failed(300.0, failure(FailureKind.CONNECTION_LOST))
    assert stop is not None and stop.cause is StopCause.ENDPOINT_GONE


@pytest.mark.parametrize("kind", [FailureKind.FORBIDDEN, FailureKind.NOT_FOUND])
def test_refusals_on_the_first_answers_stop_early(kind: FailureKind) -> None:
    health = EndpointHealth("http://h", PATIENCE)
    stops = [health.failed(0.0, failure(kind, 403)) for _ in range(3)]
    assert stops[:2] == [None, None]
    assert stops[2] is not None and stops[2].cause is StopCause.ENDPOINT_REFUSED
    assert "the body" in stops[2].detail


def test_a_refusal_among_answers_does_not_stop() -> None:
    health = EndpointHealth("http://h", PATIENCE)
    for _ in range(100):
        health.answered()
        assert health.failed(0.0, failure(FailureKind.NOT_FOUND, 404)) is None


def test_rows_refused_from_the_start_stop_the_run() -> None:
    health = EndpointHealth("http://h", PATIENCE)
    stops = [health.failed(0.0, failure(FailureKind.BAD_REQUEST, 400)) for _ in range(30)]
    assert stops[-1] is not None and stops[-2] is None


@pytest.mark.fault("D9", "R4")
@pytest.mark.parametrize("answers", [0, 100])
def test_a_spent_quota_stops_at_once_in_the_endpoints_own_words(answers: int) -> None:
    health = EndpointHealth("http://h", PATIENCE)
    for _ in range(answers):
        health.answered()
    stop = health.failed(0.0, RequestFailure(FailureKind.QUOTA_SPENT, "status 429", 429, "You exceeded your current quota"))
    assert stop is not None and stop.cause is StopCause.ENDPOINT_REFUSED
    assert "You exceeded your current quota" in stop.detail
