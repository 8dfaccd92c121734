"""The scoring processes of this machine as the command sees them: how they are started, and what happens when one dies."""

from __future__ import annotations

import logging
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from beam_distill.runners.beam_internals.error_texts import exit_code_of_worker, is_broken_line
from transforms.control.run_control import request_stop
from transforms.elements.failures import EarlyStop, StopCause
from transforms.elements.shared_change import SharedChange

log = logging.getLogger("beam_distill")

# exec: without it a shell is between, and the worker could not see when the command is gone
LOCAL_WORKER = f"exec {shlex.quote(sys.executable)} -m beam_distill.runners.local_worker"
"""The command that starts a scoring process."""
CLOSING_S = 2.0


class WorkerLost(Exception):
    """A scoring process died; the text says what that means for the person."""


_hooks: list[Callable[[threading.ExceptHookArgs], None]] = []
"""Those of the runs that watch their workers now. What a thread dies of does not say whose worker it was, so the newest run is told."""


def _hook_threads() -> Callable[[], None]:
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        (_hooks[-1] if _hooks else before)(arguments)

    def take_back() -> None:
        threading.excepthook = before

    threading.excepthook = hook
    return take_back


_THREADS_HOOKED = SharedChange(_hook_threads)


@contextmanager
def local_workers_watched(control_dir: str, drain_s: float) -> Iterator[None]:
    """While the pipeline runs: a scoring process that dies stops the others and ends the run with WorkerLost.

    Beam notices only a death in the midst of work, else it waits for ever. Only on the main thread can that waiting be ended from outside;
    on another thread the others are stopped all the same.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    lost: list[str] = []
    unexplained: list[threading.ExceptHookArgs] = []

    def end_waiting(number: int, frame: object) -> None:
        raise WorkerLost(lost[0])

    def hook(arguments: threading.ExceptHookArgs) -> None:
        code = exit_code_of_worker(arguments.exc_value)
        if code is None:
            # a broken line, mostly: reported below unless a dead process explains it
            unexplained.append(arguments)
            return
        if lost:
            return
        lost.append(
            f"a scoring process died (exit code {code}; -9 is what a machine short of memory does, or kill -9). "
            "Every answer on the ledger is kept. Run the same command again to go on; a lower max_concurrency_per_instance needs less memory."
        )
        log.warning("a scoring process died (exit code %s): the others stop sending and wait up to %g s for answers in flight", code, drain_s)
        request_stop(control_dir, EarlyStop(StopCause.INTERRUPTED, lost[0]))
        if on_main_thread:
            timer = threading.Timer(drain_s + CLOSING_S, signal.pthread_kill, (threading.main_thread().ident, signal.SIGUSR1))
            timer.daemon = True
            timer.start()
            timers.append(timer)

    timers: list[threading.Timer] = []
    before_handler: Any = signal.signal(signal.SIGUSR1, end_waiting) if on_main_thread else None
    _hooks.append(hook)
    try:
        with _THREADS_HOOKED:
            yield
    except RuntimeError as error:
        # the runner may see the broken line before the thread that waits for the process has said why
        deadline_s = time.monotonic() + CLOSING_S
        while is_broken_line(error) and not lost and time.monotonic() < deadline_s:
            time.sleep(0.05)
        if not lost:
            raise
        raise WorkerLost(lost[0]) from error
    finally:
        _hooks.remove(hook)
        for arguments in () if lost else unexplained:
            threading.excepthook(arguments)
        for timer in timers:  # nobody would catch its signal any more
            timer.cancel()
        if on_main_thread:
            signal.signal(signal.SIGUSR1, before_handler)
