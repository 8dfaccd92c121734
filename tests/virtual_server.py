"""A model of an endpoint in virtual time, and real dispatchers that send rows to it: slots, a queue, caps that refuse, rates, batching, faults.

Minutes pass in a second, and the same seed gives the same run. ``run_on_server`` and ``run_on_pool`` are the ways in.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from virtual_teacher import answer, failed, prompt
from virtual_time import run_in_virtual_time

from transforms.elements.failures import FailureKind
from transforms.elements.replies import FailureRecord, LedgerRecord, ScoredRow
from transforms.teacher.client import AttemptResult
from transforms.teacher.dispatch import Dispatcher
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.row_steps import RowSteps
from transforms.teacher.samples import NextSample
from transforms.teacher.specs import ConcurrencySpec, EndpointSpec, PatienceSpec, PoolMember, SamplingSpec, ScoringSpec
from transforms.teacher.stream_spec import StreamAsk, StreamMode, StreamSpec

TRIP_S = 0.001  # one way over the network, half as long again at most
LONGEST_TICK_S = 1.0
SPEC = ScoringSpec(
    endpoint=EndpointSpec("http://teacher/v1/chat/completions", "m"),
    sampling=SamplingSpec(),
    concurrency=ConcurrencySpec(),
    patience=PatienceSpec(),
    ledger_dir="ledger",
    failures_dir="failures",
    run_id="run",
    stream=StreamSpec(StreamMode.OFF),
)


@dataclass(frozen=True)
class ServerModel:
    """What an endpoint is like. Times are in seconds.

    An answer takes ``latency_s`` on average, lognormal of shape ``sigma`` (0: always the same), times 1 + running / ``slows_at`` where given.
    ``slots`` run, the rest waits, at most ``queue_limit`` (None: any number); more are refused with 429, as are more than ``rate_per_s``, a
    bucket of ``burst``. ``hint_s`` is the Retry-After of a refusal. ``changes`` are (from second, {field: new value}). ``faults`` is the share
    of requests that fail at once, by status. ``notices`` says whether a request that its client gave up is given up here too.
    """

    latency_s: float = 1.0
    sigma: float = 0.0
    slots: int | None = None
    queue_limit: int | None = None
    rate_per_s: float | None = None
    burst: float = 1.0
    hint_s: float | None = None
    slows_at: float | None = None
    changes: tuple[tuple[float, dict[str, float]], ...] = ()
    faults: tuple[tuple[int, float], ...] = ()
    notices: bool = True


@dataclass
class Seen:
    """What the endpoint saw. ``places`` are (moment, running and waiting) at every arrival and end."""

    arrived: list[tuple[float, int]] = field(default_factory=list)  # (moment, client)
    answered: list[tuple[float, int]] = field(default_factory=list)
    refused: list[tuple[float, int]] = field(default_factory=list)
    failed: int = 0
    timed_out: list[tuple[float, int]] = field(default_factory=list)  # given up by the client: (moment, number of the request)
    generated: int = 0
    busy_s: float = 0.0  # what the answers that arrived took, of all slots together
    places: list[tuple[float, int, int]] = field(default_factory=list)  # (moment, running, waiting)
    ended_s: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)

    @property
    def window_s(self) -> float:
        """First request to last answer."""
        return self.answered[-1][0] - self.arrived[0][0]

    @property
    def refused_share(self) -> float:
        """Of all requests."""
        return len(self.refused) / len(self.arrived)

    @property
    def paid_twice(self) -> int:
        """Generations that no row has."""
        return self.generated - len(self.answered)

    def refused_share_from(self, from_s: float) -> float:
        """Of the requests from a moment on."""
        sent = [moment for moment, _ in self.arrived if moment >= from_s]
        return sum(moment >= from_s for moment, _ in self.refused) / max(1, len(sent))

    def answers_per_s(self, from_s: float, to_s: float, client: int | None = None) -> float:
        """Answers a second between two moments."""
        inside = [1 for moment, who in self.answered if from_s <= moment < to_s and client in (None, who)]
        return len(inside) / (to_s - from_s)

    def most_at_once(self, from_s: float = 0.0, to_s: float = math.inf) -> int:
        """The most running and waiting at a time between two moments."""
        return max((running + waiting for moment, running, waiting in self.places if from_s <= moment <= to_s), default=0)

    def most_waiting(self, from_s: float = 0.0, to_s: float = math.inf) -> int:
        """The most waiting at a time between two moments."""
        return max((waiting for moment, _, waiting in self.places if from_s <= moment <= to_s), default=0)

    def after_answers(self, count: int) -> float:
        """The moment of answer number ``count``."""
        return self.answered[min(count, len(self.answered)) - 1][0]


class _Server:
    def __init__(self, model: ServerModel, seed: int) -> None:
        self._model = model
        self._chance = random.Random(f"server {seed}")
        self._slots, self._queue_limit, self._rate, self._latency_s = model.slots, model.queue_limit, model.rate_per_s, model.latency_s
        self._changes = list(model.changes)
        self._level, self._level_at_s = model.burst, 0.0
        self._running = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._loop = asyncio.get_running_loop()
        self.seen = Seen()
        self.work: set[asyncio.Task[float]] = set()
        for after_s, change in model.changes:
            self._loop.call_at(after_s, self._change, change)

    def _change(self, change: dict[str, float]) -> None:
        self._slots = int(change["slots"]) if "slots" in change else self._slots
        self._rate = change.get("rate_per_s", self._rate)
        self._latency_s = change.get("latency_s", self._latency_s)
        self._admit()

    def _note(self) -> None:
        self.seen.places.append((self._loop.time(), self._running, len(self._waiting)))

    def _admit(self) -> None:
        while self._waiting and (self._slots is None or self._running < self._slots):
            turn = self._waiting.pop(0)
            if not turn.done():
                self._running += 1
                turn.set_result(None)

    def _rate_refuses(self, now_s: float) -> bool:
        if self._rate is None:
            return False
        self._level = min(self._model.burst, self._level + (now_s - self._level_at_s) * self._rate)
        self._level_at_s = now_s
        if self._level < 1.0:
            return True
        self._level -= 1.0
        return False

    def _fault(self) -> int | None:
        point = self._chance.random() if self._model.faults else 1.0
        for status, share in self._model.faults:
            point -= share
            if point < 0:
                return status
        return None

    async def send(self, client: int, text: str) -> AttemptResult:
        sent_s = self._loop.time()
        await self._trip()
        now_s = self._loop.time()
        number = len(self.seen.arrived)
        self.seen.arrived.append((now_s, client))
        fault = self._fault()
        full = self._slots is not None and self._running >= self._slots
        refused = full and self._queue_limit is not None and len(self._waiting) >= self._queue_limit
        if fault is not None or refused or self._rate_refuses(now_s):
            await self._trip()
            took_s = self._loop.time() - sent_s
            if fault is not None and fault != 429:
                self.seen.failed += 1
                return failed(FailureKind.SERVER_ERROR, fault, "boom", took_s)
            self.seen.refused.append((now_s, client))
            return failed(FailureKind.THROTTLED, 429, "slow down", took_s, retry_after_s=self._model.hint_s)
        work = self._loop.create_task(self._generate(full))
        self.work.add(work)
        work.add_done_callback(self.work.discard)
        try:
            took_s = await (work if self._model.notices else asyncio.shield(work))
        except asyncio.CancelledError:
            self.seen.timed_out.append((self._loop.time(), number))
            raise
        await self._trip()
        self.seen.answered.append((self._loop.time(), client))
        self.seen.busy_s += took_s
        return answer(text, self._loop.time() - sent_s)

    async def _generate(self, full: bool) -> float:
        if full:
            turn: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(turn)
            self._note()
            try:
                await turn
            except asyncio.CancelledError:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                elif not turn.cancelled():  # it had just been let in
                    self._leave()
                raise
        else:
            self._running += 1
            self._note()
        begun_s = self._loop.time()
        try:
            await self._take_time()
            self.seen.generated += 1
            return self._loop.time() - begun_s
        finally:
            self._leave()

    async def _take_time(self) -> None:
        sigma = self._model.sigma
        left_s = self._latency_s * (self._chance.lognormvariate(-sigma * sigma / 2.0, sigma) if sigma else 1.0)
        if self._model.slows_at is None:
            await asyncio.sleep(left_s)
            return
        while left_s > 1e-9:
            slower = 1.0 + self._running / self._model.slows_at
            step_s = min(left_s * slower, LONGEST_TICK_S, self._latency_s / 16.0)
            await asyncio.sleep(step_s)
            left_s -= step_s / slower

    def _leave(self) -> None:
        self._running -= 1
        self._admit()
        self._note()

    async def close(self) -> Seen:
        """End what still runs; what was seen."""
        self.seen.answered.sort()
        for task in [*self.work]:
            task.cancel()
        await asyncio.gather(*self.work, return_exceptions=True)
        return self.seen

    async def _trip(self) -> None:
        await asyncio.sleep(TRIP_S * (1.0 + 0.5 * self._chance.random()))


def run_on_server(
    model: ServerModel,
    rows: int,
    seed: int = 1,
    starts_s: tuple[float, ...] = (0.0,),
    patience: PatienceSpec | None = None,
    concurrency: ConcurrencySpec | None = None,
    watch: Callable[[float, Dispatcher], None] | None = None,
    at_most_s: float = 36_000.0,
    next_sample: NextSample | None = None,
    says: Callable[[bytes], str] = lambda body: "4",
) -> Seen:
    """Send ``rows`` rows from each of as many clients as there are ``starts_s``; ``watch`` is shown the first client's engine now and then.

    ``next_sample`` decides which samples a row needs; ``says`` gives the answer to a request's body.
    """

    async def main() -> Seen:
        loop = asyncio.get_running_loop()
        server = _Server(model, seed)
        spec = replace(SPEC, concurrency=concurrency or ConcurrencySpec(), patience=patience or PatienceSpec())
        steps = RowSteps(lambda request, replies: None, next_sample)
        clients = [_Client(server, who, says) for who in range(len(starts_s))]
        ends = await asyncio.gather(
            *(
                _run_client([client], spec, rows, seed * 1000 + client.who, at_s, steps, watch)
                for client, at_s in zip(clients, starts_s, strict=True)
            )
        )
        server.seen.ended_s = loop.time()
        for scored, stopped in ends:
            for row in scored:
                name = "not_sent" if row.stopped else row.failure.kind.value if row.failure else "answered"
                server.seen.reasons[name] = server.seen.reasons.get(name, 0) + 1
            if stopped is not None:
                server.seen.stopped.append(stopped)
        return await server.close()

    return run_in_virtual_time(main(), at_most_s)


def run_on_pool(models: Sequence[ServerModel], rows: int, seed: int = 1) -> list[Seen]:
    """Send ``rows`` rows from one client to all of these endpoints; what each saw, in their order."""

    async def main() -> list[Seen]:
        servers = [_Server(model, 100 * seed + number) for number, model in enumerate(models)]
        members = [PoolMember(f"teacher {number}", EndpointSpec(f"http://teacher-{number}/v1", "m")) for number in range(len(models))]
        spec = replace(SPEC, endpoint=members[0].endpoint, pool=tuple(members))
        clients = [_Client(server, 0, lambda body: "4") for server in servers]
        await _run_client(clients, spec, rows, 1000 * seed, 0.0, RowSteps(lambda request, replies: None), None)
        return [await server.close() for server in servers]

    return run_in_virtual_time(main(), 36_000.0)


@dataclass
class _Client:
    server: _Server
    who: int
    says: Callable[[bytes], str]

    async def send(self, body: bytes, turn: int, attempts: int, ask: StreamAsk | None = None) -> AttemptResult:
        return await self.server.send(self.who, self.says(body))

    def refresh_credential(self) -> bool:
        return False

    async def close(self) -> None:
        pass


async def _run_client(
    clients: list[_Client],
    spec: ScoringSpec,
    rows: int,
    seed: int,
    start_s: float,
    steps: RowSteps,
    watch: Callable[[float, Dispatcher], None] | None,
) -> tuple[list[ScoredRow], str | None]:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(start_s)
    scored: list[ScoredRow] = []
    all_out = asyncio.Event()
    defects: list[BaseException] = []

    class Ledger:
        def put(self, record: LedgerRecord | FailureRecord, token: RowInProgress | None) -> None:
            loop.call_later(0.01, dispatcher.recorded, [token])

    def deliver(row: ScoredRow) -> None:
        scored.append(row)
        if len(scored) == rows:
            all_out.set()

    def on_defect(error: BaseException) -> None:
        defects.append(error)
        all_out.set()

    dispatcher = Dispatcher(replace(spec, seed=seed), clients, Ledger(), steps, on_defect)
    watching = asyncio.ensure_future(_watch(dispatcher, watch)) if watch is not None else None
    dispatcher.submit([RowInProgress(prompt(number), deliver, ()) for number in range(rows)])
    await all_out.wait()
    if watching is not None:
        watching.cancel()
    stopped = dispatcher.stopped.detail if dispatcher.stopped else None
    await asyncio.sleep(0.1)
    await dispatcher.close()
    if defects:
        raise defects[0]
    return scored, stopped


async def _watch(dispatcher: Dispatcher, watch: Callable[[float, Dispatcher], None]) -> None:
    loop = asyncio.get_running_loop()
    for _ in itertools.count():
        watch(loop.time(), dispatcher)
        await asyncio.sleep(0.25)
