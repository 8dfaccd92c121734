"""The consequences of failures: whether the row or the endpoint is at fault, what failures count, and the messages.

``health`` raises doubts, ``own_question`` asks, and this file applies the answer to the rows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from transforms.elements.failures import REFUSAL, TROUBLE, EarlyStop, FailureKind, RequestFailure
from transforms.teacher.adaptation import Adaptation
from transforms.teacher.health import MOST_BY_ITSELF, Doubt, EndpointHealth, Finding
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.own_question import OwnQuestion, Send
from transforms.teacher.payload import BYTES_PER_TOKEN
from transforms.teacher.refusal_words import begins_with
from transforms.teacher.specs import ScoringSpec
from transforms.teacher.waiting import WaitingRows

log = logging.getLogger("beam_distill.teacher")

SAY_PAUSED_AFTER_S = 5.0  # a short pause of a busy server is not worth a message
SAY_SILENT_AFTER_S = 60.0
FEW_THROTTLED = 8
FEW_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Resolved:
    """The result of our test question: an early stop for a failure of ``kind``, or ``given_up`` rows that failed by themselves, or an
    endpoint that is back."""

    stop: EarlyStop | None = None
    kind: FailureKind = FailureKind.THROTTLED
    given_up: tuple[RowInProgress, ...] = ()
    is_back: bool = False


class Trouble:
    """All consequences of failures beyond the row's own budgets. ``waiting`` are the rows to send, ``name`` is the endpoint's."""

    def __init__(self, spec: ScoringSpec, adaptation: Adaptation, waiting: WaitingRows, name: str = "the endpoint") -> None:
        self._name = name
        self._patience = spec.patience
        self._waiting = waiting
        self.health = EndpointHealth(spec.endpoint.chat_url, spec.patience, spec.sampling.max_new_tokens)
        self.question = OwnQuestion(spec.endpoint, spec.sampling, spec.patience, adaptation)
        self._accused: list[tuple[RowInProgress, FailureKind]] = []
        self._tried: RowInProgress | None = None
        self._tried_at_s = 0.0
        self._out_since_s: float | None = None
        self._paused_said = False
        self._silent_said = False
        self._unclear_said = False

    @property
    def doubt(self) -> Doubt | None:
        """During a doubt, rows are sent only through ``row_to_try``."""
        return self.health.doubt

    def is_busy(self, now_s: float) -> bool:
        """Whether a tried row has not returned yet; a row that hangs does not count."""
        return self._tried is not None and now_s - self._tried_at_s < self.question.time_s

    def row_to_try(self, now_s: float) -> RowInProgress | None:
        """During a doubt: the row to send before our test question, removed from the waiting rows. Called when one is due."""
        if not self.health.tries_a_row(now_s):
            return None
        self._tried = self._waiting.take_hardly_failed(FEW_FAILURES if self.health.out else 0)
        self._tried_at_s = now_s
        return self._tried

    def answered(self, body: bytes, now_s: float) -> bool:
        """The request ``body`` of a row was answered. True when that ends an outage."""
        silent_s = self.health.silent_s(now_s)
        is_back = self.health.answered()
        self.question.row_answered(body)
        if is_back:
            self._forgive(silent_s)
        if self._accused or self._tried is not None:
            self._accused.clear()
            self._tried = None
        if self._silent_said or self._paused_said:
            self._say_back()
        return is_back

    def failed(self, row: RowInProgress, failure: RequestFailure, now_s: float, rows_left: int) -> EarlyStop | None:
        """An attempt at ``row`` failed; ``rows_left`` rows are not finished. Returns an EarlyStop when every row would fail."""
        if failure.kind is FailureKind.UNCLEAR_REFUSAL and not self._unclear_said:
            self._unclear_said = True
            self._say_unclear(failure)
        if row is self._tried:
            self._tried = None
            if self.health.doubt is not None:
                self.health.tried_row_failed(now_s)
        if failure.kind in TROUBLE or failure.kind in REFUSAL:
            self._accused.append((row, failure.kind))
        else:
            self._accused.clear()
        return self.health.failed(now_s, failure, rows_left, len(row.body) / BYTES_PER_TOKEN)

    async def resolve(self, doubt: Doubt, send: Send, now: Callable[[], float]) -> Resolved:
        """Send the question for ``doubt``. Returns the result."""
        failure = await self.question.ask(doubt, send)
        now_s = now()
        if self.health.doubt is not doubt:
            return Resolved()  # meanwhile a row was answered
        if failure is not None:
            stop = self.health.question_failed(now_s, failure)
            if self.health.out and self._out_since_s is None:
                self._out_since_s = now_s
            return Resolved(stop, failure.kind)
        latest, silent_s = self.health.latest_failure, self.health.silent_s(now_s)
        throttled = latest is not None and latest.kind is FailureKind.THROTTLED and silent_s >= self._patience.outage_s
        if throttled and not self.health.out:
            return self._only_throttled(now_s)
        finding = self.health.question_answered()
        if finding is Finding.ENDPOINT_IS_BACK:
            self._forgive(silent_s)
            self._accused.clear()
            self._say_back()
            return Resolved(is_back=True)
        for row, kind in self._accused:
            row.by_itself += kind.weight
        self._accused.clear()
        return Resolved(given_up=tuple(self._waiting.remove_failed(lambda row: row.by_itself >= MOST_BY_ITSELF)))

    def forgive(self, now_s: float) -> None:
        """Failures since the latest answer do not count against the rows."""
        self._forgive(self.health.silent_s(now_s))
        self._accused.clear()

    def look(self, now_s: float) -> None:
        """Call regularly: report what the run waits for."""
        silent_s = self.health.silent_s(now_s)
        if not silent_s:
            return
        self.health.look(now_s)
        failure = self.health.latest_failure
        if failure is None:
            return
        if self._out_since_s is not None and not self._paused_said and now_s - self._out_since_s > SAY_PAUSED_AFTER_S:
            self._paused_said = True
            log.warning(
                "%s does not answer (%s: %s%s): paused, trying again for up to %.0f s",
                self._name,
                failure.kind.value,
                failure.detail,
                begins_with(failure),
                self.health.patience_s,
            )
        elif not self._silent_said and silent_s > SAY_SILENT_AFTER_S:
            self._silent_said = True
            last = f"{failure.kind.value} ({failure.detail}{begins_with(failure)})"
            log.warning("no answer from %s for %.0f s, last %s", self._name, silent_s, last)

    def _only_throttled(self, now_s: float) -> Resolved:
        def throttled_throughout(row: RowInProgress) -> bool:
            latest = row.latest_failure
            return latest is not None and latest.kind is FailureKind.THROTTLED and row.age_s(now_s) >= self._patience.outage_s

        stop = self.health.only_throttled(len(self._waiting) <= FEW_THROTTLED)
        if stop is not None:
            return Resolved(stop)
        self.health.question_answered()
        return Resolved(given_up=tuple(self._waiting.remove_failed(throttled_throughout)))

    def _forgive(self, silent_s: float) -> None:
        """The endpoint was out: failures and time meanwhile do not count against the rows."""
        for row, kind in self._accused:
            if row.failures_by_kind.get(kind):
                row.failures_by_kind[kind] -= 1
        for _, _, row in self._waiting.retries:
            row.excused_s += silent_s

    def _say_unclear(self, failure: RequestFailure) -> None:
        assert failure.kind.budget is not None
        said = begins_with(failure)
        log.warning(
            "%s refuses a row %s (%s%s): such rows are sent up to %d times, then rejected as %s",
            self._name,
            "with an unknown message" if said else "without a message",
            failure.detail,
            said,
            failure.kind.budget.most,
            failure.kind.value,
        )

    def _say_back(self) -> None:
        if self._paused_said or self._silent_said:
            log.warning("%s answers again", self._name)
        self._paused_said = self._silent_said = False
        self._out_since_s = None
