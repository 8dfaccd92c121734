"""Real processes that share one budget through files only."""

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from transforms.control import budget_keeper
from transforms.control.budget_keeper import BudgetKeeper, Note, notes_in
from transforms.elements.replies import TeacherReply
from transforms.elements.usage import Spending, Usage
from transforms.teacher.budget import SLACK, Budget, Reservation
from transforms.teacher.client import AttemptResult
from transforms.teacher.specs import BudgetSpec


class Engine:
    """Replaces a session: a budget, used by one thread at a time."""

    def __init__(self, spec: BudgetSpec, most_new_tokens: int, shared: bool) -> None:
        self.budget = Budget(spec, most_new_tokens, shared)
        self.closed = False
        self._lock = threading.Lock()
        self._at_end: list[Callable[[], None]] = []

    def on_budget(self, use: Callable[[Budget], Any]) -> Any:
        with self._lock:
            return use(self.budget)

    def at_end(self, tell: Callable[[], None]) -> None:
        self._at_end.append(tell)

    def close(self) -> None:
        self.closed = True
        for tell in self._at_end:
            tell()


def settle_one(reservation: Reservation, budget: Budget) -> None:
    budget.settle(reservation, 10, answered(40))


def answered(completion: int) -> AttemptResult:
    return AttemptResult(1.0, reply=TeacherReply(0, "4", None, "stop", 10, completion, 1, 1.0))


def spend(folder: str, limits: dict[str, int], in_flight: int, dies_after: int | None, start: Any, ended: Any) -> None:
    """Send requests of at most 100 tokens out, answered with 40, until there is nothing left to claim."""
    budget_keeper.SILENT_LOOKS = 5  # half a minute is long for a test
    engine = Engine(BudgetSpec(processes=4, folder=folder, **limits), 100, shared=True)  # type: ignore[arg-type]
    keeper = BudgetKeeper(engine.budget._spec, "run", engine, shared=True)  # type: ignore[arg-type]
    start.wait()
    sent = tokens = 0
    on_wire: list[Reservation] = []
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        while len(on_wire) < in_flight and (reservation := engine.on_budget(lambda budget: budget.reserve(10))) is not None:
            on_wire.append(reservation)
            sent += 1
            if sent == dies_after:
                keeper.write()
                ended.put((os.getpid(), sent, tokens, len(on_wire)))
                ended.close()
                ended.join_thread()
                os._exit(9)
        if not on_wire and engine.on_budget(lambda budget: budget.purse.no_more_to_claim):
            break
        time.sleep(0.002)
        if on_wire:
            ends = on_wire.pop()
            engine.on_budget(partial(settle_one, ends))
            tokens += 50
    engine.close()
    ended.put((os.getpid(), sent, tokens, 0))


def together(folder: Path, limits: dict[str, int], in_flight: int = 20, dies_after: int | None = None) -> list[tuple[int, int, int, int]]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", budget_keeper.__name__, "transforms.teacher.client"])  # imported once, not by each of them
    start, ended = context.Barrier(4), context.Queue()  # one that starts late would find nothing left
    processes = [
        context.Process(target=spend, args=(str(folder), limits, in_flight, dies_after if number == 0 else None, start, ended))
        for number in range(4)
    ]
    for process in processes:
        process.start()
    reported = [ended.get(timeout=90) for _ in processes]
    for process in processes:
        process.join()
    return reported


@pytest.mark.slow
def test_four_processes_use_up_what_they_share_and_not_one_request_more(tmp_path: Path) -> None:
    reported = together(tmp_path, {"max_requests": 503})
    assert sum(sent for _, sent, _, _ in reported) == 503
    assert max(sent for _, sent, _, _ in reported) < 503  # and none of them all


@pytest.mark.slow
def test_four_processes_meet_a_limit_of_tokens(tmp_path: Path) -> None:
    tokens = sum(tokens for _, _, tokens, _ in together(tmp_path, {"max_total_tokens": 50_000}))
    assert 50_000 - 4 * 111 <= tokens <= (1 + SLACK) * 50_000


@pytest.mark.slow
def test_a_process_that_dies_keeps_its_claim_for_this_run_and_its_requests_count_for_the_next(tmp_path: Path) -> None:
    reported = together(tmp_path, {"max_requests": 400}, dies_after=30)
    sent = sum(sent for _, sent, _, _ in reported)
    assert sent <= 400
    notes = notes_in(str(tmp_path))
    assert len(notes) == 4
    dead = next(note for path, note in notes.items() if note.on_wire != Spending())
    open_when_lost = next(on_wire for _, _, _, on_wire in reported if on_wire)
    assert dead.on_wire.requests == open_when_lost
    assert 400 - sent <= dead.claimed[0] - dead.spent[0]  # no more is lost to the run than what it had claimed


def test_a_process_alone_says_what_is_not_on_the_ledger(tmp_path: Path) -> None:
    engine = Engine(BudgetSpec(folder=str(tmp_path)), 100, shared=False)
    keeper = BudgetKeeper(engine.budget._spec, "run", engine, shared=False)  # type: ignore[arg-type]
    keeper.write()
    assert notes_in(str(tmp_path)) == {}  # nothing to say: nothing is left behind
    engine.budget.settle(engine.budget.reserve(10), 10, None)  # type: ignore[arg-type]
    engine.close()
    assert list(notes_in(str(tmp_path)).values()) == [Note((), (), Spending(1, Usage(11, 100)), Spending())]


def test_an_unreadable_note_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text(json.dumps({"claimed": [], "spent": [], "beside": [1, 2, 3, 4, 5], "on_wire": [0, 0, 0, 0, 0]}))
    assert [note.beside for note in notes_in(str(tmp_path)).values()] == [Spending(1, Usage(2, 3, 4, 5))]
