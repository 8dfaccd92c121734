"""The local scoring processes of the command: how they are started, and what happens when one dies."""

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
from beam_distill.runners.unused_storage import left_out
from transforms.control.run_control import request_stop
from transforms.elements.failures import EarlyStop, StopCause
from transforms.elements.shared_change import SharedChange

log = logging.getLogger("beam_distill")

CLOSING_S = 2.0


def worker_command() -> str:
    """The shell command that starts a scoring process."""
    # exec: without it there is a shell in between, and the worker could not detect the command's end
    return f"exec {shlex.join([sys.executable, '-m', 'beam_distill.runners.local_worker', *left_out()])}"


class WorkerLost(Exception):
    """A scoring process died; the text tells the user what that means."""


_hooks: list[Callable[[threading.ExceptHookArgs], None]] = []
"""The hooks of the runs that watch their workers. A thread's exception does not identify its run, so the newest run gets it."""


def _hook_threads() -> Callable[[], None]:
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        (_hooks[-1] if _hooks else before)(arguments)

    def undo() -> None:
        threading.excepthook = before

    threading.excepthook = hook
    return undo


_THREADS_HOOKED = SharedChange(_hook_threads)


@contextmanager
def local_workers_watched(control_dir: str, drain_s: float) -> Iterator[None]:
    """While the pipeline runs: if a scoring process dies, stop the others and end the run with WorkerLost.

    Beam notices a death only during work; otherwise it waits for ever. That wait can be ended from outside only on the main thread;
    on another thread the other processes are still stopped.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    lost: list[str] = []
    unexplained: list[threading.ExceptHookArgs] = []

    def end_waiting(number: int, frame: object) -> None:
        raise WorkerLost(lost[0])

    def hook(arguments: threading.ExceptHookArgs) -> None:
        code = exit_code_of_worker(arguments.exc_value)
        if code is None:
            # usually a broken connection: reported below unless a dead process explains it
            unexplained.append(arguments)
            return
        if lost:
            return
        lost.append(
            f"a scoring process died (exit code {code}; -9 is what a machine short of memory does, or kill -9). "
            "Every answer on the ledger is kept. Run the same command again to continue; a lower max_concurrency_per_instance needs less memory."
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
        # the runner may see the broken connection before the thread that waits for the process reports the reason
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
        for timer in timers:  # its signal would no longer be caught
            timer.cancel()
        if on_main_thread:
            signal.signal(signal.SIGUSR1, before_handler)
