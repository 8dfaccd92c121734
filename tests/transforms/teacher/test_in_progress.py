"""A row in the engine: its budgets from turn to turn, and its ledger records."""

import time

from builders import a_reply, a_request

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.elements.replies import ScoredRow
from transforms.teacher.client import AttemptResult
from transforms.teacher.in_progress import Recording, RowInProgress

FAILURE = RequestFailure(FailureKind.SERVER_ERROR, "the server failed", status=500)


def _ignore(row: ScoredRow) -> None: ...


def a_row_in_progress() -> RowInProgress:
    return RowInProgress(a_request(key="row-7", line=3), _ignore, (), request_hash="hash", sample=2)


def test_only_attempts_after_the_first_of_a_turn_are_retries() -> None:
    row = a_row_in_progress()
    assert [row.sent(1.0), row.sent(2.0)] == [False, True]
    row.begin_turn(1)
    assert not row.sent(3.0)
    assert (row.attempts, row.retries, row.attempts_of_turn) == (3, 1, 1)


def test_a_new_turn_has_new_budgets_and_the_row_keeps_all_its_failures() -> None:
    row = a_row_in_progress()
    row.sent(1.0)
    row.failed(FAILURE)
    row.begin_turn(1)
    assert row.failures_by_kind == {}
    assert row.latest_failure is None
    assert row.age_s(50.0) == 0.0
    assert row.scored(None).failures_by_kind == (("server_error", 1),)


def test_the_record_of_an_answer_has_the_row_the_request_and_the_time() -> None:
    before_ms = time.time_ns() // 1_000_000
    row = a_row_in_progress()
    result = AttemptResult(5.0, reply=a_reply("4"), body=b'{"choices": []}')
    record = Recording("run-1", "big-model").answer(row, b'{"messages": []}', result, 1_000, "the endpoint")
    assert (record.row_key, record.line, record.turn, record.sample, record.request_hash) == ("row-7", 3, 0, 2, "hash")
    assert (record.payload, record.response) == ('{"messages": []}', '{"choices": []}')
    assert (record.run_id, record.model, record.endpoint, record.sent_at_ms) == ("run-1", "big-model", "the endpoint", 1_000)
    assert record.answered_at_ms >= before_ms


def test_the_record_of_a_failure_has_its_kind_and_a_body_only_if_there_is_one() -> None:
    row = a_row_in_progress()
    row.sent(1.0)
    recording = Recording("run-1", None)
    record = recording.failure(row, FAILURE, b"", given_up=True)
    assert (record.kind, record.status, record.detail, record.attempts, record.body) == ("server_error", 500, "the server failed", 1, None)
    assert recording.failure(row, FAILURE, b"<html>", given_up=False).body == b"<html>"
