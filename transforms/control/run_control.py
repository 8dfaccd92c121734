"""How the command reaches the scoring processes of a cluster, and they it: small files below the run's staging folder.

The command asks for an early stop with ``stop.json``. Every process reports in a file of its own what it has on the wire and what its engine
is doing; the files of processes that were lost bound what was billed and not recorded.
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
    }


def heartbeats(control_dir: str) -> dict[str, dict[str, Any]]:
    """What every scoring process last reported, by its file; also of processes that were lost since."""
    found: dict[str, dict[str, Any]] = {}
    for path in sizes_of(f"{control_dir}/{_OPEN}*.json"):
        with suppress(OSError, ValueError):
            found[path] = read_json(path)
    return found


def request_stop(control_dir: str, cause: EarlyStop) -> None:
    """Ask every scoring process of the run to stop; each sees it within a few seconds."""
    write_json(f"{control_dir}/{_STOP}", {"cause": cause.cause.value, "detail": cause.detail})


def unfinished_requests(control_dir: str) -> tuple[int, int]:
    """How many processes did not report their last answers as recorded, and how many requests they had open when last heard of."""
    processes = requests = 0
    for path in sizes_of(f"{control_dir}/{_OPEN}*.json"):
        still_open = int(read_json(path)["open"])
        if still_open:
            processes += 1
            requests += still_open
    return processes, requests


class RunControl:
    """One scoring process's side. Looks for a stop every second or, on object storage, every five.

    A process that its runner has forgotten, as Flink does with those of a try that failed, lives on after the run. It falls silent when
    the run's folder has been tidied up: its own file is gone then.
    """

    def __init__(self, control_dir: str, session: ScoringSession) -> None:
        self._dir = control_dir
        self._session = session
        self._path = f"{control_dir}/{_OPEN}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
        self._last_written: int | None = None
        self._over = False
        self._telling = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="run-control", daemon=True)
        self._thread.start()

    def tell(self, beat: bool = False) -> None:
        """Say how many requests are open, when that changed; with ``beat`` in any case, and what the engine is doing besides."""
        with self._telling:
            still_open = self._session.open_requests()
            if still_open == self._last_written and not beat:
                return
            with suppress(Exception):  # a report that cannot be written must not cost an answer
                if self._over or (self._last_written is not None and not exists(self._path)):
                    self._over = True
                    return
                write_json(self._path, {"open": still_open, "at_s": time.time(), **_doing(self._session.snapshot())})
                self._last_written = still_open

    def look(self) -> bool:
        """Tell, and see whether the process is asked to stop; False when there is no more to look for."""
        self.tell(beat=True)
        with suppress(Exception):  # looked for again in a moment
            stop = f"{self._dir}/{_STOP}"
            if exists(stop):
                fields = read_json(stop)
                self._session.stop(EarlyStop(StopCause(fields["cause"]), fields["detail"]))
                return False
        return not self._over

    def _run(self) -> None:
        every_s = LOOK_EVERY_REMOTE_S if is_remote(self._dir) else LOOK_EVERY_S
        pause = threading.Event()
        while not self._session.closed and self.look():
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
