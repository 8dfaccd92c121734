"""Moves rows through the engine: in, to an endpoint and back as often as needed, onto the ledger, out.

Retries come before follow-up turns, and those before new rows. An answer is used only after the recorder reports it on disk.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from transforms.elements.failures import EarlyStop, RequestFailure, StopCause
from transforms.elements.replies import TeacherReply
from transforms.teacher import retry
from transforms.teacher.awake_clock import AwakeClock
from transforms.teacher.budget import Budget
from transforms.teacher.client import AttemptResult
from transforms.teacher.delivery import Delivery, Sink
from transforms.teacher.endpoint import REFUSED_WAIT_S, Endpoint
from transforms.teacher.engine_counts import EngineCounts, Snapshot
from transforms.teacher.in_progress import Recording, RowInProgress
from transforms.teacher.judging import Judge, named
from transforms.teacher.length_watch import LengthWatch
from transforms.teacher.payload import PayloadTemplate, longest_answer_tokens
from transforms.teacher.pool import Pool
from transforms.teacher.row_steps import RowSteps
from transforms.teacher.samples import SampledRows
from transforms.teacher.sharing import SharedAnswers
from transforms.teacher.signs.watch import SignWatch
from transforms.teacher.specs import ScoringSpec
from transforms.teacher.surroundings import Client
from transforms.teacher.traffic import Attempt
from transforms.teacher.waiting import WaitingRows

log = logging.getLogger("beam_distill.teacher")


class Answered(NamedTuple):
    """An answer that rows may share, and its endpoint's name."""

    result: AttemptResult
    endpoint: str


class Dispatcher:
    """Owns the queues that the endpoints take rows from. Every method runs on its event loop."""

    def __init__(
        self,
        spec: ScoringSpec,
        clients: Sequence[Client],
        sink: Sink,
        steps: RowSteps,
        on_defect: Callable[[BaseException], None],
        budget: Budget | None = None,
    ) -> None:
        self._spec = spec
        self._next_turn = steps.next_turn
        self._samples = SampledRows(steps.next_sample) if steps.next_sample is not None else None
        self._feeding = 0
        self.defect = on_defect
        self._shared: SharedAnswers[RowInProgress, Answered] | None = SharedAnswers() if spec.share_identical_answers else None
        self.template = PayloadTemplate(spec.endpoint, spec.sampling)
        self._random = random.Random(spec.seed)
        self.waiting = WaitingRows(self._random, self._ask_ahead if self._samples is not None else None)
        self.counts = EngineCounts()
        longest = max(longest_answer_tokens(member.endpoint, spec.sampling) for member in spec.members)
        self.budget = budget or Budget(spec.budget, longest, shared=spec.control_dir is not None)
        self._delivery = Delivery(
            sink, Recording(spec.run_id, spec.endpoint.model), self.counts, self._samples, self._begin_sample, steps.accepted
        )
        self._length_watch = LengthWatch(spec.sampling.max_new_tokens, spec.token_limit_setting, spec.answers_called)
        self._sign_watch = SignWatch([member.name for member in spec.members], spec.sampling.max_new_tokens, spec.is_judge)
        self._loop = asyncio.get_running_loop()
        self._tick_every_s = min(1.0, spec.patience.attempt_s / 10.0)
        self.now_s = AwakeClock(self._loop.time, self._tick_every_s).now_s
        self._pool = Pool(spec, clients, self, self._random)
        self._ticker = self._loop.call_later(self._tick_every_s, self._tick)
        self._stop: EarlyStop | None = None
        self._on_stop: Callable[[EarlyStop], None] | None = None
        self._question, self._verdict_fault = steps.question or (lambda request, replies: None), steps.verdict_fault
        self.judge: Judge | None = None

    def judged_by(self, judge: JudgeDispatcher) -> None:
        """Ask this engine for a verdict on every sample that needs one. If one of the two stops, both do."""
        self.judge = Judge(judge, self._question, self._delivery.hand_back, self._pool.fill, self._verdict_fault)
        self._on_stop, judge._on_stop = judge.stop_too, self.stop

    @property
    def new_rows(self) -> int:
        """Rows without any request so far."""
        return len(self.waiting.new)

    @property
    def open_requests(self) -> int:
        """Requests on the wire, and answers that are not recorded yet."""
        return self.counts.in_flight + self._delivery.pending

    @property
    def stopped(self) -> EarlyStop | None:
        """The early stop, once there was one."""
        return self._stop

    @property
    def signs(self) -> dict[str, int]:
        """Answers with a sign of a fault so far, by the counter's name (``signs``)."""
        return dict(self._sign_watch.counts)

    def snapshot(self) -> Snapshot:
        """The current state."""
        waiting = len(self.waiting.new) + len(self.waiting.urgent)
        backing_off = len(self.waiting.retries)
        pool = self._pool
        return self.counts.snapshot(pool.limit, waiting, backing_off, pool.left_out, pool.states())

    def submit(self, rows: list[RowInProgress]) -> None:
        """Take rows in; each is delivered exactly once."""
        for row in rows if self._samples is None else map(self._samples.add, rows):
            if self._stop is not None:
                self._delivery.hand_back(row, stopped=self._stop)
            elif self._is_to_send(row):
                self.waiting.new.append(row)
        self._pool.fill()

    def feeds(self, lanes: int) -> None:
        """So many lanes more than before give rows; with none, the rows in the engine are the last ones for the moment."""
        self._feeding += lanes
        self._pool.fill()

    def recorded(self, rows: list[RowInProgress | None]) -> None:
        """The latest record of each of these rows is on disk; None is a record that no row waits for."""
        self._delivery.pending -= len(rows)
        for row in rows:
            if row is None:
                continue
            if row.failure is not None or row.stopped is not None:
                self._delivery.hand_back(row, stopped=row.stopped)
                continue
            answers = self._next_turn(row.request, row.replies)
            if answers is None:
                self._answered(row)
            elif self._stop is not None:
                self._delivery.hand_back(row, stopped=self._stop)
            else:
                row.begin_turn(row.turn + 1)
                self._prepare_turn(row, answers)
                if self._must_be_sent(row):
                    self.waiting.urgent.append(row)
        self._pool.fill()

    def _answered(self, row: RowInProgress) -> None:
        """Every turn of the row has its answer, or cannot have one."""
        decided = self.judge is not None and self._samples is not None and self._samples.needs_no_verdict(row)
        if self.judge is None or decided or not self.judge.takes(row):
            self._delivery.hand_back(row)

    def not_recorded(self, rows: list[RowInProgress | None], error: Exception) -> None:
        """The records cannot be written: stop sending, report it, keep everything written. Any other error is our defect."""
        self._delivery.pending -= len(rows)
        if not isinstance(error, OSError):
            self.defect(error)
            return
        self.stop(_cannot_be_written(self._spec.ledger_dir, error))
        for row in rows:
            if row is not None:
                self._delivery.hand_back(row, stopped=self._stop)

    def stop(self, cause: EarlyStop) -> None:
        """Send nothing more; rows not on the wire come back at once, those on the wire when they are answered."""
        if self._stop is not None:
            return
        self._stop = cause
        if not self._spec.is_judge:
            log.warning("stopping: %s", cause.detail)
        waiting = self.waiting.remove_all()
        if self._shared is not None:
            waiting.extend(self._shared.abandon())
        self._pool.stop()
        self.budget.nothing_waits()
        for row in waiting:
            self._delivery.end_early(row, cause)
        if self.counts.in_flight:
            # do not wait for answers that cannot be recorded
            drain_s = 0.0 if cause.cause is StopCause.STORAGE_FAILED else self._spec.patience.drain_s
            self._loop.call_later(drain_s, self._pool.cancel)
        if self._on_stop is not None:
            self._on_stop(cause)

    def withdraw(self, unwanted: Callable[[RowInProgress], bool], cause: EarlyStop) -> None:
        """Return every such row that is not on the wire, unsent."""
        waiting = self.waiting.remove(unwanted)
        if self._shared is not None:
            for other in [other for row in waiting for other in self._shared.given_up(row.sharing_key)]:
                if unwanted(other):
                    waiting.append(other)
                elif self._must_be_sent(other):
                    self.waiting.urgent.append(other)
        for row in waiting:
            self._delivery.hand_back(row, stopped=cause)
        self._pool.fill()

    async def close(self) -> None:
        """Cancel what is on the wire and close the connections."""
        self._ticker.cancel()
        await self._pool.close()

    # turns

    def _prepare_turn(self, row: RowInProgress, answers: tuple[str, ...]) -> None:
        row.body = self.template.body(row.request.messages_for_turn(row.turn, answers))
        row.request_hash = self.template.request_hash(row.body)

    def _is_to_send(self, row: RowInProgress) -> bool:
        """Prepare the first request of a row that comes in. False when no request is needed."""
        row.turn = len(row.replies)
        if row.turn == len(row.request.turns):  # only its verdict is missing
            if not self._delivery.needs_no_answer(row):
                self._answered(row)
            return False
        self._prepare_turn(row, tuple(reply.content or "" for reply in row.replies) if row.turn else ())
        return self._must_be_sent(row)

    def _begin_sample(self, row: RowInProgress) -> None:
        if self._stop is not None:
            self._delivery.hand_back(row, stopped=self._stop)
        elif self._is_to_send(row):
            self.waiting.urgent.append(row)

    def _ask_ahead(self) -> RowInProgress | None:
        """A sample that a row may need, when no other rows come."""
        if self._feeding or self._stop is not None or self._samples is None:
            return None
        while (row := self._samples.ask_ahead()) is not None:
            if self._is_to_send(row):
                return row
        return None

    def _must_be_sent(self, row: RowInProgress) -> bool:
        """False when the row gets the answer to an identical request, now or later, or is not needed."""
        if self._delivery.needs_no_answer(row):
            return False
        if self._shared is None:
            return True
        answer = self._shared.find(row.sharing_key)
        if answer is not None:
            self._take_shared(row, answer)
            return False
        return not self._shared.join(row.sharing_key, row)

    def _take_shared(self, row: RowInProgress, answer: Answered) -> None:
        result = answer.result
        assert result.reply is not None
        now_ms = time.time_ns() // 1_000_000
        row.answers_shared += 1
        result = result._replace(reply=result.reply._replace(turn=row.turn, attempts=0))
        self._delivery.answer(row, row.body, result, now_ms, answer.endpoint)

    # called by endpoints

    def ended(self, endpoint: Endpoint, attempt: Attempt, result: AttemptResult, now_s: float) -> None:
        """Every attempt ends here, in any way."""
        if self._spec.log_requests:
            _log(attempt, result, self._spec.log_prompts)
        if result.reply is not None:
            self._on_answer(endpoint, attempt, result, result.reply, now_s)
        else:
            assert result.failure is not None
            self._on_failure(endpoint, attempt, result.failure, result.body, now_s)

    def dropped(self, row: RowInProgress) -> None:
        """The row is no longer on the wire, and its attempt did not end: everything is being cancelled."""
        self._delivery.hand_back(row, stopped=self._stop or EarlyStop(StopCause.INTERRUPTED, "the session was closed"))

    def give_up(self, row: RowInProgress, failure: RequestFailure, body: bytes) -> None:
        """The row is not sent again. ``body`` is the whole body of an unusable 200, else empty."""
        if self._shared is not None:
            for other in self._shared.given_up(row.sharing_key):
                if self._must_be_sent(other):
                    self.waiting.urgent.append(other)
        self._delivery.give_up(row, failure, body)

    def _on_answer(self, endpoint: Endpoint, attempt: Attempt, result: AttemptResult, reply: TeacherReply, now_s: float) -> None:
        row = attempt.row
        self.counts.answered(reply)
        endpoint.answered(attempt, result, now_s)
        self._length_watch.answered(reply)
        self._sign_watch.answered(endpoint.member.name, row, reply)
        row.paid_now += 1
        if self._shared is not None:
            answer = Answered(result, endpoint.member.name)
            for other in self._shared.answered(row.sharing_key, answer):
                self._take_shared(other, answer)
        self._delivery.answer(row, attempt.body, result, attempt.sent_at_ms, endpoint.member.name)

    def _on_failure(self, endpoint: Endpoint, attempt: Attempt, failure: RequestFailure, body: bytes, now_s: float) -> None:
        row = attempt.row
        failure, again_after_s, stop = endpoint.consequence_of(attempt, failure, now_s)
        if stop is not None:
            self.stop(stop)
        if again_after_s is not None:
            self._again(row, failure, body, self._pool.wait_s(endpoint, again_after_s), now_s)
            return
        kind = failure.kind
        if retry.may_retry(failure, row.failures_by_kind, row.age_s(now_s), self._spec.patience, row.excused_s):
            wait_s = self._pool.wait_s(endpoint, retry.wait_s(failure, row.failures_by_kind[kind], self._random))
            if self._spec.patience.payload_s is None or row.age_s(now_s) + wait_s < self._spec.patience.payload_s:
                self._again(row, failure, body, wait_s, now_s)
                return
        elif self._pool.refuses_by_itself(endpoint, row, kind):
            self._again(row, failure, body, REFUSED_WAIT_S, now_s)
            return
        if self._stop is None:
            self.give_up(row, failure, body)
        else:
            self._again(row, failure, body, 0.0, now_s)

    def _again(self, row: RowInProgress, failure: RequestFailure, body: bytes, wait_s: float, now_s: float) -> None:
        if body:
            self._delivery.keep(row, failure, body)
        if self._stop is not None:  # it was on the wire when the rest was stopped
            self._delivery.end_early(row, self._stop)
            return
        self.waiting.again(row, now_s + wait_s)
        self._pool.wake(wait_s)

    # time

    def _tick(self) -> None:
        try:
            self._look_around(self.now_s())
        except Exception as error:  # noqa: BLE001 - raised again on the thread that waits for rows; a timer's exception would be lost
            self.defect(error)
        self._ticker = self._loop.call_later(self._tick_every_s, self._tick)

    def _look_around(self, now_s: float) -> None:
        """Work that depends only on time."""
        payload_s = self._spec.patience.payload_s
        if payload_s is not None:
            # rows that wait because of a pause or a doubt must not time out before those that are sent
            for row in self.waiting.remove_failed(lambda row: row.age_s(now_s) >= payload_s):
                assert row.latest_failure is not None
                self.give_up(row, row.latest_failure, b"")
        self._pool.look(now_s)


class JudgeDispatcher(Dispatcher):
    """The judge's engine. The message of an early stop says that it was the judge's."""

    def stop(self, cause: EarlyStop) -> None:
        """As ``Dispatcher.stop``."""
        super().stop(named(cause))

    def stop_too(self, cause: EarlyStop) -> None:
        """Stop because the teacher's engine stops."""
        super().stop(cause)


def _cannot_be_written(ledger_dir: str, error: OSError) -> EarlyStop:
    what = "Let this user write there" if isinstance(error, PermissionError) else "Free space or repair the disk"
    return EarlyStop(
        StopCause.STORAGE_FAILED, f"the ledger in {ledger_dir} cannot be written: {error}. {what} and rerun: answers already written are kept."
    )


def _log(attempt: Attempt, result: AttemptResult, with_prompt: bool) -> None:
    row, origin = attempt.row, attempt.row.request.row.origin
    outcome = "answered" if result.failure is None else result.failure.shown
    prompt = f" {attempt.body.decode()}" if with_prompt else ""
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
