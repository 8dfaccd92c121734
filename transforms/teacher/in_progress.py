"""A row in the engine, and its ledger records."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from transforms.elements.failures import EarlyStop, FailureKind, RequestFailure
from transforms.elements.replies import NOT_JUDGED, FailureRecord, Judging, LedgerRecord, ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest, sample_key
from transforms.teacher.budget import FREE, Reservation
from transforms.teacher.client import AttemptResult


@dataclass(eq=False, slots=True)
class RowInProgress:
    """One row between submission and delivery.

    ``failures_by_kind`` counts failures for the budgets of the current turn, ``all_failures`` all failures. ``by_itself`` is the weight of
    failures while the endpoint answered others (``health``). ``excused_s`` is time of outages, which does not count. ``in_one_piece``:
    its request was refused as a stream, and is not streamed again. ``reservation`` is the budget of its request on the wire. ``sample``:
    which of the row's samples this is, where it may have several (``samples``).
    """

    request: PromptRequest
    deliver: Callable[[ScoredRow], None]
    replies: tuple[TeacherReply, ...]
    sample: int = 0
    body: bytes = b""
    turn: int = 0
    number: int = 0
    request_hash: str = ""
    reservation: Reservation = FREE
    attempts: int = 0
    attempts_of_turn: int = 0
    retries: int = 0
    paid_now: int = 0
    answers_shared: int = 0
    judging: Judging = NOT_JUDGED
    first_sent_s: float | None = None
    excused_s: float = 0.0
    by_itself: int = 0
    in_one_piece: bool = False
    failures_by_kind: dict[FailureKind, int] = field(default_factory=dict)
    all_failures: dict[str, int] = field(default_factory=dict)
    latest_failure: RequestFailure | None = None
    failure: RequestFailure | None = None
    stopped: EarlyStop | None = None

    @property
    def sharing_key(self) -> str:
        """What rows have in common that share an answer: the request, and which sample of it."""
        return sample_key(self.request_hash, self.sample)

    def begin_turn(self, turn: int) -> None:
        """Start the request of ``turn``, with new budgets."""
        self.turn = turn
        self.attempts_of_turn = 0
        self.first_sent_s = None
        self.excused_s = 0.0
        self.by_itself = 0
        self.in_one_piece = False
        self.failures_by_kind = {}
        self.latest_failure = None

    def sent(self, now_s: float) -> bool:
        """One more attempt begins. Returns whether it is a retry."""
        if self.first_sent_s is None:
            self.first_sent_s = now_s
        self.attempts += 1
        self.attempts_of_turn += 1
        if self.attempts_of_turn == 1:
            return False
        self.retries += 1
        return True

    def failed(self, failure: RequestFailure) -> None:
        """An attempt failed."""
        kind = failure.kind
        self.latest_failure = failure
        self.failures_by_kind[kind] = self.failures_by_kind.get(kind, 0) + 1
        self.all_failures[kind.value] = self.all_failures.get(kind.value, 0) + 1

    def age_s(self, now_s: float) -> float:
        """Seconds since the request was first sent; 0 before."""
        return 0.0 if self.first_sent_s is None else now_s - self.first_sent_s

    def scored(self, stopped: EarlyStop | None) -> ScoredRow:
        """The row as it is returned."""
        return ScoredRow(
            self.request,
            self.replies,
            failure=self.failure,
            stopped=stopped,
            attempts=self.attempts,
            retries=self.retries,
            paid_now=self.paid_now,
            answers_shared=self.answers_shared,
            failures_by_kind=tuple(self.all_failures.items()),
            judging=self.judging,
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """The common part of all records of a run."""

    run_id: str
    model: str | None

    def answer(self, row: RowInProgress, sent: bytes, result: AttemptResult, sent_at_ms: int, endpoint: str) -> LedgerRecord:
        """The named endpoint's answer to the request body ``sent``."""
        reply = result.reply
        assert reply is not None
        origin = row.request.row.origin
        references = row.request.references
        return LedgerRecord(
            run_id=self.run_id,
            split=origin.split.value,
            row_key=row.request.row.row_key,
            file=origin.file,
            line=origin.line,
            turn=row.turn,
            request_hash=row.request_hash,
            model=self.model,
            payload=sent.decode(),
            reference_answer=references[row.turn] if row.turn < len(references) else None,
            status=200,
            response=result.body.decode("utf-8", "replace"),
            finish_reason=reply.finish_reason,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            cached_tokens=reply.cached_tokens,
            reasoning_tokens=reply.reasoning_tokens,
            attempts=reply.attempts,
            latency_ms=round(reply.latency_ms, 3),
            sent_at_ms=sent_at_ms,
            answered_at_ms=time.time_ns() // 1_000_000,
            response_id=result.response_id,
            endpoint=endpoint,
            sample=row.sample,
        )

    def failure(self, row: RowInProgress, failure: RequestFailure, body: bytes, given_up: bool) -> FailureRecord:
        """The latest failure of ``row``; ``body`` is the whole body of an unusable 200, else empty."""
        origin = row.request.row.origin
        return FailureRecord(
            run_id=self.run_id,
            split=origin.split.value,
            row_key=row.request.row.row_key,
            file=origin.file,
            line=origin.line,
            turn=row.turn,
            kind=failure.kind.value,
            detail=failure.detail,
            status=failure.status,
            excerpt=failure.excerpt,
            attempts=row.attempts,
            response_id=failure.response_id,
            body=body or None,
            given_up=given_up,
        )
