"""Files between the command and the scoring processes of a cluster, in the run's staging folder.

The command asks for an early stop with ``stop.json``. Every process reports its requests on the wire and its engine's state in its own file;
the files of lost processes limit how many requests were billed but not recorded.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from typing import Any

from transforms.elements.failures import EarlyStop, StopCause
from transforms.elements.rows import Split
from transforms.files.matching import sizes_of
from transforms.files.paths import is_remote
from transforms.files.stored import exists, read_json, write_json
from transforms.teacher.engine_counts import Snapshot
from transforms.teacher.session import ScoringSession

LOOK_EVERY_S = 1.0
LOOK_EVERY_REMOTE_S = 5.0
_STOP = "stop.json"
_OPEN = "open-"


def _doing(state: Snapshot) -> dict[str, Any]:
    return {
        "in_flight": state.in_flight,
        "limit": state.limit,
        "backing_off": state.backing_off,
        "totals": state.totals.fields(),
        "left_out": list(state.left_out),
        **({} if state.judge is None else {"judge": state.judge.in_short}),
    }


def heartbeats(control_dir: str) -> dict[str, dict[str, Any]]:
    """The latest report of every scoring process, by file; also of processes that were lost since."""
    found: dict[str, dict[str, Any]] = {}
    for path in sizes_of(f"{control_dir}/{_OPEN}*.json"):
        with suppress(OSError, ValueError):
            found[path] = read_json(path)
    return found


def request_stop(control_dir: str, cause: EarlyStop) -> None:
    """Ask every scoring process of the run to stop; each sees it within a few seconds."""
    write_json(f"{control_dir}/{_STOP}", {"cause": cause.cause.value, "detail": cause.detail})


def unfinished_requests(control_dir: str) -> tuple[int, int]:
    """How many processes did not report their last answers as recorded, and how many requests were open in their last reports."""
    processes = requests = 0
    for path in sizes_of(f"{control_dir}/{_OPEN}*.json"):
        still_open = int(read_json(path)["open"])
        if still_open:
            processes += 1
            requests += still_open
    return processes, requests


class RunControl:
    """One scoring process's side. Checks for a stop every second or, on object storage, every five.

    A runner may leave a process running after the run, as Flink does after a failed try. It stops reporting when the run's folder, and with
    it its own file, has been removed.
    """

    def __init__(self, control_dir: str, session: ScoringSession) -> None:
        self._dir = control_dir
        self._session = session
        self._path = f"{control_dir}/{_OPEN}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
        self._last_written: int | None = None
        self._over = False
        self._report_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="run-control", daemon=True)
        self._thread.start()

    def report(self, beat: bool = False) -> None:
        """Report the open requests and the engine's state if the former changed; with ``beat`` in any case."""
        with self._report_lock:
            still_open = self._session.open_requests()
            if still_open == self._last_written and not beat:
                return
            with suppress(Exception):  # a failed report must not affect answers
                if self._over or (self._last_written is not None and not exists(self._path)):
                    self._over = True
                    return
                accepted = {} if self._session.accepted is None else {"accepted": self._session.accepted.counts()}
                write_json(self._path, {"open": still_open, "at_s": time.time(), **_doing(self._session.snapshot()), **accepted})
                self._last_written = still_open

    def check(self) -> bool:
        """Report, and check whether the process is asked to stop; False when there is nothing more to check."""
        self.report(beat=True)
        with suppress(Exception):  # checked again in a moment
            self._count_elsewhere()
        with suppress(Exception):
            stop = f"{self._dir}/{_STOP}"
            if exists(stop):
                fields = read_json(stop)
                self._session.stop(EarlyStop(StopCause(fields["cause"]), fields["detail"]))
                return False
        return not self._over

    def _count_elsewhere(self) -> None:
        """Add up the accepted rows of all other processes, if a split may have enough of them."""
        if self._session.accepted is None:
            return
        others = [fields.get("accepted", {}) for path, fields in heartbeats(self._dir).items() if path != self._path]
        self._session.accepted.found_elsewhere({split.value: sum(found.get(split.value, 0) for found in others) for split in Split})

    def _run(self) -> None:
        every_s = LOOK_EVERY_REMOTE_S if is_remote(self._dir) else LOOK_EVERY_S
        pause = threading.Event()
        while not self._session.closed and self.check():
            pause.wait(every_s)


_controls: dict[tuple[str, int], RunControl] = {}
_controls_lock = threading.Lock()


def control_of(control_dir: str, session: ScoringSession) -> RunControl:
    """The process's one control for a session."""
    with _controls_lock:
        key = (control_dir, id(session))
        if key not in _controls:
            _controls[key] = RunControl(control_dir, session)
        return _controls[key]
