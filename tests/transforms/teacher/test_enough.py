"""A split with as many accepted rows as were asked for, in virtual time: what is left of it is not needed, whatever else happens."""

from virtual_teacher import Asked, answer, failed, play

from transforms.elements.failures import FailureKind, StopCause
from transforms.elements.replies import TeacherReply
from transforms.teacher.client import AttemptResult
from transforms.teacher.enough import AcceptedRows
from transforms.teacher.specs import ConcurrencySpec


def test_rows_of_a_full_split_are_not_needed_when_the_run_stops() -> None:
    def refuses_later(asked: Asked) -> AttemptResult:
        return answer() if asked.number < 10 else failed(FailureKind.UNAUTHORIZED, 401)

    accepted = AcceptedRows(5, lambda scored: scored.failure is None)
    played = play(refuses_later, 100, accepted=accepted, concurrency=ConcurrencySpec(initial=10, maximum=10))
    assert played.stopped is not None
    assert "401" in played.stopped
    assert {row.stopped.cause for row in played.rows if row.stopped is not None} == {StopCause.ENOUGH_ACCEPTED}


def test_an_answer_on_the_ledger_is_not_judged_for_a_full_split() -> None:
    full = AcceptedRows(5, lambda scored: True, before={"train": 5})
    replied = (TeacherReply(0, "4", None, "stop", 5, 1, 1, 10.0),)
    played = play(lambda asked: answer(), 20, judge=lambda asked: answer("good"), accepted=full, on_ledger=replied)
    assert (played.asked, played.verdicts) == ([], [])
    assert {row.stopped.cause for row in played.rows if row.stopped is not None} == {StopCause.ENOUGH_ACCEPTED}
    assert len(played.rows) == 20
