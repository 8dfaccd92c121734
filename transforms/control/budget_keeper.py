"""Each scoring process writes its spending to a small file, and several processes share one budget through these files.

A file has the spending that is not on the ledger (attempts without an answer), the requests on the wire, and the process's claim on the budget.
To claim more, a process first writes the higher claim and then reads all others: of two that claim at the same time at least one sees the
other, so the claims together never exceed the budget. A dead process keeps its claim until the run ends; the next run counts the spending on
the ledger and in the files. See docs/decisions/0019.
"""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from transforms.elements.failures import EarlyStop, StopCause
from transforms.elements.usage import Spending, Usage
from transforms.files.matching import sizes_of
from transforms.files.paths import is_remote
from transforms.files.stored import files_for, read_json, write_json
from transforms.teacher.budget import Budget, BudgetState, rounding
from transforms.teacher.session import ScoringSession
from transforms.teacher.specs import BudgetSpec, ScoringSpec

LOOK_EVERY_S = 1.0
LOOK_EVERY_REMOTE_S = 5.0
LOOKS_AHEAD = 5
"""A claim covers the spending of this many updates. A smaller number costs more files; with a larger one a dead process blocks more budget."""
REQUESTS_AHEAD = 64
PATIENCE_S = 120.0
"""How long the storage may fail before a process that cannot claim stops."""
SILENT_LOOKS = 30
"""A process without an update for this many intervals gives nothing back: its whole claim counts as spent."""


Amounts = tuple[float, ...]


@dataclass(frozen=True)
class Note:
    """The file of one process: its claim and spending per account, and its spending that is not on the ledger."""

    claimed: Amounts
    spent: Amounts
    beside: Spending
    on_wire: Spending
    judge_beside: Spending = Spending()
    judge_on_wire: Spending = Spending()


def notes_in(folder: str) -> dict[str, Note]:
    """The latest note of every process of every run, by file. An unreadable file is skipped."""
    found: dict[str, Note] = {}
    for path in sizes_of(f"{folder}/*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            fields = read_json(path)
            found[path] = Note(
                tuple(fields["claimed"]),
                tuple(fields["spent"]),
                *(_spending(fields[name]) for name in ("beside", "on_wire")),
                *(_spending(fields.get(name, [0])) for name in ("judge_beside", "judge_on_wire")),
            )
    return found


def _spending(counts: list[int]) -> Spending:
    return Spending(int(counts[0]), Usage(*map(int, counts[1:])))


def _counts(spending: Spending) -> list[int]:
    return [spending.requests, *spending.usage]


class BudgetKeeper:
    """One process's side: writes its spending and, if the budget is shared, claims what it needs."""

    def __init__(self, spec: BudgetSpec, run_id: str, session: ScoringSession, shared: bool) -> None:
        assert spec.folder is not None
        self._folder = spec.folder
        self._run_id = run_id
        self._session = session
        self._processes = spec.processes
        self._path = f"{spec.folder}/{run_id}@{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
        self._every_s = LOOK_EVERY_REMOTE_S if is_remote(spec.folder) else LOOK_EVERY_S
        self._shared, self._has_limits = session.on_budget(lambda budget: (shared and budget.has_limits, budget.has_limits))
        self._available = session.on_budget(lambda budget: tuple(account.available for account in budget.accounts))
        self._written: dict[str, Any] = {}
        self._claimed: Amounts = (0.0,) * len(self._available) if self._shared else self._available
        self._peers_said: dict[str, tuple[bytes, float]] = {}
        self._working_s = time.monotonic()
        self._wanted = threading.Event()
        self._write_lock = threading.Lock()
        self._needs = (0.0,) * len(self._available)
        self._spent_before, self._spent_at_s = (0.0,) * len(self._available), time.monotonic()
        self._random = random.Random()
        if self._shared:
            session.on_budget(self._watch)
        session.at_end(self._end)
        threading.Thread(target=self._run, name="budget-keeper", daemon=True).start()

    def write(self) -> None:
        """Write the state of the budget, if it has changed. A failed write must not affect answers."""
        with suppress(Exception):  # every filesystem has errors of its own
            self._write()

    def _write(self, claimed: Amounts | None = None) -> None:
        with self._write_lock:
            if claimed is not None:
                self._claimed = claimed
            state = self._session.on_budget(Budget.state)
            fields = {
                "claimed": list(self._claimed),
                "spent": list(state.spent),
                "beside": _counts(state.beside),
                "on_wire": _counts(state.on_wire),
                "judge_beside": _counts(state.judge_beside),
                "judge_on_wire": _counts(state.judge_on_wire),
            }
            is_news = self._shared or fields != self._written
            if is_news and (self._has_limits or Spending() != state.beside.plus(state.judge_beside)):
                write_json(self._path, {**fields, "at_s": time.time()})
                self._written = fields

    def _watch(self, budget: Budget) -> None:
        budget.purse.wants_more = self._wanted.set

    def _end(self) -> None:
        with suppress(Exception):
            self._write(self._session.on_budget(Budget.give_back) if self._shared else None)

    def _run(self) -> None:
        while not self._session.closed:
            self._wanted.wait(self._every_s)
            pause_s = 0.0
            try:
                pause_s = self._adjust_claim() if self._shared else 0.0
                self._working_s = time.monotonic()
            except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own; tried again in a moment
                if time.monotonic() - self._working_s > PATIENCE_S:
                    text = f"the budget cannot be kept in {self._folder} ({type(error).__name__}: {error}), and nothing is sent without it."
                    self._session.stop(EarlyStop(StopCause.STORAGE_FAILED, text))
                    return
            self.write()
            if pause_s:
                time.sleep(pause_s)

    def _adjust_claim(self) -> float:
        """Claim what is needed soon, or give back what is not. Returns the seconds to wait if the others leave too little."""
        self._wanted.clear()
        state = self._session.on_budget(Budget.state)
        if not state.needs and not state.on_wire.requests + state.judge_on_wire.requests:
            if state.claimed != state.used:
                self._write(self._session.on_budget(Budget.give_back))
            return 0.0
        self._needs = state.needs or self._needs
        rooms = self._rooms(state)
        if not state.needs and all(claimed - used >= room / 2 for claimed, used, room in zip(state.claimed, state.used, rooms, strict=True)):
            return 0.0
        wanted = []
        free = self._free(state.claimed)
        for claimed, used, room, left, need in zip(state.claimed, state.used, rooms, free, self._needs, strict=True):
            share = max(left / (2 * self._processes), min(need, left))
            wanted.append(max(claimed, min(used + room, claimed + share)))
        enough = not state.needs or all(
            used + need <= claim + rounding(claim) for used, need, claim in zip(state.used, state.needs, wanted, strict=True)
        )
        if enough and wanted != list(state.claimed):
            self._write(tuple(wanted))
            left_over = zip(self._free(tuple(wanted)), self._available, strict=True)
            if all(left >= -rounding(available) for left, available in left_over):
                self._session.on_budget(lambda budget: budget.claim(tuple(wanted)))
                return 0.0
            self._write(state.claimed)  # another process claimed at the same time: both withdraw
        elif state.needs:
            self._give_back(state)
        return self._every_s * self._random.uniform(0.1, 0.3)

    def _rooms(self, state: BudgetState) -> list[float]:
        """How much more than its use the process should have of each account, for the next updates."""
        now_s = time.monotonic()
        past_s = max(now_s - self._spent_at_s, 0.1)
        rates = [(spent - before) / past_s for spent, before in zip(state.spent, self._spent_before, strict=True)]
        if past_s >= self._every_s:
            self._spent_before, self._spent_at_s = state.spent, now_s
        ahead_s = LOOKS_AHEAD * self._every_s
        return [max(REQUESTS_AHEAD * need, ahead_s * rate, used / 2) for need, rate, used in zip(self._needs, rates, state.used, strict=True)]

    def _give_back(self, state: BudgetState) -> None:
        """Nothing can be sent with the claimed and free amounts: give them back, and find out whether there will be more."""
        self._write(self._session.on_budget(Budget.give_back))
        gone = [0.0] * len(self._available)
        for note, is_silent in self._peers():
            for place, amount in enumerate(note.claimed if is_silent else note.spent):
                gone[place] += amount
        # requests on the wire, in any process, may still cost nothing
        quantities = zip(self._available, gone, state.spent, state.needs, strict=True)
        may_come = all(available - others - own >= need for available, others, own, need in quantities)
        self._session.on_budget(lambda budget: budget.nothing_to_come(not may_come))

    def _free(self, claimed: Amounts) -> list[float]:
        """The unclaimed amounts, if this process claims ``claimed``."""
        free = [available - own for available, own in zip(self._available, claimed, strict=True)]
        peers = self._peers()
        self._processes = max(self._processes, len(peers) + 1)
        for note, _ in peers:
            free = [left - other for left, other in zip(free, note.claimed, strict=True)]
        return free

    def _peers(self) -> list[tuple[Note, bool]]:
        """The notes of the other processes of this run, and whether they are silent. Only our own clock is used."""
        now_s = time.monotonic()
        found = []
        for path in sizes_of(f"{self._folder}/{self._run_id}@*.json"):
            if path == self._path:
                continue
            content = files_for(path).read(path)
            if path not in self._peers_said or self._peers_said[path][0] != content:
                self._peers_said[path] = (content, now_s)
            fields = json.loads(content)
            note = Note(tuple(fields["claimed"]), tuple(fields["spent"]), Spending(), Spending())
            found.append((note, now_s - self._peers_said[path][1] > SILENT_LOOKS * self._every_s))
        return found


_keepers: dict[int, BudgetKeeper] = {}
_keepers_lock = threading.Lock()


def keeper_of(scoring: ScoringSpec, session: ScoringSession) -> BudgetKeeper | None:
    """The process's one keeper for a session; None if there is nothing to keep."""
    if scoring.budget.folder is None:
        return None
    with _keepers_lock:
        key = id(session)
        if key not in _keepers:
            _keepers[key] = BudgetKeeper(scoring.budget, scoring.run_id, session, shared=scoring.control_dir is not None)
            session.at_end(lambda: _forget(key))
        return _keepers[key]


def _forget(key: int) -> None:
    with _keepers_lock:
        _keepers.pop(key, None)
