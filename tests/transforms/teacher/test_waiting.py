"""The order in which waiting rows are sent."""

import random

from builders import a_request

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.elements.replies import ScoredRow
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.waiting import WaitingRows


def a_waiting_row(key: str) -> RowInProgress:
    return RowInProgress(a_request(key=key), _not_delivered, ())


def _not_delivered(row: ScoredRow) -> None:
    raise AssertionError("a waiting row is not delivered")


def keys(rows: list[RowInProgress]) -> list[str]:
    return [row.request.row.row_key for row in rows]


def queues() -> WaitingRows:
    """Rows n1, n2 that are new, u1 with a follow-up turn, and r5 and r3 to be sent again from 5 s and 3 s on."""
    waiting = WaitingRows(random.Random(1))
    waiting.new.extend(map(a_waiting_row, ("n1", "n2")))
    waiting.urgent.append(a_waiting_row("u1"))
    waiting.again(a_waiting_row("r5"), 5.0)
    waiting.again(a_waiting_row("r3"), 3.0)
    return waiting


def test_retries_that_are_due_come_before_follow_up_turns_and_those_before_new_rows() -> None:
    waiting = queues()
    assert keys([waiting.take(10.0, from_elsewhere=False) for _ in range(5)]) == ["r3", "r5", "u1", "n1", "n2"]
    assert not waiting.one_ready(10.0)


def test_a_retry_waits_for_its_time() -> None:
    waiting = queues()
    assert keys([waiting.take(4.0, from_elsewhere=False) for _ in range(4)]) == ["r3", "u1", "n1", "n2"]
    assert not waiting.one_ready(4.9)
    assert waiting.one_ready(5.0)


def test_a_row_that_is_put_back_is_the_next_of_those_that_are_no_retries() -> None:
    waiting = queues()
    waiting.put_back(a_waiting_row("back"))
    assert keys([waiting.take(0.0, from_elsewhere=False)]) == ["back"]


def test_a_row_from_elsewhere_is_a_new_one_even_if_a_retry_is_due() -> None:
    assert keys([queues().take(10.0, from_elsewhere=True)])[0] in ("n1", "n2")


def test_only_when_all_queues_are_empty_a_sample_is_asked_ahead() -> None:
    ahead = [a_waiting_row("ahead")]
    waiting = WaitingRows(random.Random(1), lambda: ahead.pop() if ahead else None)
    waiting.new.append(a_waiting_row("n1"))
    assert waiting.one_ready(0.0)
    assert keys([waiting.take(0.0, from_elsewhere=False)]) == ["n1"]
    assert waiting.one_ready(0.0)
    assert keys([waiting.take(0.0, from_elsewhere=False)]) == ["ahead"]
    assert not waiting.one_ready(0.0)


def test_of_retries_alone_one_with_few_failures_is_taken() -> None:
    waiting = WaitingRows(random.Random(1))
    for key, failures in (("often", 3), ("once", 1)):
        row = a_waiting_row(key)
        for _ in range(failures):
            row.failed(RequestFailure(FailureKind.SERVER_ERROR, "500"))
        waiting.again(row, 100.0)
    taken = waiting.take_hardly_failed(1)
    assert taken is not None
    assert keys([taken]) == ["once"]
    assert waiting.take_hardly_failed(1) is None
    assert keys(list(waiting)) == ["often"]


def test_removed_rows_leave_every_queue_and_the_others_keep_their_order() -> None:
    waiting = queues()
    assert sorted(keys(waiting.remove(lambda row: row.request.row.row_key in ("r3", "u1", "n1")))) == ["n1", "r3", "u1"]
    assert keys([waiting.take(10.0, from_elsewhere=False) for _ in range(2)]) == ["r5", "n2"]


def test_only_rows_that_failed_are_removed_as_such() -> None:
    waiting = queues()
    assert sorted(keys(waiting.remove_failed(lambda row: True))) == ["r3", "r5"]
    assert len(waiting) == 3
    assert sorted(keys(waiting.remove_all())) == ["n1", "n2", "u1"]
    assert len(waiting) == 0
