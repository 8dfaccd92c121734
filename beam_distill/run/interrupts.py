"""Ctrl-C, SIGTERM and a closed terminal: stop sending, wait for answers in flight, report the rest."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from beam_distill.exit_codes import ExitCode
from beam_distill.job.job_spec import JobSpec
from beam_distill.runners.base import RunnerPlan
from transforms.control.run_control import request_stop
from transforms.elements.failures import EarlyStop, StopCause
from transforms.teacher.session import stop_sessions

log = logging.getLogger("beam_distill")

HANG_UP = getattr(signal, "SIGHUP", None)  # Windows has none
_WAITING = "nothing more is sent; waiting up to %g s for answers in flight. Ctrl-C again exits at once and loses them"
_LEFT_AT_ONCE = (
    b"\nexit at once: answers in flight are lost and will be requested again; every received answer is on the ledger. "
    b"Run the same command again to continue.\n"
)


class Interrupts:
    """The signal handling of one run, only on the main thread.

    The first signal stops sending. A second Ctrl-C or SIGTERM ends the process at once with ``ends_process``, as for the command; otherwise
    the program's own handlers are restored by then. A closed terminal often sends SIGHUP twice, so a second one has no effect. An
    ignored SIGHUP (nohup) stays ignored.
    """

    def __init__(self, ends_process: bool) -> None:
        self._ends_process = ends_process
        self.received: int | None = None

    @contextmanager
    def stop(self, job: JobSpec, plan: RunnerPlan, on_stop: Callable[[], None]) -> Iterator[None]:
        """Listen until the end of the block; ``on_stop`` is called once, from the handler of the first signal."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {}

        def on_signal(number: int, frame: object) -> None:
            if self.received is not None:
                if self._ends_process and number != HANG_UP:
                    _leave(plan)
                return
            self.received = number
            if not self._ends_process:
                _give_back(before, keep=HANG_UP)
            on_stop()
            _stop(job, plan, f"interrupted by {signal.Signals(number).name}. Every received answer is on the ledger.")

        numbers = [signal.SIGINT, signal.SIGTERM]
        if HANG_UP is not None and signal.getsignal(HANG_UP) is not signal.SIG_IGN:
            numbers.append(HANG_UP)
        before.update({number: signal.signal(number, on_signal) for number in numbers})
        try:
            yield
        finally:
            _give_back(before)

    def hand_on(self) -> None:
        """After the run has ended, pass the signal that stopped it to the calling program.

        Raises KeyboardInterrupt for Ctrl-C, also if the program's own handler does nothing.
        """
        if self.received is None:
            return
        signal.raise_signal(self.received)
        if self.received == signal.SIGINT:
            raise KeyboardInterrupt


def _give_back(before: dict[int, Any], keep: int | None = None) -> None:
    for number in [number for number in before if number != keep]:
        signal.signal(number, before.pop(number))


def _leave(plan: RunnerPlan) -> None:
    with suppress(OSError):  # the terminal may be gone
        # the live view may control the terminal, so show the cursor again
        os.write(2, b"\x1b[?25h" if os.isatty(2) else b"")
        os.write(2, _LEFT_AT_ONCE if plan.cancel is None else f"\nexit at once. The job continues; to end it: {plan.cancel}\n".encode())
    os._exit(ExitCode.INTERRUPTED)


def _stop(job: JobSpec, plan: RunnerPlan, why: str) -> None:
    cause = EarlyStop(StopCause.INTERRUPTED, why)
    stop_sessions(cause)
    # not in the handler itself: it may have interrupted the owner of a lock that writing needs
    if plan.same_process:
        threading.Thread(target=log.warning, args=(_WAITING, job.scoring.patience.drain_s), daemon=True).start()
    if job.scoring.control_dir is not None:
        threading.Thread(target=_ask_workers_to_stop, args=(job.scoring.control_dir, cause, plan), daemon=True).start()


def _ask_workers_to_stop(control_dir: str, cause: EarlyStop, plan: RunnerPlan) -> None:
    after = f"the job continues without this command; to end it: {plan.cancel}" if plan.cancel else "the job ends with it"
    try:
        request_stop(control_dir, cause)
        log.warning("the workers are asked to stop; waiting for the job's end. Ctrl-C again exits at once: %s", after)
    except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own
        log.warning("the workers cannot be asked to stop (%s). Ctrl-C again exits: %s", error, after)
