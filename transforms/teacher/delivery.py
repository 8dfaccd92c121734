"""The engine's output: records first, then rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from transforms.elements.failures import EarlyStop, RequestFailure, StopCause
from transforms.elements.replies import FailureRecord, LedgerRecord, ScoredRow
from transforms.teacher.client import AttemptResult
from transforms.teacher.engine_counts import EngineCounts
from transforms.teacher.enough import ENOUGH, AcceptedRows
from transforms.teacher.in_progress import Recording, RowInProgress
from transforms.teacher.samples import SampledRows


class Sink(Protocol):
    """Records answers before anything else happens to them. ``token`` comes back when the record is safe."""

    def put(self, record: LedgerRecord | FailureRecord, token: RowInProgress | None) -> None: ...


class Delivery:
    """Puts records into the sink and returns rows. ``pending`` counts records that are not safe yet.

    ``samples`` has the rows of which several samples are asked; what they need next goes to ``begin``.
    ``accepted`` counts the rows with an example.
    """

    def __init__(
        self,
        sink: Sink,
        recording: Recording,
        counts: EngineCounts,
        samples: SampledRows | None,
        begin: Callable[[RowInProgress], None],
        accepted: AcceptedRows | None = None,
    ) -> None:
        self._sink = sink
        self._recording = recording
        self._counts = counts
        self._samples = samples
        self._begin = begin
        self.pending = 0
        self._accepted = accepted

    def needs_no_answer(self, row: RowInProgress) -> bool:
        """Return the row unfinished if its split has enough accepted rows; whether it has."""
        if not self._has_enough(row):
            return False
        self.hand_back(row, stopped=ENOUGH)
        return True

    def _has_enough(self, row: RowInProgress) -> bool:
        return self._accepted is not None and self._accepted.is_full(row.request.row.origin.split)

    def answer(self, row: RowInProgress, body: bytes, result: AttemptResult, sent_at_ms: int, endpoint: str) -> None:
        """Record the named endpoint's answer to the request ``body`` of this row."""
        reply = result.reply
        assert reply is not None
        row.replies = (*row.replies, reply._replace(sample=row.sample) if row.sample else reply)
        self.pending += 1
        self._sink.put(self._recording.answer(row, body, result, sent_at_ms, endpoint), row)

    def keep(self, row: RowInProgress, failure: RequestFailure, body: bytes) -> None:
        """Record an unusable 200 with its ``body``; the row continues."""
        self.pending += 1
        self._sink.put(self._recording.failure(row, failure, body, given_up=False), None)

    def give_up(self, row: RowInProgress, failure: RequestFailure, body: bytes) -> None:
        """Record the failure that ends this row; ``body`` as for ``keep``, or empty."""
        row.failure = failure
        self.pending += 1
        self._sink.put(self._recording.failure(row, failure, body, given_up=True), row)

    def end_early(self, row: RowInProgress, cause: EarlyStop) -> None:
        """Return the row unfinished. The number of attempts is recorded first, for the rejects."""
        if row.latest_failure is None or cause.cause is StopCause.STORAGE_FAILED:
            self.hand_back(row, stopped=cause)
            return
        row.stopped = cause
        self.pending += 1
        self._sink.put(self._recording.failure(row, row.latest_failure, b"", given_up=False), row)

    def hand_back(self, row: RowInProgress, stopped: EarlyStop | None = None) -> None:
        """Return the row without another record; of one sample, if no other is needed. A row that is not needed is never one to send again."""
        if stopped is not None and self._has_enough(row):
            stopped = ENOUGH
        scored: ScoredRow | RowInProgress | None = row.scored(stopped)
        if self._samples is not None and isinstance(scored, ScoredRow):
            scored = self._samples.ended(row, scored)
        if isinstance(scored, RowInProgress):
            self._begin(scored)
        elif scored is not None:
            if scored.stopped is None:
                self._counts.finished(row.request.row.origin.split, scored.failure is not None)
                if self._accepted is not None:
                    self._accepted.finished(scored)
            row.deliver(scored)
