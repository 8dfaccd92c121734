"""The engine's clock, which stands still while the process does.

A process that was stopped (Ctrl-Z, SIGSTOP, a paused container) or got no processor finds every deadline passed and answers waiting in its
sockets. They are paid for, so they are read first: time without the process counts for no deadline and no patience.
"""

from __future__ import annotations

from collections.abc import Callable

STOPPED_AFTER_S = 1.0
"""How late a reading of the clock may be before the process counts as stopped."""


class AwakeClock:
    """``now_s`` in seconds by ``clock``, without the time in which nobody read it; it must be read at least every ``every_s`` seconds."""

    def __init__(self, clock: Callable[[], float], every_s: float) -> None:
        self._clock = clock
        self._every_s = every_s
        self._latest_s = clock()
        self._stopped_s = 0.0

    def now_s(self) -> float:
        """The time."""
        read_s = self._clock()
        late_s = read_s - self._latest_s - self._every_s
        if late_s > STOPPED_AFTER_S:
            self._stopped_s += late_s
        self._latest_s = read_s
        return read_s - self._stopped_s
