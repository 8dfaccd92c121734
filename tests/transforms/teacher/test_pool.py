"""Several endpoints as one pool, in virtual time: which one gets which row, and what the failures of one cost."""

from __future__ import annotations

from collections import Counter

import pytest
from virtual_teacher import Asked, Played, Teacher, answer, failed, play

from transforms.elements.failures import FailureKind
from transforms.teacher.client import AttemptResult
from transforms.teacher.specs import ConcurrencySpec, EndpointSpec, PatienceSpec

FEW = ConcurrencySpec(initial=4, maximum=16)


def answers_by_endpoint(played: Played) -> Counter[str | None]:
    return Counter(record.endpoint for record in played.answers)


def always(result: AttemptResult) -> Teacher:
    return lambda asked: result


def times_asked(played: Played, row: int) -> int:
    return sum(asked.row == row for asked in played.asked)


def out_between(start_s: float, end_s: float, failure: AttemptResult, latency_s: float = 0.2) -> Teacher:
    return lambda asked: failure if start_s <= asked.now_s < end_s else answer(latency_s=latency_s)


def refuses_from(start_s: float, failure: AttemptResult) -> Teacher:
    return out_between(start_s, 1e9, failure)


UNAUTHORIZED = failed(FailureKind.UNAUTHORIZED, 401, "bad key")
GONE = failed(FailureKind.CANNOT_CONNECT)


def test_each_endpoint_gets_its_share_and_the_ledger_says_which_one_answered() -> None:
    played = play({"fast": always(answer(latency_s=0.1)), "slow": always(answer(latency_s=0.4))}, 1000, concurrency=FEW)
    by_endpoint = answers_by_endpoint(played)
    assert played.reasons() == {"answered": 1000}
    assert 3.0 <= by_endpoint["fast"] / by_endpoint["slow"] <= 5.5
    assert played.snapshot is not None
    assert {state.name: state.answers for state in played.snapshot.endpoints} == dict(by_endpoint)


def test_few_rows_are_sampled_by_weight() -> None:
    teachers = {"light": always(answer(latency_s=5.0)), "heavy": always(answer(latency_s=5.0))}
    played = play(teachers, 6, concurrency=ConcurrencySpec(initial=6, maximum=16), members={"heavy": {"weight": 2.0}})
    assert answers_by_endpoint(played) == {"light": 2, "heavy": 4}


@pytest.mark.parametrize("failure", [GONE, failed(FailureKind.UNAVAILABLE, 503), failed(FailureKind.SERVER_ERROR, 500)])
def test_an_endpoint_that_is_down_for_a_minute_costs_no_row_and_comes_back(failure: AttemptResult) -> None:
    played = play({"steady": always(answer(latency_s=0.2)), "shaky": out_between(10, 70, failure, 0.8)}, 7200, concurrency=FEW)
    assert played.reasons() == {"answered": 7200}
    first_after = min(asked.now_s for asked in played.asked if asked.endpoint == "shaky" and asked.row is not None and asked.now_s > 70)
    assert first_after < 80
    assert sum(asked.row is not None for asked in played.asked) < 7300
    # 80 a second and 20, the 20 not for a minute
    assert played.ended_s <= 1.05 * (7200 + 20 * 60) / 100


def test_an_endpoint_that_is_down_for_longer_than_patience_is_still_tried() -> None:
    patience = PatienceSpec(outage_s=20.0)
    teachers = {"steady": always(answer(latency_s=1.0)), "shaky": out_between(1, 100, GONE, latency_s=1.0)}
    played = play(teachers, 2000, patience=patience, concurrency=FEW)
    assert played.reasons() == {"answered": 2000}
    assert played.stopped is None
    assert any(asked.endpoint == "shaky" and asked.row is not None and 100 < asked.now_s < 110 for asked in played.asked)


def test_an_endpoint_that_was_never_there_leaves_all_rows_to_the_others() -> None:
    played = play({"there": always(answer()), "not there": always(GONE)}, 3000, concurrency=FEW)
    assert played.reasons() == {"answered": 3000}
    assert answers_by_endpoint(played) == {"there": 3000}


@pytest.mark.parametrize("kind", [FailureKind.UNAUTHORIZED, FailureKind.QUOTA_SPENT, FailureKind.FORBIDDEN, FailureKind.NOT_FOUND])
@pytest.mark.parametrize("from_s", [0.0, 5.0])
def test_an_endpoint_that_refuses_us_is_removed_and_named(kind: FailureKind, from_s: float, caplog: pytest.LogCaptureFixture) -> None:
    refused = failed(kind, 401, "not you")
    played = play({"steady": always(answer(latency_s=0.2)), "refusing": refuses_from(from_s, refused)}, 4000, concurrency=FEW)
    assert played.reasons() == {"answered": 4000}
    assert played.stopped is None
    assert played.snapshot is not None
    assert {state.name: state.refused_for for state in played.snapshot.endpoints} == {"steady": None, "refusing": kind}
    assert sum("refusing is not used again" in record.message for record in caplog.records) == 1
    assert sum(asked.endpoint == "refusing" and asked.now_s > from_s + 30 for asked in played.asked) == 0


def test_the_run_stops_when_no_endpoint_is_left_and_names_them_all() -> None:
    played = play({"a": refuses_from(2, UNAUTHORIZED), "b": refuses_from(20, failed(FailureKind.QUOTA_SPENT, 429))}, 5000, concurrency=FEW)
    assert played.stopped is not None
    assert "http://a/" in played.stopped
    assert "http://b/" in played.stopped
    assert set(played.reasons()) == {"answered", "not_sent"}


def test_two_endpoints_that_are_down_stop_the_run_when_patience_ends() -> None:
    patience = PatienceSpec(outage_s=60.0)
    played = play({"a": out_between(1, 1e9, GONE), "b": out_between(5, 1e9, GONE)}, 1000, patience=patience, concurrency=FEW)
    assert played.stopped is not None
    assert "none of the endpoints is left" in played.stopped
    assert 60 < played.ended_s < 80


def test_what_one_filter_refuses_is_not_sent_to_the_next() -> None:
    def filters(asked: Asked) -> AttemptResult:
        return failed(FailureKind.CONTENT_FILTERED, 400, "filtered") if asked.row is not None and asked.row % 10 == 0 else answer()

    played = play({"a": filters, "b": filters}, 300, concurrency=FEW)
    assert played.reasons() == {"answered": 270, "content_filtered": 30}
    assert all(times_asked(played, row) == 1 for row in range(0, 300, 10))


def test_an_endpoint_whose_settings_refuse_every_row_costs_no_row() -> None:
    played = play({"good": always(answer()), "odd": always(failed(FailureKind.BAD_REQUEST, 400, "unknown model"))}, 500, concurrency=FEW)
    assert played.reasons() == {"answered": 500}


def test_a_row_that_all_refuse_is_refused() -> None:
    def refuses(asked: Asked) -> AttemptResult:
        return failed(FailureKind.TOO_LARGE, 413) if asked.row == 3 else answer()

    played = play({"a": refuses, "b": refuses}, 100, concurrency=FEW)
    assert played.reasons() == {"answered": 99, "too_large": 1}


def test_the_wait_that_one_endpoint_requests_does_not_delay_the_row() -> None:
    throttled = failed(FailureKind.THROTTLED, 429, retry_after_s=60.0)
    played = play({"open": always(answer()), "throttled": always(throttled)}, 200, concurrency=FEW)
    assert played.reasons() == {"answered": 200}
    assert played.ended_s < 10


def test_the_last_row_does_not_wait_for_one_that_hangs() -> None:
    def dies_at(asked: Asked) -> AttemptResult:
        return answer(latency_s=0.2) if asked.now_s < 1.0 else failed(FailureKind.CONNECTION_LOST)

    played = play({"steady": always(answer(latency_s=0.2)), "dying": dies_at}, 150, concurrency=FEW)
    assert played.reasons() == {"answered": 150}
    assert played.ended_s < 5


def test_overflow_is_used_only_while_the_others_are_full() -> None:
    teachers = {"own": always(answer(latency_s=0.2)), "paid": always(answer(latency_s=0.2))}
    overflow = {"paid": {"overflow": True}}
    few = play(teachers, 12, concurrency=ConcurrencySpec(initial=12, maximum=16), members=overflow)
    assert answers_by_endpoint(few) == {"own": 12}
    paced = play(teachers, 600, concurrency=FEW, members={"own": {"max_requests_per_minute": 600}, **overflow})
    by_endpoint = answers_by_endpoint(paced)
    assert by_endpoint["paid"] > by_endpoint["own"] > 0


def test_overflow_takes_over_while_the_others_are_down() -> None:
    teachers = {"own": out_between(0, 60, GONE), "paid": always(answer(latency_s=0.2))}
    played = play(teachers, 3000, concurrency=FEW, members={"paid": {"overflow": True}})
    assert played.reasons() == {"answered": 3000}
    assert answers_by_endpoint(played)["paid"] == 3000


def test_the_request_hash_does_not_hold_the_endpoint_or_its_deployment() -> None:
    west = EndpointSpec("http://west/v1/chat/completions", "gpt-west")
    teachers = {"east": always(answer()), "west": always(answer())}
    pooled = play(teachers, 40, concurrency=FEW, members={"west": {"endpoint": west}})
    alone = play(always(answer()), 40, concurrency=FEW)
    hashes = [{record.row_key: record.request_hash for record in played.answers} for played in (pooled, alone)]
    assert hashes[0] == hashes[1]
    assert {(asked.endpoint, asked.body["model"]) for asked in pooled.asked} == {("east", "m"), ("west", "gpt-west")}
    assert {record.model for record in pooled.answers} == {"m"}
    assert {record.endpoint for record in pooled.answers if '"gpt-west"' in record.payload} == {"west"}


def test_a_setting_that_can_be_left_out_once_only_rejects_the_row_that_is_refused_again() -> None:
    refused = failed(FailureKind.PARAMETER_REFUSED, 400, "top_p", parameters=("top_p",))

    def choosy(asked: Asked) -> AttemptResult:
        return refused if asked.row == 3 else answer()

    played = play({"one": choosy, "other": choosy}, 40, concurrency=FEW)
    assert played.stopped is None
    assert played.reasons() == {"answered": 39, "bad_request": 1}
    assert times_asked(played, 3) <= 6
