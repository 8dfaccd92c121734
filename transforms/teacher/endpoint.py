"""One endpoint of the teacher: its connections, accepted parameters, limits and health.

It owns no rows. It asks ``Rows`` for each row that may leave, and reports there how each attempt ended. A slot is taken when a
request leaves and freed when its answer or failure arrives; a row that waits for a retry holds none.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from typing import NamedTuple

from transforms.elements.failures import REFUSAL, REPHRASED, TROUBLE, EarlyStop, FailureKind, RequestFailure
from transforms.teacher import retry
from transforms.teacher.adaptation import Adaptation
from transforms.teacher.budget import NEVER_SENT
from transforms.teacher.client import AttemptResult
from transforms.teacher.engine_counts import EndpointState
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.inquiry import Inquiry
from transforms.teacher.kinds.registry import KINDS
from transforms.teacher.payload import BYTES_PER_TOKEN, PayloadTemplate
from transforms.teacher.renewal import CredentialRenewal
from transforms.teacher.second_request import SecondRequests
from transforms.teacher.slots import Alarm, Slot, Slots
from transforms.teacher.specs import PoolMember, ScoringSpec
from transforms.teacher.streaming import streaming_of
from transforms.teacher.surroundings import Client, Neighbours, Rows
from transforms.teacher.traffic import Attempt, Traffic
from transforms.teacher.trouble import Resolved, Trouble

TICK_S = 0.05
REFUSED_WAIT_S = 0.2
WHILE_TOKENS_COME_S = 1e9
"""A streamed attempt has no deadline: the client ends it after silence."""


class Consequence(NamedTuple):
    """The consequence of a failed attempt for its row.

    ``failure`` is the failure that counts. ``again_after_s``: send again after this time, regardless of the retry budget; None: the budget
    decides. ``stop`` when every row would fail.
    """

    failure: RequestFailure
    again_after_s: float | None = None
    stop: EarlyStop | None = None


class Endpoint:
    """Owns connections, traffic, health and slots. Every method runs on its event loop."""

    def __init__(
        self,
        spec: ScoringSpec,
        member: PoolMember,
        client: Client,
        rows: Rows[Endpoint],
        neighbours: Neighbours[Endpoint],
        randomness: random.Random,
    ) -> None:
        self.member = member
        concurrency = replace(spec.concurrency, max_requests_per_minute=member.max_requests_per_minute)
        self._spec = spec = replace(spec, endpoint=member.endpoint, concurrency=concurrency)
        self._client = client
        self._rows = rows
        self._neighbours = neighbours
        template = PayloadTemplate(spec.endpoint, spec.sampling)
        self._own_template = None if template.makes_bodies_of(rows.template) else template
        self._random = randomness
        self._waiting = rows.waiting
        self._counts = rows.counts
        self._budget = rows.budget
        self._adaptation = Adaptation(KINDS[spec.endpoint.kind], "the judge" if spec.is_judge else "the teacher")
        self._streaming = streaming_of(spec.stream, spec.endpoint, spec.sampling)
        self._traffic = Traffic(spec.concurrency, spec.patience.attempt_s, spec.called)
        self._trouble = Trouble(spec, self._adaptation, rows.waiting, member.name if len(spec.pool) > 1 else spec.called)
        self._renewal = CredentialRenewal(client.refresh_credential)
        self._second_requests = SecondRequests(client, rows, self._traffic) if spec.hedge_stragglers else None
        self._loop = asyncio.get_running_loop()
        self._now = rows.now_s
        self._slots = Slots(self._use_slot, self._dropped, rows.defect)
        self._alarm = Alarm(neighbours.fill)
        self._inquiry = Inquiry(client, rows, self._traffic, self._trouble, self._streaming, self._resolved, neighbours.fill)
        self._stopped = False
        self._answers = 0
        self._refused_for: FailureKind | None = None

    @property
    def is_open(self) -> bool:
        """Whether it accepts rows without restriction."""
        return not self._stopped and self._trouble.doubt is None

    @property
    def answers_rows(self) -> bool:
        """Whether it has answered a row."""
        return self._trouble.health.answers_rows

    @property
    def limit(self) -> int:
        """Requests that may be on the wire."""
        return self._traffic.limit

    @property
    def left_out(self) -> tuple[str, ...]:
        """The fields that it refuses (``adaptation``)."""
        return self._adaptation.left_out

    def state(self) -> EndpointState:
        """Its current state."""
        return EndpointState(self.member.name, self._traffic.in_flight, self.limit, self._answers, self.is_open, self._refused_for)

    def load(self) -> tuple[bool, float]:
        """For the choice between endpoints with room, lowest first: overflow last, then the used share of its limit by its weight."""
        return self.member.overflow, self._traffic.in_flight / (self._traffic.limit * self.member.weight)

    def takes_no_more(self, now_s: float) -> bool:
        """Whether a new row would have to wait here."""
        return not self.is_open or self._traffic.takes_no_more(now_s, self._token_estimate())

    def fill_one(self) -> bool:
        """Open a slot for one row if one may leave now. Returns whether one did."""
        now_s = self._now()
        row = self._next_to_leave(now_s)
        if row is None:
            return False
        self._slots.open(row, now_s)
        return True

    def fill(self) -> None:
        """Open a slot for every row that may leave now."""
        now_s = self._now()
        while (row := self._next_to_leave(now_s)) is not None:
            self._slots.open(row, now_s)

    def look(self, now_s: float) -> None:
        """Work that depends only on time. Call it several times per attempt timeout."""
        self._slots.cancel_overdue(now_s)
        self._trouble.look(now_s)
        if self._trouble.doubt is not None:
            self.fill()

    def stop(self) -> None:
        """Send nothing more; requests on the wire continue."""
        self._stopped = True
        self._inquiry.cancel()
        if self._second_requests is not None:
            self._second_requests.stopped = True

    def take_out(self, kind: FailureKind) -> None:
        """It refuses permanently, and others do not: its failures do not count against the rows."""
        self._refused_for = kind
        self._trouble.forgive(self._now())
        self.stop()

    def cancel(self) -> None:
        """Cancel the requests on the wire."""
        self._slots.cancel_all()

    async def close(self) -> None:
        """Cancel the requests on the wire and close the connections."""
        self._alarm.cancel()
        tasks = self._slots.cancel_all() + self._inquiry.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    # rows leave

    def _next_to_leave(self, now_s: float) -> RowInProgress | None:
        """The row that leaves now, counted as on the wire; None when there is no row, no room, or the pace delays it."""
        if self._stopped:
            return None
        has_room = self._traffic.has_room(now_s)
        if has_room and self.member.overflow and not self._neighbours.overflows(now_s):
            has_room = False
            self._traffic.left_empty()
        if has_room:
            if self._trouble.doubt is not None:
                row, delay = self._in_doubt(now_s)
                if row is not None:
                    return self._leaving(row, now_s)
                self._traffic.left_empty()
                self._alarm.set(delay)
                return None
            if self._waiting.one_ready(now_s):
                delay = self._traffic.delay_s(now_s, self._token_estimate())
                if delay <= 0:
                    return self._leaving(self._waiting.take(now_s, self._trouble.health.wants_rows_from_elsewhere), now_s)
                self._traffic.left_empty()
                self._alarm.set(delay)
                return None
            self._traffic.left_empty()
        if self._waiting:
            pause = TICK_S
            retries = self._waiting.retries
            if retries and has_room:
                pause = min(pause, retries[0][0] - now_s)
            self._alarm.set(max(pause, 0.001))
        return None

    def _leaving(self, row: RowInProgress, now_s: float) -> RowInProgress | None:
        reservation = self._budget.reserve(len(row.body))
        if reservation is None:
            self._waiting.put_back(row)
            self._traffic.left_empty()
            self._beyond_budget()
            return None
        row.reservation = reservation
        row.number = self._traffic.sent(now_s)  # before the next row, whose pace depends on it
        self._counts.leaves()
        return row

    def _beyond_budget(self) -> None:
        """The budget lets nothing leave now: requests on the wire may cost less than reserved, and other processes may need less."""
        if self._budget.purse.on_wire or not self._budget.purse.no_more_to_claim:
            self._alarm.set(TICK_S)
        else:
            self._rows.stop(self._budget.early_stop())

    def _dropped(self, row: RowInProgress, attempted: AttemptResult | None = NEVER_SENT) -> None:
        self._budget.settle(row.reservation, len(row.body), attempted)
        self._traffic.in_flight -= 1
        self._counts.in_flight -= 1
        self._rows.dropped(row)

    def _token_estimate(self) -> float:
        sample = self._waiting.sample()
        prompt = len(sample.body) / BYTES_PER_TOKEN if sample is not None else 0.0
        return prompt + self._spec.sampling.max_new_tokens

    # slots

    async def _use_slot(self, row: RowInProgress | None, now_s: float) -> None:
        """Send one row after another while one may leave: a free slot takes the next row directly."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        while row is not None:
            await self._attempt(row, now_s, task)
            now_s = self._now()
            row = self._next_to_leave(now_s)
            if row is not None and not self._traffic.is_full:
                self.fill()  # the limit grew: one more slot

    async def _attempt(self, row: RowInProgress, sent_s: float, slot: Slot) -> None:
        self._counts.sent(row.sent(sent_s))
        body = row.body if self._own_template is None else self._own_template.body_of(row.body, self._rows.template)
        body = self._adaptation.applied(body)
        ask = None if row.in_one_piece else self._streaming.ask
        attempt = Attempt(row, body, row.number, sent_s, time.time_ns() // 1_000_000, self._adaptation.version, self._traffic.is_full, ask)
        timed_out = row.failures_by_kind.get(FailureKind.TIMED_OUT, 0)
        timeout_s = WHILE_TOKENS_COME_S if ask is not None else retry.attempt_timeout_s(self._spec.patience, timed_out)
        self._slots.attempt_begins(slot, sent_s + timeout_s)
        try:
            if self._second_requests is None:
                result = await self._client.send(body, row.turn, row.attempts_of_turn, ask)
            else:
                result = await self._second_requests.send(attempt)
        except asyncio.CancelledError:
            if not self._slots.ran_out_of_time(slot):
                self._dropped(row, None)
                raise
            result = AttemptResult(
                1000.0 * (self._now() - sent_s),
                failure=RequestFailure(FailureKind.TIMED_OUT, f"no whole answer within {self._now() - sent_s:.1f} s"),
            )
        now_s = self._now()
        self._budget.settle(row.reservation, len(row.body), result)
        self._traffic.ended(attempt, result, now_s, bool(self._waiting.new))
        self._counts.in_flight -= 1
        self._rows.ended(self, attempt, result, now_s)

    # what attempts say about the endpoint

    def answered(self, attempt: Attempt, result: AttemptResult, now_s: float) -> None:
        """The endpoint answered this attempt."""
        self._answers += 1
        self._streaming.answered(attempt.ask, result)
        if attempt.row.in_one_piece:
            self._streaming.answered_only_whole()
        self._renewal.answered_since = True
        if self._trouble.answered(attempt.body, now_s):
            self._is_back(now_s)
        if self._second_requests is not None:
            self._second_requests.answered(result.latency_ms / 1000.0)

    def consequence_of(self, attempt: Attempt, failure: RequestFailure, now_s: float) -> Consequence:
        """The consequence of a failed attempt; the cause may stay in doubt."""
        row = attempt.row
        if failure.is_ours and self._traffic.in_flight:
            row.latest_failure = failure
            return Consequence(failure, REFUSED_WAIT_S)
        learned = self._streaming.learn(failure, attempt.ask, 0.0 if row.in_one_piece else now_s - attempt.sent_s)
        if failure.kind in REPHRASED and not learned:
            learned = self._adaptation.learn(failure, attempt.adaptation)
            if not learned:
                failure = replace(failure, kind=FailureKind.BAD_REQUEST)
        if self._streaming.may_be_refused(failure, attempt.ask):
            row.in_one_piece = learned = True
        kind = failure.kind
        self._counts.failed(kind)
        row.failed(failure)
        if learned or kind is self._refused_for or (kind is FailureKind.UNAUTHORIZED and self._renewal.refused(attempt.sent_s, now_s)):
            return Consequence(failure, 0.0)
        if attempt.of_our_queue:
            return Consequence(failure)
        stop = self._trouble.failed(row, failure, now_s, len(self._waiting) + self._counts.in_flight + 1)
        if stop is not None:
            stop = self._neighbours.lost(self, stop, kind)
            if stop is None:
                return Consequence(failure, 0.0)
        if self._trouble.doubt is None or not (kind in TROUBLE or kind in REFUSAL):
            return Consequence(failure, stop=stop)
        # not decided yet whether it counts against the row
        return Consequence(failure, retry.wait_s(failure, row.failures_by_kind[kind], self._random) if kind in TROUBLE else REFUSED_WAIT_S, stop)

    # our test questions

    def _in_doubt(self, now_s: float) -> tuple[RowInProgress | None, float]:
        """The row to try, or the seconds until the next check; sends our test question when it is due."""
        delay_s = self._trouble.health.question_delay_s(now_s)
        if delay_s > 0 or not self._waiting or self._inquiry.is_asking or self._trouble.is_busy(now_s):
            return None, max(delay_s, TICK_S)
        # a row would wait here, while another endpoint answers at once
        row = None if self._neighbours.another_is_open(self) else self._trouble.row_to_try(now_s)
        doubt = self._trouble.doubt
        if row is None and doubt is not None and self._traffic.in_flight < self._spec.concurrency.maximum:
            self._inquiry.ask(doubt)
        return row, TICK_S

    def _resolved(self, resolved: Resolved) -> None:
        if resolved.is_back:
            self._is_back(self._now())
        for row in resolved.given_up:
            assert row.latest_failure is not None
            self._rows.give_up(row, row.latest_failure, b"")
        stop = resolved.stop and self._neighbours.lost(self, resolved.stop, resolved.kind)
        if stop is not None:
            self._rows.stop(stop)

    def _is_back(self, now_s: float) -> None:
        self._traffic.outage_over(now_s)
        self._neighbours.found(self)
