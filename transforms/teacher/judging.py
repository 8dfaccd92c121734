"""The way of a sample over the judge: its question to an engine of its own, the verdict back to the sample.

The judge's engine is another dispatcher on the same loop. It has its own endpoint, limits, health, ledger folder and waiting rows, so a
judge that is throttled does not slow the teacher. Both share the budget, and stop together.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from transforms.elements.failures import EarlyStop, FailureKind, StopCause
from transforms.elements.judge_settings import with_judges_settings
from transforms.elements.replies import Judging, ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.verdict_watch import VerdictFault, VerdictWatch

Question = Callable[[PromptRequest, "tuple[TeacherReply, ...]"], "PromptRequest | None"]
"""From the replies to all turns of a sample: what to ask the judge about it; None if it needs no verdict."""

AHEAD_ROWS = 10_000
"""Samples that may wait for the judge before new rows are no longer read. They are in memory."""


class JudgesEngine(Protocol):
    """The judge's engine."""

    def submit(self, rows: list[RowInProgress]) -> None: ...


class Judge:
    """Sends samples to the judge. ``back`` gets each one again, with its verdict or without; then ``go_on`` is called."""

    def __init__(
        self,
        engine: JudgesEngine,
        question: Question,
        back: Callable[[RowInProgress, EarlyStop | None], None],
        go_on: Callable[[], None],
        fault_of: VerdictFault = lambda _: None,
    ) -> None:
        self._engine = engine
        self._question = question
        self._back = back
        self._go_on = go_on
        self._watch = VerdictWatch(fault_of)
        self.pending = 0

    @property
    def is_behind(self) -> bool:
        """Whether so many samples wait that no more rows should come."""
        return self.pending > AHEAD_ROWS

    def takes(self, row: RowInProgress) -> bool:
        """Ask the judge about a sample whose turns are all answered. False if it needs no verdict."""
        question = self._question(row.request, row.replies)
        if question is None:
            return False
        self.pending += 1
        self._engine.submit([RowInProgress(question, partial(self._judged, row), (), sample=row.sample)])
        return True

    def _judged(self, row: RowInProgress, scored: ScoredRow) -> None:
        self.pending -= 1
        paid = scored.paid_replies
        for verdict in paid:
            self._watch.answered(verdict)
        usage = paid[0].usage if paid else Judging().usage
        throttled = dict(scored.failures_by_kind).get(FailureKind.THROTTLED.value, 0)
        row.judging = row.judging.plus(Judging(scored.attempts, scored.paid_now, scored.answers_shared, usage, scored.retries, throttled))
        row.replies += tuple(reply._replace(turn=len(row.request.turns)) for reply in scored.replies)
        row.failure = scored.failure
        self._back(row, scored.stopped)
        self._go_on()


def named(cause: EarlyStop) -> EarlyStop:
    """The early stop of the judge's engine, as that of both."""
    if cause.cause not in (StopCause.ENDPOINT_REFUSED, StopCause.ENDPOINT_GONE):
        return cause
    return EarlyStop(cause.cause, f"the judge: {with_judges_settings(cause.detail)}")
