"""One scoring session per process: an event loop on its own thread, shared by every row, turn and split.

Threads with rows open a lane, put rows in and take scored rows out as they finish. What a session learned about its endpoints is kept as
long as the process lives.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from transforms.azure.tokens import forget_secrets
from transforms.elements.failures import EarlyStop, FailureKind, StopCause
from transforms.elements.rows import Split
from transforms.ledger.recorder import Recorder
from transforms.ledger.storage import LedgerStorage
from transforms.teacher.budget import Budget
from transforms.teacher.client import TeacherClient
from transforms.teacher.descriptors import room_for_connections
from transforms.teacher.dispatch import Dispatcher, JudgeDispatcher
from transforms.teacher.engine_counts import EndpointState, Snapshot
from transforms.teacher.enough import ENOUGH, AcceptedRows, forget
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.lane import Lane
from transforms.teacher.payload import longest_answer_tokens
from transforms.teacher.row_steps import RowSteps
from transforms.teacher.specs import ScoringSpec

BACKLOG_FACTOR = 2
LEAST_BACKLOG = 128
CLOSING_S = 5.0

Result = TypeVar("Result")


class SessionClosed(Exception):
    """A thread waits for rows of a closed session: the run was aborted."""


class ScoringSession:
    """A running engine. Get it with ``shared_session``; close it with ``close_sessions``."""

    def __init__(self, spec: ScoringSpec, steps: RowSteps, storage: LedgerStorage | None = None) -> None:
        # the ledger's files and everything else that is open now come first; connections get the rest
        several = len(spec.members)
        judges = spec.judge.concurrency.maximum if spec.judge is not None else 0
        wanted = spec.concurrency.maximum * several + judges
        share = min(1.0, room_for_connections(wanted) / wanted)
        self._spec = spec = replace(_limited(spec, share), judge=None if spec.judge is None else _limited(spec.judge, share))
        self._storage = storage
        self._abandoned: list[Lane] = []
        self._steps = steps
        self._examiner = ThreadPoolExecutor(1, "examiner") if steps.examine is not None else None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._backlog_limit = max(LEAST_BACKLOG, BACKLOG_FACTOR * spec.concurrency.maximum * several)
        self._room = threading.Condition()
        self._queued = 0
        self._endpoints_reported: dict[str, EndpointState] = {}
        self._signs_reported: dict[str, int] = {}
        self._lanes: list[Lane] = []
        self._at_end: list[Callable[[], None]] = []
        self._defect: BaseException | None = None
        self._dispatcher: Dispatcher
        self._judge: JudgeDispatcher
        self._engines: list[tuple[Dispatcher, Recorder[RowInProgress | None]]] = []
        self._thread = threading.Thread(target=self._run, name="scoring-loop", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def lane(self) -> Lane:
        """A new lane for one thread."""
        lane = Lane(self)
        self._lanes.append(lane)
        return lane

    def stop(self, cause: EarlyStop) -> None:
        """Stop sending; see ``Dispatcher.stop``. Safe from any thread, also from a signal handler."""
        self._loop.call_soon_threadsafe(self._dispatcher.stop, cause)

    def feeds(self, lanes: int) -> None:
        """So many lanes more than before give rows."""
        with suppress(RuntimeError):  # the loop was closed: nothing is sent any more
            self._on_loop(self._dispatcher.feeds, lanes)

    def snapshot(self) -> Snapshot:
        """The approximate current state of the engine, with that of the judge's."""
        state = self._dispatcher.snapshot()
        return state if self._spec.judge is None else replace(state, judge=self._judge.snapshot())

    def on_budget(self, use: Callable[[Budget], Result]) -> Result:
        """``use(budget)``, called on the engine's thread while it runs."""
        done: Future[Result] = Future()

        def call() -> None:
            try:
                done.set_result(use(self._dispatcher.budget))
            except Exception as error:  # noqa: BLE001 - raised again on the thread that waits
                done.set_exception(error)

        while not self.closed:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(call)
            wait([done], timeout=CLOSING_S)
            if done.done():
                return done.result()
        return done.result() if done.done() else use(self._dispatcher.budget)

    def at_end(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the engine has ended."""
        self._at_end.append(callback)

    def open_requests(self) -> int:
        """Requests on the wire and answers that are not on the ledger yet, approximately."""
        return sum(dispatcher.open_requests for dispatcher, _ in self._engines)

    def endpoint_news(self) -> tuple[dict[str, int], dict[str, FailureKind]]:
        """Since the last call: answers by endpoint, and why endpoints were taken out. Empty with a single endpoint."""
        answers: dict[str, int] = {}
        refused: dict[str, FailureKind] = {}
        with self._room:
            for state in self.snapshot().endpoints if self._spec.pool else ():
                before = self._endpoints_reported.get(state.name)
                answers[state.name] = state.answers - (before.answers if before is not None else 0)
                if state.refused_for is not None and (before is None or before.refused_for is None):
                    refused[state.name] = state.refused_for
                self._endpoints_reported[state.name] = state
        return answers, refused

    def sign_news(self) -> dict[str, int]:
        """Answers with a sign of a fault since the last call, by the counter's name (``signs``)."""
        with self._room:
            before, self._signs_reported = self._signs_reported, self._dispatcher.signs
            return {name: count - before.get(name, 0) for name, count in self._signs_reported.items()}

    @property
    def closed(self) -> bool:
        """Whether the engine has ended."""
        return not self._thread.is_alive()

    def abandon(self, lane: Lane) -> None:
        """Drop this lane's unsent rows: its bundle failed. Requests on the wire are paid for and still go to the ledger, where the bundle's
        next try finds them: see ``wait_for_abandoned``."""
        cause = EarlyStop(StopCause.INTERRUPTED, "the bundle of this row failed; its next try sends it.")
        self._on_loop(self._dispatcher.withdraw, lambda row: row.deliver == lane.deliver, cause)
        self._abandoned.append(lane)

    @property
    def accepted(self) -> AcceptedRows | None:
        """The accepted rows, if they are counted."""
        return self._steps.accepted

    def _leave_out(self, split: Split) -> None:
        for dispatcher, _ in self._engines:
            dispatcher.withdraw(lambda row: row.request.row.origin.split is split, ENOUGH)

    def wait_for_abandoned(self) -> None:
        """Wait until all requests of abandoned lanes are answered and recorded."""
        while self._abandoned:
            for _ in self._abandoned.pop().drain():
                pass

    def close(self) -> None:
        """Cancel the requests on the wire, close the ledger and end the thread."""
        if not self._thread.is_alive():
            return
        for dispatcher, recorder in self._engines:
            asyncio.run_coroutine_threadsafe(dispatcher.close(), self._loop).result()
            recorder.close()
        if self._examiner is not None:
            self._examiner.shutdown(cancel_futures=True)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for lane in self._lanes:
            lane.fail(SessionClosed())
        for callback in self._at_end:
            callback()

    def submit(self, rows: list[RowInProgress]) -> None:
        """Give rows to the engine; waits while it has more than it can send soon."""
        with self._room:
            while self._queued >= self._backlog_limit and self._defect is None:
                self._room.wait()
            if self._defect is not None:
                raise self._defect
            self._queued += len(rows)
        self._loop.call_soon_threadsafe(self._submit, rows)

    def _submit(self, rows: list[RowInProgress]) -> None:
        self._guarded(self._dispatcher.submit, rows)
        self._make_room()

    def _make_room(self) -> None:
        waiting = self._dispatcher.new_rows
        judge = self._dispatcher.judge
        # wake the reader at half, so that it adds many rows at once
        if waiting <= self._backlog_limit // 2 and (judge is None or not judge.is_behind):
            with self._room:
                self._queued = waiting
                self._room.notify_all()
        else:
            self._loop.call_later(0.005, self._make_room)

    def _run(self) -> None:
        loop = _new_event_loop()
        asyncio.set_event_loop(loop)
        self._loop = loop
        try:
            loop.run_until_complete(self._start())
        except BaseException as error:  # noqa: BLE001 - passed to the thread that waits for the start
            self._failure = error
            self._ready.set()
            return
        self._ready.set()
        loop.run_forever()
        loop.close()

    async def _start(self) -> None:
        recorder = self._new_recorder(self._spec, self._recorded, lambda: self._dispatcher)
        self._dispatcher = Dispatcher(self._spec, _clients(self._spec), recorder, self._steps, self._on_defect)
        self._engines.append((self._dispatcher, recorder))
        judge = self._spec.judge
        if judge is not None:
            steps = RowSteps(lambda request, replies: None)
            budget = self._dispatcher.budget.for_judge(longest_answer_tokens(judge.endpoint, judge.sampling))
            recorder = self._new_recorder(judge, lambda rows: self._on_loop(self._judge.recorded, rows), lambda: self._judge)
            self._judge = JudgeDispatcher(judge, _clients(judge), recorder, steps, self._on_defect, budget)
            self._engines.append((self._judge, recorder))
            self._dispatcher.judged_by(self._judge)
        if self._steps.accepted is not None:
            self._steps.accepted.when_full = lambda split: self._on_loop(self._leave_out, split)

    def _new_recorder(
        self, spec: ScoringSpec, on_safe: Callable[[list[RowInProgress | None]], None], dispatcher: Callable[[], Dispatcher]
    ) -> Recorder[RowInProgress | None]:
        return Recorder(
            spec.ledger_dir,
            spec.failures_dir,
            spec.run_id,
            on_safe=on_safe,
            on_failed=lambda rows, error: self._on_loop(dispatcher().not_recorded, rows, error),
            storage=self._storage,
        )

    def _recorded(self, rows: list[RowInProgress | None]) -> None:
        if self._examiner is None:
            self._on_loop(self._dispatcher.recorded, rows)
        else:
            for row in rows:
                self._examiner.submit(self._examined, row)

    def _examined(self, row: RowInProgress | None) -> None:
        """On the examiner's thread: a check may take seconds, in which the loop would neither send nor read."""
        try:
            if self._steps.examine is not None and row is not None and row.failure is None:
                self._steps.examine(row.request, row.replies)
        except Exception as error:  # noqa: BLE001 - raised again on the thread that waits for rows
            self._on_defect(error)
        else:
            self._on_loop(self._dispatcher.recorded, [row])

    def _on_defect(self, error: BaseException) -> None:
        """An error in our own code on the loop: without this, the thread that waits for a row would wait for ever."""
        with self._room:
            self._defect = error
            self._room.notify_all()
        for lane in self._lanes:
            lane.fail(error)

    def _on_loop(self, function: Callable[..., None], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(self._guarded, function, *arguments)

    def _guarded(self, function: Callable[..., None], *arguments: object) -> None:
        try:
            function(*arguments)
        except Exception as error:  # noqa: BLE001 - raised again on the thread that waits for rows
            self._on_defect(error)


_sessions: dict[ScoringSpec, ScoringSession] = {}
_sessions_lock = threading.Lock()
_stop_requested: EarlyStop | None = None


def shared_session(spec: ScoringSpec, steps: RowSteps, storage: LedgerStorage | None = None) -> ScoringSession:
    """The process's session for this spec, started with ``storage`` if there is none."""
    with _sessions_lock:
        session = _sessions.get(spec)
        if session is None:
            session = _sessions[spec] = ScoringSession(spec, steps, storage)
            if _stop_requested is not None:
                session.stop(_stop_requested)
        return session


def wait_for_abandoned(spec: ScoringSpec) -> None:
    """Wait for the requests of failed bundles in this process, so that their next try finds them on the ledger."""
    session = _sessions.get(spec)
    if session is not None:
        session.wait_for_abandoned()


def stop_sessions(cause: EarlyStop) -> None:
    """Stop every session of this process early, and those started before ``close_sessions``. Safe in signal handlers."""
    global _stop_requested
    _stop_requested = cause
    for session in list(_sessions.values()):
        session.stop(cause)


def close_sessions(run_id: str | None = None) -> None:
    """Close the sessions of one run, or all sessions of this process. Other runs continue; secrets in memory are dropped with the last one.

    A lane of a closed session raises SessionClosed instead of returning its outstanding rows.
    """
    global _stop_requested
    with _sessions_lock:
        closing = [_sessions.pop(spec) for spec in [*_sessions] if run_id in (None, spec.run_id)]
        last = not _sessions
        if last:
            _stop_requested = None
    for session in closing:
        session.close()
    forget(run_id)
    if last:
        forget_secrets()


def snapshots(run_id: str | None = None) -> list[Snapshot]:
    """The state of the sessions of one run, or of every session of this process."""
    return [session.snapshot() for spec, session in list(_sessions.items()) if run_id in (None, spec.run_id)]


def _limited(spec: ScoringSpec, share: float) -> ScoringSpec:
    """The spec with connections for this share of its limit."""
    return replace(spec, concurrency=replace(spec.concurrency, maximum=max(1, int(spec.concurrency.maximum * share))))


def _clients(spec: ScoringSpec) -> list[TeacherClient]:
    return [TeacherClient(member.endpoint, spec.concurrency.maximum) for member in spec.members]


def _new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        # late: keeps uvloop out of the start
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
