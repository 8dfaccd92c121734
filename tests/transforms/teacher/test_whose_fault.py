"""A row that fails and an endpoint that fails are distinguished, in virtual time."""

import random
from collections.abc import Callable

import pytest
from virtual_teacher import HANGS, Asked, answer, failed, play

from transforms.elements.failures import FailureKind
from transforms.teacher.client import AttemptResult
from transforms.teacher.specs import PatienceSpec, SamplingSpec

HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>"
TROUBLES = {
    "503": failed(FailureKind.UNAVAILABLE, 503, "overloaded"),
    "500": failed(FailureKind.SERVER_ERROR, 500, "boom"),
    "refused connection": failed(FailureKind.CANNOT_CONNECT),
    "reset": failed(FailureKind.CONNECTION_LOST),
    "200, web page": failed(FailureKind.BROKEN_BODY, 200, HTML),
    "200, broken off": failed(FailureKind.BROKEN_OFF, 200, '{"choices":[{"finish_reason":"error"}]}'),
    "429": failed(FailureKind.THROTTLED, 429, "slow down"),
    "404": failed(FailureKind.NOT_FOUND, 404, "default backend - 404"),
    "401": failed(FailureKind.UNAUTHORIZED, 401, "no"),
    "400, unclear": failed(FailureKind.UNCLEAR_REFUSAL, 400, "the lattice did not fold"),
}


@pytest.mark.fault("T1", "X-B2")
@pytest.mark.parametrize("poisoned", [1, 3, 12])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("503", FailureKind.UNAVAILABLE),
        ("500", FailureKind.SERVER_ERROR),
        ("refused connection", FailureKind.CANNOT_CONNECT),
        ("reset", FailureKind.CONNECTION_LOST),
        ("200, web page", FailureKind.BROKEN_BODY),
        ("404", FailureKind.NOT_FOUND),
        ("400, unclear", FailureKind.UNCLEAR_REFUSAL),
    ],
)
def test_rows_that_always_fail_end_nothing_but_themselves(name: str, kind: FailureKind, poisoned: int) -> None:
    def teacher(asked: Asked) -> AttemptResult:
        return TROUBLES[name] if asked.row is not None and asked.row < poisoned else answer()

    played = play(teacher, 60)
    assert played.stopped is None
    assert played.reasons() == {"answered": 60 - poisoned, kind.value: poisoned}
    assert played.ended_s < 200


@pytest.mark.fault("T1", "X-B2")
def test_a_row_that_always_hangs_stops_no_run() -> None:
    played = play(lambda asked: HANGS if asked.row == 7 else answer(), 60)
    assert played.stopped is None
    assert played.reasons() == {"answered": 59, "timed_out": 1}
    assert played.ended_s < 500


@pytest.mark.fault("T1")
def test_a_teacher_that_knows_only_its_rows_is_probed_with_one_of_them() -> None:
    def teacher(asked: Asked) -> AttemptResult:
        if asked.row is None:
            return failed(FailureKind.NOT_FOUND, 404, "no fixture matches")
        return TROUBLES["503"] if asked.row == 5 else answer()

    played = play(teacher, 60)
    assert played.reasons() == {"answered": 59, "unavailable": 1}


@pytest.mark.fault("D3", "X-C3")
@pytest.mark.parametrize("name", sorted(TROUBLES))
def test_six_seconds_of_failures_lose_no_row(name: str) -> None:
    played = play(lambda asked: TROUBLES[name] if 3.0 < asked.now_s < 9.0 else answer(latency_s=0.5), 2000, at_most_s=600.0)
    assert played.stopped is None
    assert played.reasons() == {"answered": 2000}
    assert len(played.asked) < 2600
    assert len({record.row_key for record in played.answers}) == len(played.answers) == 2000


@pytest.mark.fault("D3", "X-C3")
def test_every_useless_200_is_kept_before_its_row_goes_again() -> None:
    played = play(lambda asked: TROUBLES["200, web page"] if asked.number in (3, 4) else answer(), 20)
    assert played.reasons() == {"answered": 20}
    assert [(record.body, record.given_up) for record in played.failures] == [(HTML.encode(), False)] * 2


@pytest.mark.fault("D3", "X-C3")
def test_an_endpoint_without_one_readable_answer_stops_the_run_and_is_quoted() -> None:
    played = play(lambda asked: TROUBLES["200, web page"], 2000)
    assert played.stopped is not None
    assert "this is a web page" in played.stopped
    assert "Sign in" in played.stopped
    assert played.reasons() == {"not_sent": 2000}
    assert len(played.asked) < 100
    assert 10 < played.ended_s < 40


@pytest.mark.parametrize("name", ["503", "500", "reset", "200, web page", "429", "400, unclear"])
def test_an_endpoint_that_stays_down_ends_the_run_when_patience_ends(name: str) -> None:
    patience = PatienceSpec(outage_s=120.0)
    played = play(lambda asked: TROUBLES[name] if asked.now_s > 5.0 else answer(latency_s=0.5), 3000, patience=patience)
    assert played.stopped is not None
    assert 120 < played.ended_s < 200
    assert set(played.reasons()) == {"answered", "not_sent"}


def test_an_outage_longer_than_any_rows_budget_costs_no_row() -> None:
    patience = PatienceSpec(outage_s=7200.0)

    def teacher(asked: Asked) -> AttemptResult:
        return TROUBLES["503"] if 2.0 < asked.now_s < 5000.0 else answer(latency_s=0.5)

    played = play(teacher, 900, at_most_s=7000.0, patience=patience)
    assert played.reasons() == {"answered": 900}


@pytest.mark.fault("D9", "R4", "X-B3")
@pytest.mark.parametrize("hint", [None, 1.0, 3600.0])
@pytest.mark.parametrize("rows", [1, 50, 1000])
def test_nothing_but_429_ends_when_patience_ends_with_the_endpoints_words(rows: int, hint: float | None) -> None:
    throttled = failed(FailureKind.THROTTLED, 429, "Rate limit: 0 requests per day", retry_after_s=hint)
    played = play(lambda asked: throttled, rows)
    assert played.stopped is not None
    assert "0 requests per day" in played.stopped
    assert 300 <= played.ended_s < 400
    assert played.reasons() == {"not_sent": rows}


@pytest.mark.fault("X-B3")
def test_429_and_503_in_turn_end_the_run() -> None:
    played = play(lambda asked: TROUBLES["429" if asked.number % 2 else "503"], 50)
    assert played.stopped is not None
    assert played.ended_s < 500


@pytest.mark.fault("R4")
def test_no_row_gets_older_than_its_interval_behind_the_gate() -> None:
    played = play(lambda asked: TROUBLES["429"], 20, patience=PatienceSpec(payload_s=40.0, outage_s=300.0))
    assert played.ended_s < 400
    assert set(played.reasons()) <= {"throttled", "not_sent"}


@pytest.mark.fault("D9")
def test_one_row_that_is_always_throttled_is_one_reject() -> None:
    played = play(lambda asked: TROUBLES["429"] if asked.row == 3 else answer(), 200)
    assert played.stopped is None
    assert played.reasons() == {"answered": 199, "throttled": 1}
    assert played.ended_s < 400


@pytest.mark.fault("D9")
def test_rows_that_are_always_throttled_do_not_keep_others_from_being_tried() -> None:
    played = play(lambda asked: TROUBLES["429"] if asked.row is not None and asked.row < 12 else answer(), 60)
    assert played.stopped is None
    assert played.reasons() == {"answered": 48, "throttled": 12}
    assert played.ended_s < 900


@pytest.mark.fault("D16", "R3")
@pytest.mark.parametrize(
    "refusal",
    [
        failed(FailureKind.FORBIDDEN, 403, "flagged"),
        failed(FailureKind.BAD_REQUEST, 400, "flagged"),
        failed(FailureKind.TOO_LARGE, 413, "large"),
        failed(FailureKind.CONTEXT_LENGTH_EXCEEDED, 400, "too long"),
        failed(FailureKind.CONTENT_FILTERED, 400, "filtered"),
    ],
)
def test_rows_refused_for_themselves_never_stop_a_run_that_begins_with_them(refusal: AttemptResult) -> None:
    assert refusal.failure is not None
    played = play(lambda asked: refusal if asked.row is not None and asked.row < 45 else answer(), 90, words=400)
    assert played.stopped is None
    assert played.reasons() == {"answered": 45, refusal.failure.kind.value: 45}


@pytest.mark.fault("D16")
def test_forty_flagged_rows_in_a_row_stop_nothing() -> None:
    flagged = failed(FailureKind.FORBIDDEN, 403, "flagged")
    played = play(lambda asked: flagged if asked.row is not None and 100 <= asked.row < 140 else answer(), 300)
    assert played.stopped is None
    assert played.reasons() == {"answered": 260, "forbidden": 40}


@pytest.mark.parametrize("kind", [FailureKind.FORBIDDEN, FailureKind.NOT_FOUND, FailureKind.UNAUTHORIZED])
def test_an_endpoint_that_refuses_everything_stops_after_a_few_requests(kind: FailureKind) -> None:
    played = play(lambda asked: failed(kind, 404, "no such thing"), 1000)
    assert played.stopped is not None
    assert "no such thing" in played.stopped
    assert len(played.asked) < 60
    assert played.ended_s < 5


def test_an_endpoint_that_refuses_every_request_stops_after_rows_from_elsewhere_and_a_question_of_ours() -> None:
    played = play(lambda asked: failed(FailureKind.BAD_REQUEST, 400, "no field model"), 1000)
    assert played.stopped is not None
    assert "no field model" in played.stopped
    assert len(played.asked) < 90
    assert None in [asked.row for asked in played.asked]


def test_a_route_that_goes_after_answers_is_said_to_have_answered() -> None:
    gone = failed(FailureKind.NOT_FOUND, 404, "default backend - 404")
    played = play(lambda asked: gone if asked.number > 100 else answer(), 1000)
    assert played.stopped is not None
    assert "gave 101 answers before and has gone" in played.stopped
    assert max(asked.row or 0 for asked in played.asked) > 100


@pytest.mark.fault("R7")
@pytest.mark.parametrize("context", [4096, 4100])
def test_a_token_limit_that_leaves_no_room_is_one_message(context: int) -> None:
    def teacher(asked: Asked) -> AttemptResult:
        limit = asked.body["max_tokens"]
        assert isinstance(limit, int)
        return answer() if limit + (257 if asked.row is not None else 4) <= context else failed(FailureKind.CONTEXT_LENGTH_EXCEEDED, 400, "4353")

    played = play(teacher, 1500, sampling=SamplingSpec(max_new_tokens=4096), words=200)
    assert played.stopped is not None
    assert "teacher_model_max_new_tokens" in played.stopped
    assert len(played.asked) < 100


@pytest.mark.fault("R7")
def test_rows_that_are_all_too_long_for_themselves_are_rejects() -> None:
    def teacher(asked: Asked) -> AttemptResult:
        return answer() if asked.row is None else failed(FailureKind.CONTEXT_LENGTH_EXCEEDED, 400, "too long")

    assert play(teacher, 60, words=4000).reasons() == {"context_length_exceeded": 60}


@pytest.mark.parametrize("question_answered", [True, False])
def test_where_every_answer_is_impossibly_large_the_run_stops(question_answered: bool) -> None:
    def teacher(asked: Asked) -> AttemptResult:
        return answer() if asked.row is None and question_answered else failed(FailureKind.TOO_LARGE, 200, "endless", latency_s=1.0)

    played = play(teacher, 2000)
    assert played.stopped is not None
    assert "nothing that a teacher says" in played.stopped
    assert "endless" in played.stopped
    assert len(played.asked) < 120
    assert max(asked.row or 0 for asked in played.asked) > 100


def test_a_few_answers_that_are_too_large_stop_nothing() -> None:
    def teacher(asked: Asked) -> AttemptResult:
        return failed(FailureKind.TOO_LARGE, 200, "endless") if (asked.row or 0) % 40 else answer()

    played = play(teacher, 200)
    assert played.stopped is None
    assert played.reasons() == {"answered": 5, "too_large": 195}


@pytest.mark.fault("R12")
def test_a_single_401_among_answers_is_tried_again() -> None:
    played = play(lambda asked: TROUBLES["401"] if asked.number % 10 == 9 else answer(), 100)
    assert played.stopped is None
    assert played.reasons() == {"answered": 100}


@pytest.mark.fault("R12")
def test_a_credential_that_expires_ends_the_run_soon() -> None:
    played = play(lambda asked: TROUBLES["401"] if asked.now_s > 3 else answer(latency_s=0.5), 5000)
    assert played.stopped is not None
    assert "credential" in played.stopped
    assert played.ended_s < 20


@pytest.mark.fault("D10", "R5", "A1")
def test_an_unsupported_parameter_is_sent_once() -> None:
    def teacher(asked: Asked) -> AttemptResult:
        for name in ("temperature", "top_p"):
            if name in asked.body:
                return failed(FailureKind.PARAMETER_REFUSED, 400, f"unsupported {name}", parameters=(name,))
        return answer()

    played = play(teacher, 300)
    assert played.reasons() == {"answered": 300}
    assert played.snapshot is not None
    assert set(played.snapshot.left_out) == {"temperature", "top_p"}
    assert len(played.asked) <= 320
    assert {record.request_hash for record in played.answers} == {record.request_hash for record in play(lambda asked: answer(), 300).answers}


@pytest.mark.fault("R11", "N21")
def test_retries_are_attempts_after_the_first() -> None:
    played = play(lambda asked: failed(FailureKind.NOT_FOUND, 404), 10)
    sent = sum(asked.row is not None for asked in played.asked)
    assert sum(row.attempts for row in played.rows) == sent
    assert sum(row.retries for row in played.rows) == sent - len({asked.row for asked in played.asked} - {None})
    assert {record.row_key: record.attempts for record in played.failures if not record.given_up} == {
        row.request.row.row_key: row.attempts for row in played.rows if row.attempts
    }


def a_busy_teacher(slots: int, latency_s: float, faults: float = 0.0) -> Callable[[Asked], AttemptResult]:
    """Answers ``slots`` requests at a time and refuses the rest with 503 at once; ``faults`` is the share of 503s by chance."""
    randomness = random.Random(3)
    until_s: list[float] = []

    def teacher(asked: Asked) -> AttemptResult:
        until_s[:] = [moment_s for moment_s in until_s if moment_s > asked.now_s]
        if len(until_s) >= slots or randomness.random() < faults:
            return failed(FailureKind.UNAVAILABLE, 503, "overloaded", latency_s=0.002)
        takes_s = latency_s * randomness.lognormvariate(-0.18, 0.6)
        until_s.append(asked.now_s + takes_s)
        return answer(latency_s=takes_s)

    return teacher


@pytest.mark.fault("R10")
@pytest.mark.parametrize(("slots", "latency_s", "rows"), [(6, 0.2, 400), (40, 1.0, 1000)])
def test_503s_among_answers_lower_the_limit_and_give_no_warning(
    slots: int, latency_s: float, rows: int, caplog: pytest.LogCaptureFixture
) -> None:
    played = play(a_busy_teacher(slots, latency_s), rows)
    assert played.reasons() == {"answered": rows}
    assert played.ended_s < 1.4 * rows * latency_s / slots
    assert len(played.asked) < 1.4 * rows
    assert not caplog.records


@pytest.mark.fault("R10")
def test_occasional_503s_do_not_lower_the_limit() -> None:
    played = play(a_busy_teacher(10_000, 0.5, faults=0.1), 3000)
    assert played.reasons() == {"answered": 3000}
    assert played.snapshot is not None
    assert played.snapshot.limit >= 150


NO_JSON = failed(FailureKind.GENERATION_FAILED, 400, '{"error":{"code":"json_validate_failed"}}')


def test_generations_that_fail_occasionally_are_requested_again() -> None:
    played = play(lambda asked: NO_JSON if asked.row is None or asked.number % 3 else answer(latency_s=0.5), 300)
    assert played.stopped is None
    assert set(played.reasons()) <= {"answered", "generation_failed"}
    assert played.reasons()["answered"] > 200


def test_rows_whose_generation_always_fails_are_rejects_after_a_few_tries() -> None:
    played = play(lambda asked: NO_JSON if asked.row is None or asked.row < 40 else answer(latency_s=0.5), 400)
    assert played.stopped is None
    assert played.reasons() == {"answered": 360, "generation_failed": 40}
    assert len(played.asked) < 400 + 40 * 5


def test_a_setting_that_makes_every_generation_fail_stops_the_run_early() -> None:
    played = play(lambda asked: NO_JSON, 2000)
    assert played.stopped is not None
    assert "json_validate_failed" in played.stopped
    assert "extra_body" in played.stopped
    assert len(played.asked) < 100


UNCLEAR = TROUBLES["400, unclear"]


def test_refusals_in_unclear_words_now_and_then_cost_no_row(caplog: pytest.LogCaptureFixture) -> None:
    played = play(lambda asked: UNCLEAR if asked.number % 10 == 3 else answer(latency_s=0.5), 300)
    assert played.stopped is None
    assert played.reasons()["answered"] >= 297
    assert [record.message for record in caplog.records if "unknown message" in record.message] == [
        "the endpoint refuses a row with an unknown message (status 400: the lattice did not fold): such rows are sent up to 3 "
        "times, then rejected as unclear_refusal"
    ]


def test_rows_always_refused_in_unclear_words_are_rejects_after_three_tries() -> None:
    played = play(lambda asked: UNCLEAR if asked.row is not None and asked.row % 10 == 3 else answer(latency_s=0.5), 300)
    assert played.stopped is None
    assert played.reasons() == {"answered": 270, "unclear_refusal": 30}
    assert 270 + 3 * 30 <= len(played.asked) <= 270 + 4 * 30


def test_an_endpoint_that_refuses_all_in_unclear_words_is_given_up_at_once() -> None:
    played = play(lambda asked: UNCLEAR, 2000)
    assert played.stopped is not None
    assert "the lattice did not fold" in played.stopped
    assert played.ended_s < 60


def test_a_refusal_without_a_message_is_reported_as_one(caplog: pytest.LogCaptureFixture) -> None:
    play(lambda asked: failed(FailureKind.UNCLEAR_REFUSAL, 422) if asked.number == 3 else answer(), 20)
    assert [record.message for record in caplog.records if "refuses a row" in record.message] == [
        "the endpoint refuses a row without a message (status 422): such rows are sent up to 3 times, then rejected as unclear_refusal"
    ]


@pytest.mark.fault("D1")
def test_an_endpoint_that_breaks_off_every_answer_is_not_called_another_service() -> None:
    stopped = play(lambda asked: TROUBLES["200, broken off"], 20, patience=PatienceSpec(first_answer_s=15.0)).stopped
    assert stopped is not None
    assert "breaks off every answer" in stopped
    assert "teacher_model_endpoint_url" not in stopped
