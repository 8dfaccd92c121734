"""Rows of which several answers may be asked: each sample goes through the engine as a row of its own.

While rows are plenty, the samples of a row go one after the other, so that none is asked that nobody needs. When the last rows are on the
wire and slots stand empty, the samples that a row may still need go at once: waiting would cost more than they do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from transforms.elements.failures import EarlyStop, RequestFailure
from transforms.elements.replies import NOT_JUDGED, Judging, ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest
from transforms.teacher.in_progress import RowInProgress

NextSample = Callable[[PromptRequest, "tuple[TeacherReply, ...]", "frozenset[int]"], "int | None"]
"""From a row's replies so far and its samples that are being asked: the number of the next sample to ask; None if the row needs no other."""


class SampledRow:
    """One row and what came back of its samples. ``open`` are the samples in the engine, by number."""

    def __init__(self, row: RowInProgress) -> None:
        self.request = row.request
        self.open: dict[int, RowInProgress] = {}
        self._deliver = row.deliver
        self._replies = row.replies
        self._ended: list[ScoredRow] = []

    @property
    def replies(self) -> tuple[TeacherReply, ...]:
        """All replies to the row so far: those that the ledger had, those of samples that ended, and those being recorded."""
        fresh = (reply for sample, row in self.open.items() for reply in row.replies[len(self._own(sample)) :])
        return (*self._replies, *fresh)

    @property
    def is_over(self) -> bool:
        """Whether a sample failed or was not sent: no other is asked in this run."""
        return any(scored.failure is not None or scored.stopped is not None for scored in self._ended)

    def begin(self, sample: int) -> RowInProgress:
        """This sample as a row of its own, with the replies to its first turns."""
        self.open[sample] = RowInProgress(self.request, self._deliver, self._own(sample), sample=sample)
        return self.open[sample]

    def _own(self, sample: int) -> tuple[TeacherReply, ...]:
        return tuple(reply for reply in self._replies if reply.sample == sample)

    def take(self, sample: int, scored: ScoredRow) -> None:
        """A sample came back."""
        del self.open[sample]
        self._replies += scored.fresh_replies
        self._ended.append(scored)

    def scored(self) -> ScoredRow:
        """The row, of its samples together."""
        failures: list[RequestFailure] = [scored.failure for scored in self._ended if scored.failure is not None]
        stops: list[EarlyStop] = [scored.stopped for scored in self._ended if scored.stopped is not None]
        kinds: dict[str, int] = {}
        for scored in self._ended:
            for kind, count in scored.failures_by_kind:
                kinds[kind] = kinds.get(kind, 0) + count
        return ScoredRow(
            self.request,
            self._replies,
            failure=failures[0] if failures else None,
            stopped=stops[0] if stops else None,
            attempts=sum(scored.attempts for scored in self._ended),
            retries=sum(scored.retries for scored in self._ended),
            paid_now=sum(scored.paid_now for scored in self._ended),
            answers_shared=sum(scored.answers_shared for scored in self._ended),
            failures_by_kind=tuple(kinds.items()),
            judging=reduce(Judging.plus, (scored.judging for scored in self._ended), NOT_JUDGED),
        )


class SampledRows:
    """The rows in the engine of which another sample may be needed. Every method runs on the engine's loop."""

    def __init__(self, next_sample: NextSample) -> None:
        self._next_sample = next_sample
        self._row_of: dict[RowInProgress, SampledRow] = {}
        self._asked_ahead: dict[SampledRow, None] = {}  # those that may need more, in turn

    def add(self, row: RowInProgress) -> RowInProgress:
        """The first sample to ask of a row that needs one."""
        sampled = SampledRow(row)
        self._asked_ahead[sampled] = None
        begun = self._begin_next(sampled)
        assert begun is not None
        return begun

    def ended(self, row: RowInProgress, scored: ScoredRow) -> ScoredRow | RowInProgress | None:
        """A sample came back. Returns the whole row if it needs no other, else the next sample to ask; None while others are in the engine."""
        sampled = self._row_of.pop(row)
        sampled.take(row.sample, scored)
        if sampled.open:
            return None
        begun = self._begin_next(sampled)
        if begun is not None:
            return begun
        self._asked_ahead.pop(sampled, None)
        return sampled.scored()

    def needs_no_verdict(self, row: RowInProgress) -> bool:
        """Whether the row of this sample, which is answered but not judged, is decided without it."""
        sampled = self._row_of[row]
        return self._next_sample(sampled.request, sampled.replies, frozenset(sampled.open) - {row.sample}) is None

    def ask_ahead(self) -> RowInProgress | None:
        """A sample that a row may need, while others of it are in the engine; each row in turn. None if none may need one."""
        while self._asked_ahead:
            sampled = next(iter(self._asked_ahead))
            del self._asked_ahead[sampled]
            begun = self._begin_next(sampled)
            if begun is not None:
                self._asked_ahead[sampled] = None
                return begun
        return None

    def _begin_next(self, sampled: SampledRow) -> RowInProgress | None:
        number = None if sampled.is_over else self._next_sample(sampled.request, sampled.replies, frozenset(sampled.open))
        if number is None:
            return None
        row = sampled.begin(number)
        self._row_of[row] = sampled
        return row
