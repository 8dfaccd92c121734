"""A file whose next reader waits until the test lets it read: a lease of Linux's (fcntl, F_SETLEASE)."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterable
from pathlib import Path


class HeldFile:
    """One file. Whoever opens it while it is held waits; the system ends a wait after /proc/sys/fs/lease-break-time, usually 45 s."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: int | None = None

    def hold(self) -> bool:
        """Hold it from now on, or again. False while another process has it open."""
        if self._open is not None:
            return True
        opened = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.fcntl(opened, fcntl.F_SETSIG, signal.SIGURG)  # about an opening; ignored, where SIGIO would end this process
            fcntl.fcntl(opened, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except BlockingIOError:
            os.close(opened)
            return False
        self._open = opened
        return True

    def readers(self, processes: Iterable[int]) -> list[int]:
        """Those of the processes that wait for it. It is held and, if somebody else opens it, let go and held again."""
        if not self.hold() or self._open is None or fcntl.fcntl(self._open, fcntl.F_GETLEASE) == fcntl.F_WRLCK:
            return []
        waiting = [pid for pid in processes if _waits_for_lease(pid)]
        if not waiting:
            self.let_go()
        return waiting

    def let_go(self) -> None:
        """Let everybody read it."""
        if self._open is not None:
            os.close(self._open)
            self._open = None


def _waits_for_lease(pid: int) -> bool:
    try:
        return any((task / "wchan").read_text() == "__break_lease" for task in Path(f"/proc/{pid}/task").iterdir())
    except OSError:  # it has ended
        return False
