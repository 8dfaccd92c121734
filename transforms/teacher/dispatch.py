"""The loop that keeps the endpoint full: rows in, scored rows out, everything in between on one event loop.

A slot is taken when a request leaves and freed when its answer or failure arrives; a row that waits to be sent again holds none.
Retries go before follow-up turns, those before new rows. An answer is handed on only after the recorder says it is on disk.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from transforms.elements.failures import EarlyStop, FailureKind, RequestFailure, StopCause
from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest
from transforms.teacher import retry
from transforms.teacher.adaptation import ADAPTED, Adaptation
from transforms.teacher.client import AttemptResult
from transforms.teacher.delivery import Delivery, Sink
from transforms.teacher.engine_counts import EngineCounts, Snapshot
from transforms.teacher.health import REFUSAL, TROUBLE, Doubt
from transforms.teacher.hedge import StragglerClock, send_with_hedge
from transforms.teacher.in_progress import Recording, RowInProgress
from transforms.teacher.kinds.registry import KINDS
from transforms.teacher.length_watch import LengthWatch
from transforms.teacher.limiter import AdaptiveLimit
from transforms.teacher.pacer import Pacer
from transforms.teacher.payload import BYTES_PER_TOKEN, PayloadTemplate
from transforms.teacher.renewal import CredentialRenewal
from transforms.teacher.sharing import SharedAnswers
from transforms.teacher.slots import Alarm, Slot, Slots
from transforms.teacher.specs import ScoringSpec
from transforms.teacher.trouble import Trouble
from transforms.teacher.waiting import WaitingRows

log = logging.getLogger("beam_distill.teacher")

TICK_S = 0.05
REFUSALS_OF_ONE_ROW = 4
REFUSED_WAIT_S = 0.2


class Client(Protocol):
    """What the dispatcher needs of a client."""

    async def send(self, body: bytes, turn: int, attempts: int) -> AttemptResult: ...
    def refresh_credential(self) -> bool: ...
    async def close(self) -> None: ...


NextTurn = Callable[[PromptRequest, tuple[TeacherReply, ...]], "tuple[str, ...] | None"]
"""Given all replies so far: the answers to build the next turn on, or None when the row is done (or cannot go on)."""


class Dispatcher:
    """Owns limiter, pacer, health and the queues. Every method runs on the event loop it was made for."""

    def __init__(self, spec: ScoringSpec, client: Client, sink: Sink, next_turn: NextTurn, on_defect: Callable[[BaseException], None]) -> None:
        self._spec = spec
        self._client = client
        self._next_turn = next_turn
        self._on_defect = on_defect
        self._shared: SharedAnswers[RowInProgress, AttemptResult] | None = SharedAnswers() if spec.share_identical_answers else None
        self._stragglers = StragglerClock() if spec.hedge_stragglers else None
        self._template = PayloadTemplate(spec.endpoint, spec.sampling)
        self._limiter = AdaptiveLimit(spec.concurrency)
        self._pacer = Pacer(spec.concurrency)
        self._random = random.Random(spec.seed)
        kind = KINDS[spec.endpoint.kind]
        self._adaptation = Adaptation(kind.asks_completion_tokens, kind.names_token_limit)
        self._waiting = WaitingRows(self._random)
        self._trouble = Trouble(spec, self._adaptation, self._waiting)
        self._counts = EngineCounts()
        self._delivery = Delivery(sink, Recording(spec.run_id, spec.endpoint.model), self._counts)
        self._renewal = CredentialRenewal(client.refresh_credential)
        self._length_watch = LengthWatch(spec.sampling.max_new_tokens)
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._in_flight = 0
        self._slots = Slots(self._use_slot, self._dropped, on_defect)
        self._question: asyncio.Task[None] | None = None
        self._tick_every_s = min(1.0, spec.patience.attempt_s / 10.0)
        self._ticker = self._loop.call_later(self._tick_every_s, self._tick)
        self._alarm = Alarm(self._pump)
        self._stop: EarlyStop | None = None
        self._throttled_said_s = -1e9
        self._room_said = False

    @property
    def new_rows(self) -> int:
        """Rows that nothing was sent for yet."""
        return len(self._waiting.new)

    @property
    def open_requests(self) -> int:
        """Requests on the wire, and answers handed to the recorder that are not safe yet."""
        return self._in_flight + self._delivery.pending

    @property
    def stopped(self) -> EarlyStop | None:
        """The early stop, once there was one."""
        return self._stop

    def snapshot(self) -> Snapshot:
        """The state of this moment."""
        waiting = len(self._waiting.new) + len(self._waiting.urgent)
        backing_off = len(self._waiting.retries)
        return self._counts.snapshot(
            self._in_flight, self._limiter.limit, waiting, backing_off, self._trouble.question.asked, self._adaptation.left_out
        )

    def submit(self, rows: list[RowInProgress]) -> None:
        """Take rows in; each is delivered exactly once."""
        if self._stop is not None:
            for row in rows:
                self._delivery.hand_back(row, stopped=self._stop)
            return
        for row in rows:
            row.turn = len(row.replies)
            self._prepare_turn(row, tuple(reply.content or "" for reply in row.replies) if row.turn else ())
            if self._must_be_sent(row):
                self._waiting.new.append(row)
        self._pump()

    def recorded(self, rows: list[RowInProgress | None]) -> None:
        """The recorder has the latest record of each of these rows on disk; None stands for a record that no row waits for."""
        self._delivery.pending -= len(rows)
        for row in rows:
            if row is None:
                continue
            if row.failure is not None or row.stopped is not None:
                self._delivery.hand_back(row, stopped=row.stopped)
                continue
            answers = self._next_turn(row.request, row.replies)
            if answers is None:
                self._delivery.hand_back(row)
            elif self._stop is not None:
                self._delivery.hand_back(row, stopped=self._stop)
            else:
                row.begin_turn(row.turn + 1)
                self._prepare_turn(row, answers)
                if self._must_be_sent(row):
                    self._waiting.urgent.append(row)
        self._pump()

    def not_recorded(self, rows: list[RowInProgress | None], error: Exception) -> None:
        """The disk does not take the records: stop sending, say so, lose nothing already written. Any other error is a defect of ours."""
        self._delivery.pending -= len(rows)
        if not isinstance(error, OSError):
            self._on_defect(error)
            return
        self.stop(
            EarlyStop(
                StopCause.STORAGE_FAILED,
                f"the ledger in {self._spec.ledger_dir} cannot be written: {error}. Free space or repair the disk and rerun: "
                "answers already written are kept.",
            )
        )
        for row in rows:
            if row is not None:
                self._delivery.hand_back(row, stopped=self._stop)

    def stop(self, cause: EarlyStop) -> None:
        """Send nothing more; rows not on the wire come back at once, those on the wire when they are answered."""
        if self._stop is not None:
            return
        self._stop = cause
        log.warning("stopping: %s", cause.detail)
        waiting = self._waiting.remove_all()
        if self._shared is not None:
            waiting.extend(self._shared.abandon())
        if self._question is not None:
            self._question.cancel()
        for row in waiting:
            self._delivery.end_early(row, cause)
        if self._in_flight:
            # an answer that cannot be recorded is not worth waiting for
            drain_s = 0.0 if cause.cause is StopCause.STORAGE_FAILED else self._spec.patience.drain_s
            self._loop.call_later(drain_s, self._slots.cancel_all)

    def withdraw(self, deliver: Callable[[ScoredRow], None]) -> None:
        """Deliver unsent what came with this ``deliver`` and is not on the wire: whoever wanted it is gone."""
        cause = EarlyStop(StopCause.INTERRUPTED, "the bundle of this row failed; its next try sends it.")
        waiting = self._waiting.remove_of(deliver)
        if self._shared is not None:
            for other in [other for row in waiting for other in self._shared.given_up(row.request_hash)]:
                if other.deliver == deliver:
                    waiting.append(other)
                elif self._must_be_sent(other):
                    self._waiting.urgent.append(other)
        for row in waiting:
            self._delivery.hand_back(row, stopped=cause)
        self._pump()

    async def close(self) -> None:
        """Cancel what is on the wire and close the connections."""
        self._ticker.cancel()
        self._alarm.cancel()
        tasks = self._slots.cancel_all()
        if self._question is not None:
            self._question.cancel()
            tasks.append(self._question)
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)
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
        self._delivery.answer(row, row.body, answer, answer.reply._replace(turn=row.turn, attempts=0), now_ms)

    def _pump(self) -> None:
        """Open a slot for every row that may leave now."""
        now_s = self._now()
        while (row := self._next_to_leave(now_s)) is not None:
            self._slots.open(row, now_s)

    def _dropped(self, row: RowInProgress) -> None:
        self._in_flight -= 1
        self._delivery.hand_back(row, stopped=self._stop or EarlyStop(StopCause.INTERRUPTED, "the session was closed"))

    def _next_to_leave(self, now_s: float) -> RowInProgress | None:
        """The row that leaves now, counted as on the wire; None when there is none, or no room, or it is not yet time."""
        if self._stop is not None:
            return None
        self._limiter.advance(now_s)
        limit = self._limiter.limit
        if self._in_flight < limit:
            if self._trouble.doubt is not None:
                row, delay = self._in_doubt(now_s)
                if row is not None:
                    return self._leaving(row, now_s)
                self._limiter.not_binding()
                self._alarm.set(delay)
                return None
            if self._waiting.one_ready(now_s):
                delay = self._pacer.delay_s(now_s, self._in_flight, self._token_estimate())
                if delay <= 0:
                    return self._leaving(self._waiting.take(now_s, self._trouble.health.wants_rows_from_elsewhere), now_s)
                self._limiter.not_binding()
                self._alarm.set(delay)
                return None
            self._limiter.not_binding()
        if self._waiting:
            pause = TICK_S
            retries = self._waiting.retries
            if retries and self._in_flight < limit:
                pause = min(pause, retries[0][0] - now_s)
            self._alarm.set(max(pause, 0.001))
        return None

    def _leaving(self, row: RowInProgress, now_s: float) -> RowInProgress:
        self._in_flight += 1
        if self._in_flight > self._counts.peak_in_flight:
            self._counts.peak_in_flight = self._in_flight
        row.number = self._pacer.sent(now_s)  # told before the next row is looked at: the next row's turn depends on it
        return row

    def _token_estimate(self) -> float:
        sample = self._waiting.sample()
        prompt = len(sample.body) / BYTES_PER_TOKEN if sample is not None else 0.0
        return prompt + self._spec.sampling.max_new_tokens

    # questions of our own

    def _in_doubt(self, now_s: float) -> tuple[RowInProgress | None, float]:
        """The row to try, or the seconds until it is time to look again; a question of our own is asked when it is due."""
        delay_s = self._trouble.health.question_delay_s(now_s)
        if delay_s > 0 or not self._waiting or self._question is not None or self._trouble.is_busy(now_s):
            return None, max(delay_s, TICK_S)
        row = self._trouble.row_to_try(now_s)
        doubt = self._trouble.doubt
        if row is None and doubt is not None and self._in_flight < self._spec.concurrency.maximum:
            self._question = self._loop.create_task(self._ask(doubt))
            self._question.add_done_callback(self._asked)
        return row, TICK_S

    async def _ask(self, doubt: Doubt) -> None:
        self._in_flight += 1
        try:
            settled = await self._trouble.settle(doubt, lambda body: self._client.send(body, 0, 1), self._now)
        finally:
            self._in_flight -= 1
        if settled.is_back:
            self._limiter.outage_over(self._now())
        for row in settled.given_up:
            assert row.latest_failure is not None
            self._give_up(row, row.latest_failure, b"")
        if settled.stop is not None:
            self.stop(settled.stop)

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._question = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_defect(error)
        self._pump()

    # slots

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

    async def _attempt(self, row: RowInProgress, sent_s: float, slot: Slot) -> None:
        number = row.number
        if row.first_sent_s is None:
            row.first_sent_s = sent_s
        row.attempts += 1
        row.attempts_of_turn += 1
        if row.attempts_of_turn > 1:
            row.retries += 1
            self._counts.retries += 1
        self._counts.requests += 1
        version = self._adaptation.version
        body = self._adaptation.applied(row.body)
        timeout_s = retry.attempt_timeout_s(self._spec.patience, row.failures_by_kind.get(FailureKind.TIMED_OUT, 0))
        sent_at_ms = time.time_ns() // 1_000_000
        binding = self._in_flight >= self._limiter.limit
        self._slots.attempt_begins(slot, sent_s + timeout_s)
        try:
            if self._stragglers is None:
                result = await self._client.send(body, row.turn, row.attempts_of_turn)
            else:
                result = await self._send_with_hedge(row, body, sent_s)
        except asyncio.CancelledError:
            if not self._slots.ran_out_of_time(slot):
                self._dropped(row)
                raise
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
            self._on_failure(row, result.failure, result.body, now_s, sent_s, version)

    async def _send_with_hedge(self, row: RowInProgress, body: bytes, sent_s: float) -> AttemptResult:
        assert self._stragglers is not None
        hedged = False

        def is_straggler() -> bool:
            nonlocal hedged
            after_s = self._stragglers.straggler_after_s if self._stragglers is not None else None
            quiet = not self._waiting and self._in_flight < self._limiter.limit
            if self._stop is not None or after_s is None or not quiet or self._now() - sent_s < after_s:
                return False
            hedged = True
            row.attempts += 1
            row.attempts_of_turn += 1
            row.retries += 1
            self._counts.retries += 1
            self._counts.requests += 1
            self._in_flight += 1
            self._counts.peak_in_flight = max(self._counts.peak_in_flight, self._in_flight)
            return True

        try:
            return await send_with_hedge(lambda: self._client.send(body, row.turn, row.attempts_of_turn), is_straggler)
        finally:
            self._in_flight -= hedged

    def _tick(self) -> None:
        try:
            self._look_around(self._now())
        except Exception as error:  # noqa: BLE001 - raised again on the thread that waits for rows; a timer's exception is seen by nobody
            self._on_defect(error)
        self._ticker = self._loop.call_later(self._tick_every_s, self._tick)

    def _look_around(self, now_s: float) -> None:
        """What only the passing of time brings about."""
        self._slots.cancel_overdue(now_s)
        self._trouble.look(now_s)
        payload_s = self._spec.patience.payload_s
        if payload_s is not None:
            # rows behind a closed gate or a doubt get no older than those that are sent
            for row in self._waiting.remove_failed(lambda row: row.age_s(now_s) >= payload_s):
                assert row.latest_failure is not None
                self._give_up(row, row.latest_failure, b"")
        if self._trouble.doubt is not None:
            self._pump()

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
        self._counts.answered(reply)
        self._renewal.answered_since = True
        if self._trouble.answered(row, now_s):
            self._limiter.outage_over(now_s)
        self._length_watch.answered(reply)
        row.paid_now += 1
        if self._stragglers is not None:
            self._stragglers.answered(result.latency_ms / 1000.0)
        if self._shared is not None:
            for other in self._shared.answered(row.request_hash, result):
                self._take_shared(other, result)
        self._delivery.answer(row, body, result, reply, sent_at_ms)

    # failures

    def _on_failure(self, row: RowInProgress, failure: RequestFailure, body: bytes, now_s: float, sent_s: float, version: int) -> None:
        """``body`` is the whole body of a useless 200, else empty; ``version`` that of the adaptation it was sent with."""
        if failure.is_ours and self._in_flight:
            self._make_room()
            row.latest_failure = failure
            self._again(row, failure, body, REFUSED_WAIT_S, now_s)
            return
        self._counts.failed(failure.kind)
        row.failed(failure)
        if failure.kind in ADAPTED:
            if self._adaptation.learn(failure, version):
                self._again(row, failure, body, 0.0, now_s)
                return
            failure = replace(failure, kind=FailureKind.BAD_REQUEST)
        kind = failure.kind
        if kind is FailureKind.UNAUTHORIZED and self._renewal.refused(sent_s, now_s):
            self._again(row, failure, body, 0.0, now_s)
            return
        if kind is FailureKind.THROTTLED:
            self._on_throttled(failure, now_s, sent_s)
        elif kind is FailureKind.UNAVAILABLE and failure.status is not None and self._waiting.new:
            self._limiter.overloaded(now_s, self._in_flight)
        stop = self._trouble.failed(row, failure, now_s, len(self._waiting) + self._in_flight + 1)
        if stop is not None:
            self.stop(stop)
        if self._trouble.doubt is not None and (kind in TROUBLE or kind in REFUSAL):
            # whether it counts against the row is not settled yet
            wait = retry.wait_s(failure, row.failures_by_kind[kind], self._random) if kind in TROUBLE else REFUSED_WAIT_S
            self._again(row, failure, body, wait, now_s)
            return
        if retry.may_retry(failure, row.failures_by_kind, row.age_s(now_s), self._spec.patience, row.excused_s):
            wait = retry.wait_s(failure, row.failures_by_kind[kind], self._random)
            if self._spec.patience.payload_s is None or row.age_s(now_s) + wait < self._spec.patience.payload_s:
                self._again(row, failure, body, wait, now_s)
                return
        elif kind in REFUSAL and row.failures_by_kind[kind] < REFUSALS_OF_ONE_ROW:
            self._again(row, failure, body, REFUSED_WAIT_S, now_s)  # one row alone must be enough to tell a refusal from a hiccup
            return
        if self._stop is None:
            self._give_up(row, failure, body)
        else:
            self._again(row, failure, body, 0.0, now_s)

    def _make_room(self) -> None:
        if not self._room_said:
            self._room_said = True
            log.warning("this process may open no more files (ulimit -n): at most %d requests at a time from now on", self._in_flight)
        self._limiter.cap(self._in_flight)

    def _on_throttled(self, failure: RequestFailure, now_s: float, sent_s: float) -> None:
        self._pacer.throttled(now_s, failure.retry_after_s)
        if self._limiter.throttled(now_s, sent_s, self._in_flight):
            self._pacer.slow_down(now_s, max(0.02, min(now_s - sent_s, 2.0)))
            if now_s - self._throttled_said_s > 60.0:
                self._throttled_said_s = now_s
                log.info("the endpoint throttles (429): finding its pace")

    def _again(self, row: RowInProgress, failure: RequestFailure, body: bytes, wait_s: float, now_s: float) -> None:
        if body:
            self._delivery.keep(row, failure, body)
        if self._stop is not None:  # it was on the wire when the rest was stopped
            self._delivery.end_early(row, self._stop)
            return
        self._waiting.again(row, now_s + wait_s)

    def _give_up(self, row: RowInProgress, failure: RequestFailure, body: bytes) -> None:
        if self._shared is not None:
            for other in self._shared.given_up(row.request_hash):
                if self._must_be_sent(other):
                    self._waiting.urgent.append(other)
        self._delivery.give_up(row, failure, body)

    def _log_attempt(self, row: RowInProgress, body: bytes, result: AttemptResult) -> None:
        origin = row.request.row.origin
        outcome = "answered" if result.failure is None else result.failure.told
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
