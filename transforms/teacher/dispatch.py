"""The loop that keeps the endpoint full: rows in, scored rows out, everything in between on one event loop.

A slot is taken when a request leaves and freed when its answer or failure arrives; a row that waits to be sent again holds none.
Retries go before follow-up turns, those before new rows. An answer is handed on only after the recorder says it is on disk.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from transforms.elements.failures import EarlyStop, FailureKind, RequestFailure, StopCause
from transforms.elements.replies import FailureRecord, LedgerRecord, ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest, Split
from transforms.teacher import retry
from transforms.teacher.client import AttemptResult
from transforms.teacher.health import EndpointHealth
from transforms.teacher.hedge import StragglerClock, send_with_hedge
from transforms.teacher.kinds.registry import KINDS
from transforms.teacher.limiter import AdaptiveLimit
from transforms.teacher.pacer import Pacer
from transforms.teacher.payload import PayloadTemplate, rename_token_limit
from transforms.teacher.sharing import SharedAnswers
from transforms.teacher.specs import ScoringSpec

log = logging.getLogger("beam_distill.teacher")

TICK_S = 0.05
OVERDUE = -1.0
NOT_STARTED = float("inf")
CUT_OFF_SAMPLE = 50  # answers looked at before it is said that too many are cut off by length
BYTES_PER_TOKEN = 4  # a rough first estimate, replaced by what the endpoint tells


class Client(Protocol):
    """What the dispatcher needs of a client."""

    async def send(self, body: bytes, turn: int, attempts: int) -> AttemptResult: ...
    def refresh_credential(self) -> bool: ...
    async def close(self) -> None: ...


class Sink(Protocol):
    """Where answers are recorded before anything else happens to them."""

    def put(self, record: LedgerRecord | FailureRecord, token: RowInProgress) -> None: ...


NextTurn = Callable[[PromptRequest, tuple[TeacherReply, ...]], "tuple[str, ...] | None"]
"""Given all replies so far: the answers to build the next turn on, or None when the row is done (or cannot go on)."""


@dataclass(eq=False, slots=True)
class RowInProgress:
    """One row between submission and delivery."""

    request: PromptRequest
    deliver: Callable[[ScoredRow], None]
    replies: tuple[TeacherReply, ...]
    body: bytes = b""
    turn: int = 0
    number: int = 0
    request_hash: str = ""
    attempts: int = 0
    attempts_of_turn: int = 0
    paid_now: int = 0
    answers_shared: int = 0
    first_sent_s: float | None = None
    failures_by_kind: dict[FailureKind, int] = field(default_factory=dict)
    all_failures: dict[str, int] = field(default_factory=dict)
    failure: RequestFailure | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the engine is doing at one moment, for progress and reports. Counts are totals since the session began.

    ``retries`` counts failed attempts that were or will be followed by another; ``rows`` the rows that came out finished, per split;
    ``failures`` failed attempts by kind; ``given_up`` the rows among them that came out without an answer.
    """

    in_flight: int
    limit: int
    waiting: int
    backing_off: int
    requests: int
    answers: int
    throttled: int
    peak_in_flight: int
    prompt_tokens: int = 0
    completion_tokens: int = 0
    retries: int = 0
    rows: tuple[tuple[str, int], ...] = ()
    failures: tuple[tuple[str, int], ...] = ()
    given_up: int = 0


class Dispatcher:
    """Owns limiter, pacer, health and the queues. Every method runs on the event loop it was made for."""

    def __init__(self, spec: ScoringSpec, client: Client, sink: Sink, next_turn: NextTurn, on_defect: Callable[[BaseException], None]) -> None:
        self._spec = spec
        self._client = client
        self._sink = sink
        self._next_turn = next_turn
        self._on_defect = on_defect
        self._shared: SharedAnswers[RowInProgress, AttemptResult] | None = SharedAnswers() if spec.share_identical_answers else None
        self._stragglers = StragglerClock() if spec.hedge_stragglers else None
        self._template = PayloadTemplate(spec.endpoint, spec.sampling)
        self._limiter = AdaptiveLimit(spec.concurrency)
        self._pacer = Pacer(spec.concurrency)
        self._health = EndpointHealth(spec.endpoint.chat_url, spec.patience)
        self._random = random.Random(spec.seed)
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._new: deque[RowInProgress] = deque()
        self._urgent: deque[RowInProgress] = deque()
        self._retries: list[tuple[float, int, RowInProgress]] = []
        self._order = itertools.count()
        self._in_flight = 0
        self._recording = 0
        self._tasks: dict[asyncio.Task[None], float] = {}  # every open slot, and when its attempt has taken too long
        self._overdue_every_s = min(1.0, spec.patience.attempt_s / 10.0)
        self._overdue_timer = self._loop.call_later(self._overdue_every_s, self._cancel_overdue)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_s = 0.0
        self._stop: EarlyStop | None = None
        kind = KINDS[spec.endpoint.kind]
        self._asks_completion_tokens = kind.asks_completion_tokens
        self._token_names_left = 2 if kind.names_token_limit else 0  # each name is refused once at most
        self._credential_refreshed_s: float | None = None
        self._answered_since_refresh = True
        self._cut_off = 0
        self._answers = 0
        self._requests = 0
        self._throttled = 0
        self._peak_in_flight = 0
        self._prompt_tokens = 0
        self._completion_tokens = 0
        self._retried = 0
        self._delivered = dict.fromkeys(Split, 0)
        self._given_up = 0
        self._failures: dict[FailureKind, int] = {}
        self._throttled_said_s = -1e9
        self._paused_said = False

    @property
    def new_rows(self) -> int:
        """Rows that nothing was sent for yet."""
        return len(self._new)

    @property
    def open_requests(self) -> int:
        """Requests on the wire, and answers handed to the recorder that are not safe yet."""
        return self._in_flight + self._recording

    @property
    def stopped(self) -> EarlyStop | None:
        """The early stop, once there was one."""
        return self._stop

    def snapshot(self) -> Snapshot:
        """The state of this moment."""
        return Snapshot(
            self._in_flight,
            self._limiter.limit,
            len(self._new) + len(self._urgent),
            len(self._retries),
            self._requests,
            self._answers,
            self._throttled,
            self._peak_in_flight,
            self._prompt_tokens,
            self._completion_tokens,
            self._retried,
            tuple([(split.value, count) for split, count in self._delivered.items()]),
            tuple([(kind.value, count) for kind, count in list(self._failures.items())]),
            self._given_up,
        )

    def submit(self, rows: list[RowInProgress]) -> None:
        """Take rows in; each is delivered exactly once."""
        if self._stop is not None:
            for row in rows:
                self._deliver(row, stopped=self._stop)
            return
        for row in rows:
            row.turn = len(row.replies)
            self._prepare_turn(row, tuple(reply.content or "" for reply in row.replies) if row.turn else ())
            if self._must_be_sent(row):
                self._new.append(row)
        self._pump()

    def recorded(self, rows: list[RowInProgress]) -> None:
        """The recorder has the latest record of each of these rows on disk."""
        self._recording -= len(rows)
        for row in rows:
            if row.failure is not None:
                self._deliver(row)
                continue
            answers = self._next_turn(row.request, row.replies)
            if answers is None:
                self._deliver(row)
            elif self._stop is not None:
                self._deliver(row, stopped=self._stop)
            else:
                row.turn += 1
                row.attempts_of_turn = 0
                row.first_sent_s = None
                row.failures_by_kind = {}
                self._prepare_turn(row, answers)
                if self._must_be_sent(row):
                    self._urgent.append(row)
        self._pump()

    def not_recorded(self, rows: list[RowInProgress], error: Exception) -> None:
        """The disk does not take the records: stop sending, say so, lose nothing already written. Any other error is a defect of ours."""
        self._recording -= len(rows)
        if not isinstance(error, OSError):
            self._on_defect(error)
            return
        self.stop(
            EarlyStop(
                StopCause.STORAGE_FAILED,
                f"the ledger in {self._spec.ledger_dir} cannot be written: {error}. Free space or mend the disk and rerun: "
                "answers already written are kept.",
            )
        )
        for row in rows:
            self._deliver(row, stopped=self._stop)

    def stop(self, cause: EarlyStop) -> None:
        """Send nothing more; rows not on the wire come back at once, those on the wire when they are answered."""
        if self._stop is not None:
            return
        self._stop = cause
        log.warning("stopping: %s", cause.detail)
        waiting = [row for _, _, row in self._retries]
        waiting.extend(self._urgent)
        waiting.extend(self._new)
        if self._shared is not None:
            waiting.extend(self._shared.abandon())
        self._retries.clear()
        self._urgent.clear()
        self._new.clear()
        for row in waiting:
            self._deliver(row, stopped=cause)
        if self._in_flight:
            # an answer that cannot be recorded is not worth waiting for
            drain_s = 0.0 if cause.cause is StopCause.STORAGE_FAILED else self._spec.patience.drain_s
            self._loop.call_later(drain_s, self._give_up_in_flight)

    def withdraw(self, deliver: Callable[[ScoredRow], None]) -> None:
        """Deliver unsent what came with this ``deliver`` and is not on the wire: whoever wanted it is gone."""
        cause = EarlyStop(StopCause.INTERRUPTED, "the bundle of this row failed; its next try sends it.")
        waiting = [row for row in (*(row for _, _, row in self._retries), *self._urgent, *self._new) if row.deliver == deliver]
        self._retries = [entry for entry in self._retries if entry[2].deliver != deliver]
        heapq.heapify(self._retries)
        self._urgent = deque(row for row in self._urgent if row.deliver != deliver)
        self._new = deque(row for row in self._new if row.deliver != deliver)
        if self._shared is not None:
            for other in [other for row in waiting for other in self._shared.given_up(row.request_hash)]:
                if other.deliver == deliver:
                    waiting.append(other)
                elif self._must_be_sent(other):
                    self._urgent.append(other)
        for row in waiting:
            self._deliver(row, stopped=cause)
        self._pump()

    async def close(self) -> None:
        """Cancel what is on the wire and close the connections."""
        self._overdue_timer.cancel()
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    # sending

    def _prepare_turn(self, row: RowInProgress, answers: tuple[str, ...]) -> None:
        row.body = self._template.body(row.request.messages_for_turn(row.turn, answers))
        row.request_hash = self._template.request_hash(row.body)

    def _must_be_sent(self, row: RowInProgress) -> bool:
        """False when the row gets the answer to an identical request, now or when that comes."""
        if self._shared is None:
            return True
        answer = self._shared.find(row.request_hash)
        if answer is not None:
            self._take_shared(row, answer)
            return False
        return not self._shared.join(row.request_hash, row)

    def _take_shared(self, row: RowInProgress, answer: AttemptResult) -> None:
        assert answer.reply is not None
        now_ms = time.time_ns() // 1_000_000
        row.answers_shared += 1
        self._record(row, row.body, answer.body, answer.reply._replace(turn=row.turn, attempts=0), now_ms)

    def _ready(self, now_s: float) -> RowInProgress:
        if self._retries and self._retries[0][0] <= now_s:
            return heapq.heappop(self._retries)[2]
        return self._urgent.popleft() if self._urgent else self._new.popleft()

    def _pump(self) -> None:
        """Open a slot for every row that may leave now."""
        now_s = self._now()
        while (row := self._next_to_leave(now_s)) is not None:
            task = self._loop.create_task(self._use_slot(row, now_s))
            self._tasks[task] = NOT_STARTED
            task.add_done_callback(partial(self._slot_closed, row))

    def _slot_closed(self, first: RowInProgress, task: asyncio.Task[None]) -> None:
        deadline_s = self._tasks.pop(task)
        if not task.cancelled():
            error = task.exception()
            if error is not None:
                self._on_defect(error)
        elif deadline_s == NOT_STARTED:
            self._in_flight -= 1
            self._deliver(first, stopped=self._stop or EarlyStop(StopCause.INTERRUPTED, "the session was closed"))

    def _next_to_leave(self, now_s: float) -> RowInProgress | None:
        """The row that leaves now, counted as on the wire; None when there is none, or no room, or it is not yet time."""
        if self._stop is not None:
            return None
        self._limiter.advance(now_s)
        limit = self._limiter.limit
        if self._in_flight < limit:
            if self._urgent or self._new or (self._retries and self._retries[0][0] <= now_s):
                if self._health.paused:
                    delay = self._health.probe_delay_s(now_s)
                    if self._in_flight:
                        delay = max(delay, TICK_S)
                else:
                    delay = self._pacer.delay_s(now_s, self._in_flight, self._token_estimate())
                if delay <= 0:
                    self._in_flight += 1
                    if self._in_flight > self._peak_in_flight:
                        self._peak_in_flight = self._in_flight
                    row = self._ready(now_s)
                    row.number = self._pacer.sent(now_s)  # here and not where it is sent: the next row's turn depends on it
                    return row
                self._limiter.not_binding()
                self._wake_in(delay)
                return None
            self._limiter.not_binding()
        if self._retries or self._urgent or self._new:
            pause = TICK_S
            if self._retries and self._in_flight < limit:
                pause = min(pause, self._retries[0][0] - now_s)
            self._wake_in(max(pause, 0.001))
        return None

    def _token_estimate(self) -> float:
        sample = self._urgent[0] if self._urgent else self._new[0] if self._new else None
        prompt = len(sample.body) / BYTES_PER_TOKEN if sample is not None else 0.0
        return prompt + self._spec.sampling.max_new_tokens

    def _wake_in(self, delay_s: float) -> None:
        due_s = self._now() + min(delay_s, 1.0)
        if self._timer is not None:
            if self._timer_due_s <= due_s:
                return
            self._timer.cancel()
        self._timer_due_s = due_s
        self._timer = self._loop.call_at(due_s, self._woken)

    def _woken(self) -> None:
        self._timer = None
        self._pump()

    async def _use_slot(self, row: RowInProgress | None, now_s: float) -> None:
        """Send one row after another for as long as one may leave: a slot that frees takes the next row without a detour."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        while row is not None:
            await self._attempt(row, now_s, task)
            now_s = self._now()
            row = self._next_to_leave(now_s)
            if row is not None and self._in_flight < self._limiter.limit:
                self._pump()  # the limit grew: one more slot

    async def _attempt(self, row: RowInProgress, sent_s: float, slot: asyncio.Task[None]) -> None:
        number = row.number
        if row.first_sent_s is None:
            row.first_sent_s = sent_s
        row.attempts += 1
        row.attempts_of_turn += 1
        self._requests += 1
        body = rename_token_limit(row.body) if self._asks_completion_tokens else row.body
        timeout_s = retry.attempt_timeout_s(self._spec.patience, row.failures_by_kind.get(FailureKind.TIMED_OUT, 0))
        sent_at_ms = time.time_ns() // 1_000_000
        binding = self._in_flight >= self._limiter.limit
        self._tasks[slot] = sent_s + timeout_s
        try:
            if self._stragglers is None:
                result = await self._client.send(body, row.turn, row.attempts_of_turn)
            else:
                result = await self._send_with_hedge(row, body, sent_s)
        except asyncio.CancelledError:
            if self._tasks[slot] is not OVERDUE:  # not for its deadline
                self._in_flight -= 1
                self._deliver(row, stopped=self._stop or EarlyStop(StopCause.INTERRUPTED, "the session was closed"))
                raise
            if sys.version_info >= (3, 11):
                slot.uncancel()
            result = AttemptResult(
                1000.0 * (self._now() - sent_s),
                failure=RequestFailure(FailureKind.TIMED_OUT, f"no whole answer within {self._now() - sent_s:.1f} s"),
            )
        self._in_flight -= 1
        now_s = self._now()
        self._pacer.told(sent_s, number, result.request_budget, result.token_budget, result.reply is not None)
        if self._spec.log_requests:
            self._log_attempt(row, body, result)
        if result.reply is not None:
            self._pacer.answered(now_s)
            self._limiter.answered(now_s, result.latency_ms / 1000.0, result.reply.completion_tokens or 0, binding, number)
            self._on_answer(row, body, result, result.reply, now_s, sent_at_ms)
        else:
            assert result.failure is not None
            self._on_failure(row, result.failure, now_s, sent_s, "max_completion_tokens" in body[-400:].decode("latin-1"))

    async def _send_with_hedge(self, row: RowInProgress, body: bytes, sent_s: float) -> AttemptResult:
        assert self._stragglers is not None
        hedged = False

        def is_straggler() -> bool:
            nonlocal hedged
            after_s = self._stragglers.straggler_after_s if self._stragglers is not None else None
            quiet = not self._new and not self._urgent and not self._retries and self._in_flight < self._limiter.limit
            if self._stop is not None or after_s is None or not quiet or self._now() - sent_s < after_s:
                return False
            hedged = True
            row.attempts += 1
            row.attempts_of_turn += 1
            self._requests += 1
            self._in_flight += 1
            self._peak_in_flight = max(self._peak_in_flight, self._in_flight)
            return True

        try:
            return await send_with_hedge(lambda: self._client.send(body, row.turn, row.attempts_of_turn), is_straggler)
        finally:
            self._in_flight -= hedged

    def _cancel_overdue(self) -> None:
        """One look at all deadlines now and then costs less than a timer for each request."""
        now_s = self._now()
        for task, deadline_s in self._tasks.items():
            if deadline_s < now_s:
                self._tasks[task] = OVERDUE
                task.cancel()
        self._overdue_timer = self._loop.call_later(self._overdue_every_s, self._cancel_overdue)

    # answers

    def _on_answer(
        self,
        row: RowInProgress,
        body: bytes,
        result: AttemptResult,
        reply: TeacherReply,
        now_s: float,
        sent_at_ms: int,
    ) -> None:
        self._answers += 1
        self._prompt_tokens += reply.prompt_tokens or 0
        self._completion_tokens += reply.completion_tokens or 0
        self._answered_since_refresh = True
        if self._health.answered():
            log.warning("the endpoint answers again")
            self._paused_said = False
            self._limiter.outage_over(now_s)
        self._watch_length(reply)
        row.paid_now += 1
        if self._stragglers is not None:
            self._stragglers.answered(result.latency_ms / 1000.0)
        if self._shared is not None:
            for other in self._shared.answered(row.request_hash, result):
                self._take_shared(other, result)
        self._record(row, body, result.body, reply, sent_at_ms)

    def _record(self, row: RowInProgress, body: bytes, response: bytes, reply: TeacherReply, sent_at_ms: int) -> None:
        row.replies = (*row.replies, reply)
        origin = row.request.row.origin
        references = row.request.references
        self._recording += 1
        self._sink.put(
            LedgerRecord(
                run_id=self._spec.run_id,
                split=origin.split.value,
                row_key=row.request.row.row_key,
                file=origin.file,
                line=origin.line,
                turn=row.turn,
                request_hash=row.request_hash,
                model=self._spec.endpoint.model,
                payload=body.decode(),
                reference_answer=references[row.turn] if row.turn < len(references) else None,
                status=200,
                response=response.decode("utf-8", "replace"),
                finish_reason=reply.finish_reason,
                prompt_tokens=reply.prompt_tokens,
                completion_tokens=reply.completion_tokens,
                attempts=reply.attempts,
                latency_ms=round(reply.latency_ms, 3),
                sent_at_ms=sent_at_ms,
                answered_at_ms=time.time_ns() // 1_000_000,
            ),
            row,
        )

    def _watch_length(self, reply: TeacherReply) -> None:
        if self._answers > CUT_OFF_SAMPLE:
            return
        if reply.finish_reason == "length":
            self._cut_off += 1
        if self._answers == CUT_OFF_SAMPLE and self._cut_off * 10 > CUT_OFF_SAMPLE:
            log.warning(
                "%d of the first %d answers are cut off by length: set teacher_model_max_new_tokens above %d "
                "(cut-off answers become rejects and count against the success ratio)",
                self._cut_off,
                CUT_OFF_SAMPLE,
                self._spec.sampling.max_new_tokens,
            )

    # failures

    def _on_failure(self, row: RowInProgress, failure: RequestFailure, now_s: float, sent_s: float, renamed: bool) -> None:
        kind = failure.kind
        row.failures_by_kind[kind] = row.failures_by_kind.get(kind, 0) + 1
        row.all_failures[kind.value] = row.all_failures.get(kind.value, 0) + 1
        self._failures[kind] = self._failures.get(kind, 0) + 1
        if kind in (FailureKind.WANTS_MAX_COMPLETION_TOKENS, FailureKind.WANTS_MAX_TOKENS):
            if self._rephrases(kind is FailureKind.WANTS_MAX_COMPLETION_TOKENS, renamed):
                self._again(row, 0.0, now_s)
                return
            kind = FailureKind.BAD_REQUEST
            failure = RequestFailure(kind, failure.detail, failure.status, failure.excerpt, failure.retry_after_s)
        if kind is FailureKind.UNAUTHORIZED and self._retry_with_new_credential(row, sent_s, now_s):
            return
        if kind is FailureKind.THROTTLED:
            self._on_throttled(failure, now_s, sent_s)
        stop = self._health.failed(now_s, failure)
        if stop is None and kind is FailureKind.UNAUTHORIZED:
            stop = EarlyStop(StopCause.ENDPOINT_REFUSED, self._health.refusal_text(failure))
        if self._health.paused and not self._paused_said:
            self._paused_said = True
            log.warning(
                "the endpoint does not answer (%s: %s): paused, probing for up to %.0f s",
                failure.kind.value,
                failure.detail,
                self._spec.patience.outage_s,
            )
        if stop is not None:
            self.stop(stop)
        if self._stop is not None:
            self._deliver(row, stopped=self._stop)
            return
        assert row.first_sent_s is not None
        age_s = now_s - row.first_sent_s
        if retry.may_retry(failure, row.failures_by_kind, age_s, self._spec.patience):
            wait = retry.wait_s(failure, row.failures_by_kind[kind], self._random)
            if self._spec.patience.payload_s is None or age_s + wait < self._spec.patience.payload_s:
                self._again(row, wait, now_s)
                return
        elif kind in (FailureKind.FORBIDDEN, FailureKind.NOT_FOUND) and row.failures_by_kind[kind] < 4:
            self._again(row, 0.2, now_s)  # one row alone must be enough to tell a refusal from a hiccup
            return
        self._give_up(row, failure)

    def _rephrases(self, wants_completion_tokens: bool, renamed: bool) -> bool:
        """Whether the request may go again under the other name of the token limit."""
        if renamed is wants_completion_tokens:
            return False
        if self._asks_completion_tokens is renamed:
            if not self._token_names_left:
                return False
            self._token_names_left -= 1
            self._asks_completion_tokens = wants_completion_tokens
            log.info("the endpoint asks for max_%stokens: sending that from now on", "completion_" if wants_completion_tokens else "")
        return True

    def _retry_with_new_credential(self, row: RowInProgress, sent_s: float, now_s: float) -> bool:
        refreshed_s = self._credential_refreshed_s
        if refreshed_s is not None and sent_s < refreshed_s:
            self._again(row, 0.0, now_s)  # sent with the old credential
            return True
        if refreshed_s is not None and not self._answered_since_refresh:
            return False
        if not self._client.refresh_credential():
            return False
        self._credential_refreshed_s = now_s
        self._answered_since_refresh = False
        self._again(row, 0.0, now_s)
        return True

    def _on_throttled(self, failure: RequestFailure, now_s: float, sent_s: float) -> None:
        self._throttled += 1
        self._pacer.throttled(now_s, failure.retry_after_s)
        if self._limiter.throttled(now_s, sent_s, self._in_flight):
            self._pacer.slow_down(now_s, max(0.02, min(now_s - sent_s, 2.0)))
            if now_s - self._throttled_said_s > 60.0:
                self._throttled_said_s = now_s
                log.info("the endpoint throttles (429): finding its pace")

    def _again(self, row: RowInProgress, wait_s: float, now_s: float) -> None:
        if self._stop is not None:  # it was on the wire when the rest was stopped
            self._deliver(row, stopped=self._stop)
            return
        self._retried += 1
        heapq.heappush(self._retries, (now_s + wait_s, next(self._order), row))

    def _give_up(self, row: RowInProgress, failure: RequestFailure) -> None:
        row.failure = failure
        if self._shared is not None:
            for other in self._shared.given_up(row.request_hash):
                if self._must_be_sent(other):
                    self._urgent.append(other)
        origin = row.request.row.origin
        self._recording += 1
        self._sink.put(
            FailureRecord(
                run_id=self._spec.run_id,
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
            ),
            row,
        )

    def _give_up_in_flight(self) -> None:
        for task in list(self._tasks):
            task.cancel()

    def _deliver(self, row: RowInProgress, stopped: EarlyStop | None = None) -> None:
        if stopped is None:
            self._delivered[row.request.row.origin.split] += 1
            self._given_up += row.failure is not None
        row.deliver(
            ScoredRow(
                row.request,
                row.replies,
                failure=row.failure,
                stopped=stopped,
                attempts=row.attempts,
                paid_now=row.paid_now,
                answers_shared=row.answers_shared,
                failures_by_kind=tuple(row.all_failures.items()),
            )
        )

    def _log_attempt(self, row: RowInProgress, body: bytes, result: AttemptResult) -> None:
        origin = row.request.row.origin
        outcome = "answered" if result.failure is None else f"{result.failure.kind.value} ({result.failure.detail})"
        prompt = f" {body.decode()}" if self._spec.log_prompts else ""
        log.info(
            "%s line %d turn %d attempt %d: %s in %.0f ms%s",
            origin.split.value,
            origin.line,
            row.turn,
            row.attempts_of_turn,
            outcome,
            result.latency_ms,
            prompt,
        )
