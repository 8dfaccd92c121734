"""Several samples of a row: one after the other while rows are plenty, at once when slots stand empty."""

from collections import Counter
from collections.abc import Callable

import pytest
from virtual_teacher import Asked, Played, answer, failed, play

from transforms.elements.failures import FailureKind
from transforms.elements.replies import TeacherReply
from transforms.elements.rows import PromptRequest
from transforms.teacher.client import AttemptResult
from transforms.teacher.samples import NextSample
from transforms.teacher.specs import ConcurrencySpec


def until_right(samples: int) -> NextSample:
    """Ask until a sample says ``right``, at most so often."""

    def next_sample(request: PromptRequest, replies: tuple[TeacherReply, ...], being_asked: frozenset[int]) -> int | None:
        if any(reply.content == "right" for reply in replies):
            return None
        known = {reply.sample for reply in replies} | being_asked
        return next((number for number in range(samples) if number not in known), None)

    return next_sample


def right_at(tries: dict[int, int], otherwise: int = 0) -> Callable[[Asked], AttemptResult]:
    """A teacher that is right about a row at this try, from 0."""
    asked: Counter[int] = Counter()

    def teacher(request: Asked) -> AttemptResult:
        row = request.row
        assert row is not None
        asked[row] += 1
        return answer("right" if asked[row] > tries.get(row, otherwise) else "wrong", 1.0)

    return teacher


def samples_of(played: Played, row: int) -> list[int]:
    return [record.sample for record in played.answers if record.row_key == f"row-{row}"]


def test_a_row_is_asked_until_it_needs_no_more() -> None:
    played = play(right_at({0: 0, 1: 2, 2: 9}), 3, concurrency=ConcurrencySpec(initial=1, maximum=1), next_sample=until_right(4))
    assert [samples_of(played, row) for row in range(3)] == [[0], [0, 1, 2], [0, 1, 2, 3]]
    replies = {scored.request.row.row_key: [(reply.sample, reply.content) for reply in scored.replies] for scored in played.rows}
    assert replies["row-1"] == [(0, "wrong"), (1, "wrong"), (2, "right")]
    assert len(played.rows) == 3


def test_a_next_sample_goes_before_new_rows() -> None:
    played = play(right_at({}, otherwise=1), 20, concurrency=ConcurrencySpec(initial=1, maximum=1), next_sample=until_right(4))
    # while an answer is being recorded, one other row is asked
    assert [asked.row for asked in played.asked[:8]] == [0, 1, 0, 1, 2, 3, 2, 3]


def test_while_rows_are_plenty_no_sample_is_asked_that_nobody_needs() -> None:
    played = play(right_at({}), 200, concurrency=ConcurrencySpec(initial=8, maximum=8), next_sample=until_right(8))
    ahead = len(played.asked) - 200
    assert {row for row in range(200) if len(samples_of(played, row)) > 1} <= set(range(180, 200))
    assert ahead <= 8 * 8


def test_in_the_tail_all_samples_that_a_row_may_need_go_at_once() -> None:
    played = play(right_at({0: 7}), 1, concurrency=ConcurrencySpec(initial=8, maximum=8), next_sample=until_right(8))
    assert played.ended_s < 1.5
    assert sorted(samples_of(played, 0)) == [*range(8)]
    [scored] = played.rows
    assert scored.paid_now == 8
    assert scored.attempts == 8


def test_empty_slots_are_shared_by_the_rows_that_are_left() -> None:
    played = play(right_at({}, otherwise=3), 2, concurrency=ConcurrencySpec(initial=8, maximum=8), next_sample=until_right(8))
    first_round = [asked.row for asked in played.asked if asked.now_s < 0.5]
    assert Counter(first_round) == {0: 4, 1: 4}


def test_a_sample_that_fails_ends_the_row_with_what_it_has() -> None:
    def teacher(request: Asked) -> AttemptResult:
        return answer("wrong", 1.0) if request.number == 0 else failed(FailureKind.BAD_REQUEST, 400, "no")

    played = play(teacher, 1, concurrency=ConcurrencySpec(initial=1, maximum=1), next_sample=until_right(4))
    [scored] = played.rows
    assert scored.failure is not None
    assert scored.failure.kind is FailureKind.BAD_REQUEST
    assert [(reply.sample, reply.content) for reply in scored.replies] == [(0, "wrong")]
    assert scored.attempts == len(played.asked)
    assert played.snapshot is not None
    assert played.snapshot.given_up == 1


@pytest.mark.parametrize("rows", [1, 30])
def test_rows_are_counted_and_not_samples(rows: int) -> None:
    played = play(right_at({}, otherwise=2), rows, concurrency=ConcurrencySpec(initial=4, maximum=4), next_sample=until_right(5))
    assert played.snapshot is not None
    assert dict(played.snapshot.rows)["train"] == rows
    assert played.snapshot.answers == len(played.answers)


def test_samples_of_a_row_do_not_share_their_answers() -> None:
    concurrency = ConcurrencySpec(initial=1, maximum=1)
    played = play(right_at({0: 2}), 1, concurrency=concurrency, next_sample=until_right(4), share_identical_answers=True)
    assert samples_of(played, 0) == [0, 1, 2]
    assert len(played.asked) == 3
