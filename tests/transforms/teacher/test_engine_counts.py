"""The engine's counts."""

from builders import a_reply

from transforms.elements.failures import FailureKind
from transforms.elements.rows import Split
from transforms.elements.usage import Usage
from transforms.teacher.engine_counts import EngineCounts, Snapshot


def snapshot(counts: EngineCounts) -> Snapshot:
    return counts.snapshot(8, 0, 0, (), ())


def test_a_request_that_is_sent_again_is_two_requests_and_one_retry() -> None:
    counts = EngineCounts()
    counts.leaves()
    counts.sent(is_retry=False)
    counts.failed(FailureKind.THROTTLED)
    counts.sent(is_retry=True)
    counts.answered(a_reply())
    found = snapshot(counts)
    assert (found.requests, found.retries, found.answers, found.throttled) == (2, 1, 1, 1)
    assert found.failures == (("throttled", 1),)
    assert found.usage == Usage(10, 2)


def test_the_peak_stays_when_requests_end() -> None:
    counts = EngineCounts()
    counts.leaves()
    counts.leaves()
    counts.in_flight -= 1
    assert (snapshot(counts).in_flight, snapshot(counts).peak_in_flight) == (1, 2)


def test_finished_rows_are_counted_for_each_split() -> None:
    counts = EngineCounts()
    counts.finished(Split.TRAIN, given_up=False)
    counts.finished(Split.TRAIN, given_up=True)
    counts.finished(Split.VALIDATION, given_up=False)
    found = snapshot(counts)
    assert dict(found.rows) == {"train": 2, "validation": 1}
    assert found.given_up == 1
    assert found.totals.rows == {"train": 2, "validation": 1}
