"""When to pause, and when to stop."""

import pytest

from transforms.elements.failures import FailureKind, RequestFailure, StopCause
from transforms.teacher.health import DOUBT_AFTER, Doubt, EndpointHealth, Finding
from transforms.teacher.specs import PatienceSpec

MANY = 1000
PATIENCE = PatienceSpec(first_answer_s=15.0, outage_s=300.0)


def failure(kind: FailureKind, status: int | None = None) -> RequestFailure:
    return RequestFailure(kind, f"status {status}", status, "the body")


def test_an_endpoint_that_was_never_reached_is_given_up_soon_and_named() -> None:
    health = EndpointHealth("http://h/v1/chat/completions", PATIENCE)
    for _ in range(DOUBT_AFTER):
        assert health.doubt is None
        assert health.failed(0.0, failure(FailureKind.CANNOT_CONNECT), MANY) is None
    assert health.doubt is Doubt.IS_IT_THERE
    stops = [health.question_failed(float(second), failure(FailureKind.CANNOT_CONNECT)) for second in range(16)]
    assert stops[:15] == [None] * 15
    assert stops[15] is not None
    assert stops[15].cause is StopCause.ENDPOINT_GONE
    assert "http://h" in stops[15].detail


def test_an_outage_is_probed_ever_more_rarely_and_ends_with_an_answer() -> None:
    health = EndpointHealth("http://h", PATIENCE)
    health.answered()
    for _ in range(DOUBT_AFTER):
        health.failed(100.0, failure(FailureKind.UNAVAILABLE, 503), MANY)
    assert health.question_delay_s(100.0) == 0
    delays = []
    for second in range(5):
        assert health.question_failed(100.0 + second, failure(FailureKind.UNAVAILABLE, 503)) is None
        delays.append(health.question_delay_s(100.0 + second))
    assert delays == [0.5, 1.0, 2.0, 4.0, 5.0]
    assert health.out
    assert health.question_answered() is Finding.ENDPOINT_IS_BACK
    assert health.doubt is None
    assert not health.out


def test_a_question_that_is_answered_at_once_blames_the_rows() -> None:
    health = EndpointHealth("http://h", PATIENCE)
    health.answered()
    for _ in range(DOUBT_AFTER):
        health.failed(100.0, failure(FailureKind.SERVER_ERROR, 500), MANY)
    assert health.question_answered() is Finding.ROWS_AT_FAULT


def test_where_few_rows_are_left_fewer_failures_raise_an_alarm() -> None:
    health = EndpointHealth("http://h", PATIENCE)
    health.answered()
    for _ in range(3):
        assert health.doubt is None
        health.failed(0.0, failure(FailureKind.SERVER_ERROR, 500), rows_left=1)
    assert health.doubt is not None


def test_patience_with_an_outage_ends() -> None:
    health = EndpointHealth("http://h", PATIENCE)
    health.answered()
    for _ in range(DOUBT_AFTER):
        health.failed(0.0, failure(FailureKind.CONNECTION_LOST), MANY)
    assert health.question_failed(299.0, failure(FailureKind.CONNECTION_LOST)) is None
    stop = health.question_failed(300.0, failure(FailureKind.CONNECTION_LOST))
    assert stop is not None
    assert stop.cause is StopCause.ENDPOINT_GONE


@pytest.mark.parametrize("kind", [FailureKind.FORBIDDEN, FailureKind.NOT_FOUND])
def test_refusals_of_the_first_rows_and_of_our_question_stop_at_once(kind: FailureKind) -> None:
    health = EndpointHealth("http://h", PATIENCE)
    assert [health.failed(0.0, failure(kind, 403), MANY) for _ in range(3)] == [None] * 3
    assert health.doubt is Doubt.DOES_IT_TAKE_OUR_SETTINGS
    stop = health.question_failed(0.1, failure(kind, 403))
    assert stop is not None
    assert stop.cause is StopCause.ENDPOINT_REFUSED
    assert "the body" in stop.detail


@pytest.mark.parametrize(("answered", "patience_s"), [(True, PATIENCE.outage_s), (False, PATIENCE.first_answer_s)])
def test_a_model_that_is_not_found_beside_503_is_waited_for_like_one_that_is_out(answered: bool, patience_s: float) -> None:
    """Of two routers before a model without replicas, one that was started later has never seen the model."""
    health = EndpointHealth("http://h", PATIENCE)
    if answered:
        health.answered()
    health.failed(0.0, failure(FailureKind.UNAVAILABLE, 503), MANY)
    for _ in range(8):
        assert health.failed(0.0, failure(FailureKind.NOT_FOUND, 404), MANY) is None
    assert health.question_failed(patience_s - 1.0, failure(FailureKind.NOT_FOUND, 404)) is None
    assert health.question_failed(patience_s, failure(FailureKind.NOT_FOUND, 404)) is not None
    health.answered()
    for _ in range(8):
        health.failed(400.0, failure(FailureKind.NOT_FOUND, 404), MANY)
    assert health.question_failed(411.0, failure(FailureKind.NOT_FOUND, 404)) is not None


def test_every_refused_request_is_counted_in_the_message() -> None:
    """The decision waits for rows from elsewhere after the question, but what was refused before it was refused."""
    health = EndpointHealth("http://h", PATIENCE)
    refused = failure(FailureKind.BAD_REQUEST, 400)
    for _ in range(50):
        assert health.failed(0.0, refused, MANY) is None
    assert health.question_failed(0.1, refused) is None
    stops = [health.failed(0.2, refused, MANY) for _ in range(8)]
    assert stops[:7] == [None] * 7
    assert stops[7] is not None
    assert "it refused at least 58 requests, from several places of the input, and a short one of our own" in stops[7].detail


def test_a_refusal_among_answers_raises_no_alarm() -> None:
    health = EndpointHealth("http://h", PATIENCE)
    for _ in range(100):
        health.answered()
        assert health.failed(0.0, failure(FailureKind.NOT_FOUND, 404), MANY) is None
        assert health.doubt is None


@pytest.mark.fault("D9", "R4")
@pytest.mark.parametrize("answers", [0, 100])
def test_a_spent_quota_stops_at_once_in_the_endpoints_own_words(answers: int) -> None:
    health = EndpointHealth("http://h", PATIENCE)
    for _ in range(answers):
        health.answered()
    stop = health.failed(0.0, RequestFailure(FailureKind.QUOTA_SPENT, "status 429", 429, "You exceeded your current quota"), MANY)
    assert stop is not None
    assert stop.cause is StopCause.ENDPOINT_REFUSED
    assert "You exceeded your current quota" in stop.detail
