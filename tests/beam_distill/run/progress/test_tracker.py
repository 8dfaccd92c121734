"""Rates, time left and cost, from totals."""

import pytest

from beam_distill.job.prices import Prices
from beam_distill.run.progress.tracker import Tracker
from beam_distill.work_dir.reading import Reading, from_counters
from transforms.elements.usage import TokenPrices, Usage


def reading(done: int, answers: int | None = None) -> Reading:
    answers = done if answers is None else answers
    return Reading({"train": done}, {"train": done + 50}, answers, answers, answers, Usage(100 * answers, 10 * answers))


def test_rates_are_those_of_the_last_stretch() -> None:
    tracker = Tracker(("train",))
    for second in range(1, 101):
        view = tracker.view(float(second), reading(10 * second), {"train": 2000})
    for second in range(101, 161):
        view = tracker.view(float(second), reading(1000 + 2 * (second - 100)), {"train": 2000})
    assert round(view.rows_per_s, 6) == 2.0
    assert round(view.prompt_tokens_per_s) == 200
    assert round(view.completion_tokens_per_s) == 20
    assert view.left_s is not None
    assert round(view.left_s) == (2000 - 1120) / 2


def test_rows_that_the_ledger_answers_do_not_count_as_speed() -> None:
    tracker = Tracker(("train",))
    for second in range(1, 11):
        view = tracker.view(float(second), Reading({"train": 600 + 30 * second}, {"train": 1500}, 30 * second), {"train": 1500})
    assert round(view.rows_per_s) == 30
    assert view.left_s is not None
    assert round(view.left_s) == (1500 - 900) / 30


def test_where_the_ledger_answers_every_row_that_is_the_speed() -> None:
    view = Tracker(("train",)).view(10.0, Reading({"train": 500}, {"train": 500}), {"train": 1000})
    assert round(view.rows_per_s) == 50
    assert view.left_s is not None
    assert round(view.left_s) == 10


def test_without_a_total_there_is_no_time_left_but_a_least() -> None:
    view = Tracker(("train",)).view(10.0, reading(30), {})
    assert view.left_s is None
    assert view.expected_cost is None
    assert view.splits[0].total is None
    assert view.splits[0].read == 80
    assert view.splits[0].share is None


def test_cost_counts_what_was_paid_and_estimates_the_rest_from_it() -> None:
    view = Tracker(("train",), Prices(TokenPrices(1.0, 10.0), "EUR")).view(10.0, reading(1000), {"train": 4000})
    assert view.cost == "0.20 EUR"  # 100,000 tokens in, 10,000 out
    assert view.expected_cost == "0.80 EUR"


@pytest.mark.parametrize(
    ("prices", "cost", "remark"),
    [
        (Prices(TokenPrices(1.0, None)), "0.10 USD (input tokens only)", "input tokens only"),
        (Prices(TokenPrices(None, 10.0)), "0.10 USD (output tokens only)", "output tokens only"),
        (Prices(TokenPrices(1.0, 0.0)), "0.10 USD", ""),
    ],
)
def test_a_price_that_is_not_given_is_not_zero(prices: Prices, cost: str, remark: str) -> None:
    assert prices.shown(prices.cost(Usage(100_000, 10_000))) == cost
    assert Tracker(("train",), prices).view(10.0, reading(1000), {"train": 4000}).cost_remark == remark


def test_counters_become_a_reading() -> None:
    made = from_counters(
        {
            "train_rows_read": 9,
            "train_rows_scored": 4,
            "train_rows_passed": 2,
            "validation_rows_passed": 1,
            "requests_failed_throttled": 3,
            "requests_failed_timed_out": 1,
            "rows_rejected_no_json": 2,
            "rows_rejected_not_sent": 7,
            "requests_answered": 4,
        }
    )
    assert made.rows_done == {"train": 6, "validation": 1}
    assert made.rows_read == {"train": 9}
    assert made.rows_scored == 4
    assert made.failures == {"throttled": 3, "timed_out": 1}
    assert made.throttled == 3
    assert made.rejects == {"no_json": 2}  # a row that was not sent has not ended
    assert made.in_flight is None
