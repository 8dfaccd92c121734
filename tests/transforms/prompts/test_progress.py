"""The progress of a row through its turns, and its outcome."""

import pytest
from builders import a_reply, a_row, a_scored_row

from transforms.acceptance.row_result import RowRules
from transforms.elements import reasons
from transforms.elements.failures import EarlyStop, FailureKind, RequestFailure, StopCause
from transforms.elements.rows import DistilledExample, RejectedRow
from transforms.elements.tasks import TaskType
from transforms.prompts.progress import answers_for_next_turn, replies_on_ledger
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import AnswerRules, PromptSpec


def test_a_turn_that_failed_ends_the_conversation() -> None:
    prompt = prompt_for(PromptSpec(TaskType.CONVERSATION))
    request = prompt.format(a_row(("user", "u1"), ("assistant", "x"), ("user", "u2")))
    assert answers_for_next_turn(prompt, request, (a_reply("fine"),)) == ("fine",)
    assert answers_for_next_turn(prompt, request, (a_reply("cut", finish_reason="length"),)) is None
    ended = RowRules(prompt).example_or_reject(a_scored_row(a_reply("cut", finish_reason="length"), request=request))
    assert isinstance(ended, RejectedRow)
    assert (ended.reason, ended.raw_answer) == (reasons.CUT_OFF_BY_LENGTH, "cut")
    assert ended.detail.startswith("turn 1")


def test_ledger_answers_turn_after_turn() -> None:
    prompt = prompt_for(PromptSpec(TaskType.CONVERSATION))
    request = prompt.format(a_row(("user", "u1"), ("assistant", "x"), ("user", "u2")))
    asked = []

    def find(_request, turn, answers):  # type: ignore[no-untyped-def]
        asked.append((turn, answers))
        return [a_reply(f"a{turn}", turn)] if turn == 0 else []

    replies, complete = replies_on_ledger(prompt, request, find)
    assert (len(replies), complete) == (1, False)
    assert asked == [(0, ()), (1, ("a0",))]


def test_a_turn_sent_by_two_workers_uses_the_answer_that_the_conversation_continued_with() -> None:
    prompt = prompt_for(PromptSpec(TaskType.CONVERSATION))
    request = prompt.format(a_row(("user", "u1"), ("assistant", "x"), ("user", "u2")))

    def find(_request, turn, answers):  # type: ignore[no-untyped-def]
        if turn == 0:
            return [a_reply("late", 0), a_reply("early", 0)]
        return [a_reply("after early", 1)] if answers == ("early",) else []

    replies, complete = replies_on_ledger(prompt, request, find)
    assert complete
    assert [reply.content for reply in replies] == ["early", "after early"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (a_reply("x", finish_reason="content_filter"), reasons.CONTENT_FILTERED),
        (a_reply(None), reasons.EMPTY_ANSWER),
        (a_reply("4 or 5"), reasons.NOT_A_NUMBER),
    ],
)
def test_unusable_answered_rows(reply, reason) -> None:  # type: ignore[no-untyped-def]
    ended = RowRules(prompt_for(PromptSpec(TaskType.MATH, rules=AnswerRules("always")))).example_or_reject(a_scored_row(reply))
    assert isinstance(ended, RejectedRow)
    assert ended.reason == reason


def test_unanswered_rows() -> None:
    prompt = prompt_for(PromptSpec(TaskType.MATH))
    failed = RowRules(prompt).example_or_reject(
        a_scored_row(failure=RequestFailure(FailureKind.TOO_LARGE, "status 413", 413, "too big"), attempts=1)
    )
    stopped = RowRules(prompt).example_or_reject(a_scored_row(stopped=EarlyStop(StopCause.ENDPOINT_GONE, "gone.")))
    assert isinstance(failed, RejectedRow)
    assert (failed.reason, failed.attempts) == ("too_large", 1)
    assert "too big" in failed.detail
    assert isinstance(stopped, RejectedRow)
    assert stopped.reason == reasons.NOT_SENT
    assert isinstance(RowRules(prompt).example_or_reject(a_scored_row(a_reply("4"))), DistilledExample)
