"""No request is sent that a limit does not cover."""

import random
from collections.abc import Callable

import pytest
from virtual_teacher import HANGS, Asked, Played, answer, failed, play

from transforms.elements.failures import FailureKind
from transforms.elements.replies import TeacherReply
from transforms.elements.usage import Spending, TokenPrices, Usage
from transforms.teacher.budget import NEVER_SENT, SLACK, Budget
from transforms.teacher.client import AttemptResult
from transforms.teacher.expectation import Expectation
from transforms.teacher.specs import BillSpec, BudgetSpec, ConcurrencySpec, PatienceSpec, SamplingSpec

PRICES = TokenPrices(1.0, 10.0)


def taking(prompt: int | None, completion: int | None, latency_s: float = 1.0, text: str = "4") -> AttemptResult:
    reply = TeacherReply(0, text, None, "stop", prompt, completion, 1, 1000 * latency_s)
    return AttemptResult(1000 * latency_s, reply=reply, body=b'{"choices":[]}')


def tokens_of(played: Played) -> int:
    return sum((record.prompt_tokens or 0) + (record.completion_tokens or 0) for record in played.answers)


def lengths(mean: float, sigma: float, most: int, seed: int = 1) -> Callable[[Asked], AttemptResult]:
    drawn = random.Random(seed)

    def teach(asked: Asked) -> AttemptResult:
        tokens = min(most, max(1, round(mean * drawn.lognormvariate(-sigma * sigma / 2, sigma))))
        return taking(20, tokens, latency_s=0.01 * tokens)

    return teach


def test_no_request_beyond_the_limit_is_sent_and_the_rest_comes_back_unsent() -> None:
    played = play(lambda asked: answer(latency_s=0.5), 300, budget=BudgetSpec(max_requests=50))
    assert len(played.asked) == 50
    assert played.reasons() == {"answered": 50, "not_sent": 250}
    assert played.stopped == "max_requests of 50 requests leaves no room for another request."


def test_what_earlier_runs_spent_counts() -> None:
    played = play(lambda asked: answer(), 300, budget=BudgetSpec(max_requests=50, teacher=BillSpec(before=Spending(48))))
    assert len(played.asked) == 2
    assert len(play(lambda asked: answer(), 5, budget=BudgetSpec(max_requests=50, teacher=BillSpec(before=Spending(60)))).asked) == 0


def test_retries_are_requests_too() -> None:
    def teach(asked: Asked) -> AttemptResult:
        return failed(FailureKind.SERVER_ERROR, 500) if asked.number % 3 == 0 else answer()

    played = play(teach, 300, budget=BudgetSpec(max_requests=60))
    assert len(played.asked) == 60
    assert played.reasons()["not_sent"] > 240


@pytest.mark.parametrize("most", [128, 1024, 4096])
@pytest.mark.parametrize("limit", [5_000, 40_000, 200_000])
def test_a_token_limit_is_never_exceeded_by_more_than_the_slack(limit: int, most: int) -> None:
    played = play(
        lengths(100.0, 1.0, most),
        4000,
        at_most_s=100_000,
        sampling=SamplingSpec(max_new_tokens=most),
        concurrency=ConcurrencySpec(maximum=200),
        budget=BudgetSpec(max_total_tokens=limit),
    )
    spent = tokens_of(played)
    assert spent <= (1 + SLACK) * limit
    assert spent >= limit - 1.5 * most - 400
    assert played.stopped is not None
    assert "max_total_tokens" in played.stopped


def test_answers_that_grow_longer_and_longer_do_not_pass_the_limit() -> None:
    def teach(asked: Asked) -> AttemptResult:
        return taking(20, 20 if asked.number < 500 else 1000, latency_s=2.0)

    played = play(teach, 4000, at_most_s=100_000, sampling=SamplingSpec(max_new_tokens=1000), budget=BudgetSpec(max_total_tokens=100_000))
    assert 90_000 < tokens_of(played) <= 102_000


def test_the_very_first_round_keeps_to_the_limit() -> None:
    """Without any knowledge, each answer counts with its full limit."""
    played = play(
        lambda asked: taking(30, 500, latency_s=60.0),
        1000,
        sampling=SamplingSpec(max_new_tokens=500),
        budget=BudgetSpec(max_cost=0.1, teacher=BillSpec(PRICES), currency="EUR"),
    )
    cost = sum(PRICES.cost(Usage(record.prompt_tokens or 0, record.completion_tokens or 0)) for record in played.answers)
    assert 0.09 < cost <= 0.102
    assert played.stopped is not None
    assert played.stopped.startswith("max_cost of 0.1 EUR leaves no room for another request, which")


def test_a_limit_below_the_worst_of_one_request_sends_none() -> None:
    budget = BudgetSpec(max_cost=0.001, teacher=BillSpec(PRICES))
    played = play(lambda asked: answer(), 10, sampling=SamplingSpec(max_new_tokens=500), budget=budget)
    assert not played.asked
    assert played.reasons() == {"not_sent": 10}


def test_a_distant_limit_costs_no_time() -> None:
    def seconds(budget: BudgetSpec) -> float:
        return play(lengths(100.0, 1.0, 1024), 1000, sampling=SamplingSpec(max_new_tokens=1024), budget=budget).ended_s

    assert seconds(BudgetSpec(max_total_tokens=1_000_000)) == pytest.approx(seconds(BudgetSpec()), rel=0.02)


def test_an_attempt_that_may_have_been_billed_is_spent() -> None:
    def teach(asked: Asked) -> AttemptResult | float:
        return HANGS if asked.number % 2 else taking(10, 90, latency_s=1.0)

    played = play(
        teach,
        400,
        at_most_s=100_000,
        sampling=SamplingSpec(max_new_tokens=100),
        patience=PatienceSpec(attempt_s=5.0, longest_attempt_s=5.0),
        budget=BudgetSpec(max_total_tokens=10_000),
    )
    # every second one is lost: what was answered is half of what was paid for
    assert 3_000 < tokens_of(played) < 7_000


def test_our_own_question_needs_room_as_well() -> None:
    played = play(lambda asked: failed(FailureKind.UNAVAILABLE, 503), 20, budget=BudgetSpec(max_requests=9))
    assert len(played.asked) == 9
    assert "max_requests" in str(played.stopped)


def test_a_second_request_to_a_straggler_is_reserved_and_paid_for() -> None:
    def teach(asked: Asked) -> AttemptResult:
        return answer(latency_s=60.0 if asked.row == 39 and asked.number < 40 else 0.2)

    free = play(teach, 40, hedge_stragglers=True)
    assert len(free.asked) == 41
    assert len(play(teach, 40, hedge_stragglers=True, budget=BudgetSpec(max_requests=40)).asked) == 40


def test_identical_requests_share_one_answer_and_its_cost() -> None:
    played = play(lambda asked: answer(), 5, budget=BudgetSpec(max_requests=5), share_identical_answers=True)
    assert len(played.asked) == 5
    assert played.reasons() == {"answered": 5}


def test_tokens_that_are_not_reported_are_estimated_and_labelled(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING", logger="beam_distill.teacher")
    played = play(lambda asked: taking(None, None, text="four" * 100), 500, budget=BudgetSpec(max_total_tokens=2_000))
    assert 8 <= len(played.asked) <= 17
    assert [record.message for record in caplog.records if "does not report the tokens" in record.message]


def budget(**limits: object) -> Budget:
    return Budget(BudgetSpec(teacher=BillSpec(PRICES), **limits), 100)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("result", "spent"),
    [
        (failed(FailureKind.THROTTLED, 429), Spending(1)),
        (failed(FailureKind.SERVER_ERROR, 500), Spending(1)),
        (failed(FailureKind.CANNOT_CONNECT), Spending(0)),
        (failed(FailureKind.CONNECTION_LOST), Spending(1, Usage(41, 100))),
        (failed(FailureKind.BROKEN_BODY, 200, "no json"), Spending(1, Usage(41, 100))),
        (
            failed(FailureKind.BROKEN_BODY, 200, '{"usage": {"prompt_tokens": 7, "completion_tokens": 9, "cached_tokens": 2}}'),
            Spending(1, Usage(7, 9, 2)),
        ),
        (failed(FailureKind.CONTENT_FILTERED, 400), Spending(1, Usage(41, 0))),
        (NEVER_SENT, Spending(0)),
        (None, Spending(1, Usage(41, 100))),
        (taking(None, None, text="four" * 3), Spending(0, Usage(10, 3))),
        (taking(12, 4), Spending(0)),
    ],
    ids=str,
)
def test_what_the_ledger_does_not_record_is_kept_next_to_it(result: AttemptResult | None, spent: Spending) -> None:
    for limits in ({}, {"max_requests": 10, "max_cost": 1.0}):
        one = budget(**limits)
        reservation = one.reserve(40)
        assert reservation is not None
        one.settle(reservation, 40, result)
        assert one.state().beside == spent
        assert one.state().on_wire == Spending()


def test_what_is_expected_is_learned() -> None:
    expectation = Expectation(1000, TokenPrices(1.0, 2.0, per_million_reasoning=3.0))
    assert expectation.expected(400) == expectation.at_worst(400) == Usage(401, 1000, 0, 1000)
    for _ in range(396):
        expectation.answered(400, Usage(100, 90, cached=50, reasoning=45))
    assert expectation.expected(800) == Usage(200, 99, 100, 50)
    assert expectation.at_worst(800) == Usage(301, 1000, 0, 1000)
    expectation.answered(400, Usage(100, 2000))
    assert expectation.at_worst(800).completion == 2000


def test_a_shared_budget_waits_for_claims() -> None:
    one = Budget(BudgetSpec(max_requests=100), 10, shared=True)
    assert one.reserve(10) is None
    assert one.state().needs == (1.0,)
    one.claim((3.0,))
    assert one.reserve(10)
    assert one.reserve(10)
    assert one.give_back() == (2.0,)  # requests in flight are not given back
    assert one.reserve(10) is None
