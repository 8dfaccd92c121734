"""A judge beside the teacher, in virtual time: neither slows the other, and they stop together."""

from functools import reduce

import pytest
from virtual_teacher import Asked, Played, answer, failed, play

from transforms.elements.failures import FailureKind
from transforms.elements.replies import Judging, TeacherReply
from transforms.elements.rows import PromptRequest
from transforms.elements.usage import TokenPrices
from transforms.teacher.client import AttemptResult
from transforms.teacher.specs import BillSpec, BudgetSpec, ConcurrencySpec, SamplingSpec

TEN = ConcurrencySpec(initial=10, maximum=10)


def quick(asked: Asked) -> AttemptResult:
    return answer()


def of(played: Played, endpoint: str) -> list[Asked]:
    return [asked for asked in played.asked if asked.endpoint == endpoint]


def test_every_answer_is_judged_once_it_is_recorded_and_comes_back_with_its_verdict() -> None:
    played = play(quick, 30, judge=lambda asked: answer("good", 0.3), concurrency=TEN)
    assert (len(played.answers), len(played.verdicts)) == (30, 30)
    assert all([(reply.turn, reply.content) for reply in row.replies] == [(0, "4"), (1, "good")] for row in played.rows)
    assert all((row.attempts, row.paid_now, row.judging.requests, row.judging.paid) == (1, 1, 1, 1) for row in played.rows)
    assert all([reply.content for reply in row.paid_replies] == ["4"] for row in played.rows)


def test_a_slow_or_throttled_judge_does_not_slow_the_teacher() -> None:
    def throttles(asked: Asked) -> AttemptResult:
        refused = asked.number % 3
        return failed(FailureKind.THROTTLED, 429, "slow down", retry_after_s=0.5) if refused else answer("good", 2.0)

    alone = play(quick, 400, concurrency=TEN)
    beside = play(quick, 400, concurrency=TEN, judge=throttles)
    last_sent_s = [max(asked.now_s for asked in of(played, "teacher")) for played in (alone, beside)]
    assert last_sent_s[1] == pytest.approx(last_sent_s[0], rel=1e-6)
    assert beside.ended_s > 2 * alone.ended_s
    assert (len(beside.answers), len(beside.verdicts)) == (400, 400)


def test_a_judge_that_is_out_stops_both_and_is_named() -> None:
    played = play(quick, 50, judge=lambda asked: failed(FailureKind.UNAVAILABLE, 503), concurrency=TEN, at_most_s=10_000)
    assert played.stopped is not None
    assert played.stopped.startswith("the judge: ")
    assert {row.stopped.detail for row in played.rows if row.stopped is not None} == {played.stopped}
    assert played.reasons() == {"not_sent": 50}
    assert len(played.answers) == 50


def test_advice_about_a_judge_that_refuses_names_its_settings() -> None:
    played = play(quick, 50, judge=lambda asked: failed(FailureKind.UNAUTHORIZED, 401), concurrency=TEN)
    assert played.stopped is not None
    assert "see judge_authentication_type and what it names" in played.stopped


def test_log_lines_about_the_judge_name_it(caplog: pytest.LogCaptureFixture) -> None:
    requests = iter(range(1000))

    def refuses_a_field(asked: Asked) -> AttemptResult:
        if next(requests) == 0:
            return failed(FailureKind.PARAMETER_REFUSED, 400, "no temperature", parameters=("temperature",))
        return failed(FailureKind.THROTTLED, 429, "slow down", retry_after_s=0.5) if asked.number % 3 else answer("good")

    with caplog.at_level("INFO", logger="beam_distill"):
        played = play(quick, 100, judge=refuses_a_field, concurrency=TEN)
    assert "the judge refuses temperature (" in caplog.text
    assert "the judge throttles (429)" in caplog.text
    assert "the teacher" not in caplog.text
    judging = reduce(Judging.plus, (row.judging for row in played.rows))
    assert judging.throttled > 0
    assert judging.requests == judging.paid + judging.retries == judging.paid + judging.throttled + 1


def test_a_teacher_that_refuses_stops_both() -> None:
    def refuses(asked: Asked) -> AttemptResult:
        return answer() if asked.number < 20 else failed(FailureKind.UNAUTHORIZED, 401)

    played = play(refuses, 200, judge=lambda asked: answer("good", 5.0), concurrency=TEN)
    assert played.stopped is not None
    assert not played.stopped.startswith("the judge")
    assert set(played.reasons()) == {"answered", "not_sent"}


def test_a_row_that_the_judge_refuses_costs_no_other() -> None:
    def judge(asked: Asked) -> AttemptResult:
        return failed(FailureKind.CONTENT_FILTERED, 400, "filtered") if asked.row == 7 else answer("good")

    played = play(quick, 20, judge=judge, concurrency=TEN)
    assert played.reasons() == {"answered": 19, "content_filtered": 1}
    assert len(played.answers) == 20


def test_both_spend_from_one_budget_each_at_its_prices() -> None:
    played = play(quick, 100, judge=lambda asked: answer("good"), budget=BudgetSpec(max_requests=61))
    assert len(played.asked) == 61
    prices = BudgetSpec(max_cost=1.0, teacher=BillSpec(TokenPrices(0.0, 0.0)), judge=BillSpec(TokenPrices(0.0, 10_000.0)))
    played = play(quick, 100, judge=lambda asked: answer("good"), budget=prices, sampling=SamplingSpec(max_new_tokens=10))
    assert 18 <= len(played.verdicts) <= 20  # 5 tokens for 0.05 each
    assert played.stopped is not None
    assert "max_cost" in played.stopped


def test_a_sample_that_is_not_needed_is_not_judged() -> None:
    def until_good(request: PromptRequest, replies: tuple[TeacherReply, ...], being_asked: frozenset[int]) -> int | None:
        if any(reply.content == "good" for reply in replies):
            return None
        judged = {reply.sample for reply in replies if reply.turn == 1} | being_asked
        return next((number for number in range(8) if number not in judged), None)

    def teacher(asked: Asked) -> AttemptResult:
        return answer(latency_s=0.1 if asked.number == 0 else 5.0)

    played = play(teacher, 1, judge=lambda asked: answer("good"), next_sample=until_good, concurrency=TEN)
    assert len(played.answers) == 8  # asked ahead, when slots stand empty
    assert len(played.verdicts) == 1
