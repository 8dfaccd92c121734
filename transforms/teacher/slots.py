"""Open slots and their deadlines, and the alarm that wakes the loop when a row may leave."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from transforms.teacher.in_progress import RowInProgress

OVERDUE = -1.0
NOT_STARTED = float("inf")
LONGEST_SLEEP_S = 1.0

Slot = asyncio.Task[None]


class Slots:
    """The open slots, and the deadlines of their attempts.

    ``use(row, now_s)`` is a slot's coroutine, which starts with ``row``; ``dropped(row)`` is called if it was cancelled before its start.
    """

    def __init__(
        self,
        use: Callable[[RowInProgress, float], Coroutine[Any, Any, None]],
        dropped: Callable[[RowInProgress], None],
        on_defect: Callable[[BaseException], None],
    ) -> None:
        self._use = use
        self._dropped = dropped
        self._on_defect = on_defect
        self._loop = asyncio.get_running_loop()
        self._deadlines_s: dict[Slot, float] = {}

    def open(self, row: RowInProgress, now_s: float) -> None:
        """Open one more slot."""
        slot = self._loop.create_task(self._use(row, now_s))
        self._deadlines_s[slot] = NOT_STARTED
        slot.add_done_callback(partial(self._closed, row))

    def attempt_begins(self, slot: Slot, deadline_s: float) -> None:
        """The slot's new attempt may last until ``deadline_s``."""
        self._deadlines_s[slot] = deadline_s

    def ran_out_of_time(self, slot: Slot) -> bool:
        """Whether the slot was cancelled only because of its deadline; then it may continue."""
        if self._deadlines_s[slot] is not OVERDUE:
            return False
        if sys.version_info >= (3, 11):
            slot.uncancel()
        return True

    def cancel_overdue(self, now_s: float) -> None:
        """Checking all deadlines from time to time costs less than a timer for each request."""
        for slot, deadline_s in self._deadlines_s.items():
            if deadline_s < now_s:
                self._deadlines_s[slot] = OVERDUE
                slot.cancel()

    def cancel_all(self) -> list[Slot]:
        """Cancel everything on the wire. Returns the slots that end."""
        slots = list(self._deadlines_s)
        for slot in slots:
            slot.cancel()
        return slots

    def _closed(self, first: RowInProgress, slot: Slot) -> None:
        deadline_s = self._deadlines_s.pop(slot)
        if not slot.cancelled():
            error = slot.exception()
            if error is not None:
                self._on_defect(error)
        elif deadline_s == NOT_STARTED:
            self._dropped(first)


class Alarm:
    """Calls ``ring`` once, at the earliest of its set times."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0

    def set(self, delay_s: float) -> None:
        """Ring in ``delay_s`` seconds at the latest."""
        due_s = self._loop.time() + min(delay_s, LONGEST_SLEEP_S)
        if self._timer is not None:
            if self._due_s <= due_s:
                return
            self._timer.cancel()
        self._due_s = due_s
        self._timer = self._loop.call_at(due_s, self._rings)

    def cancel(self) -> None:
        """Do not ring."""
        if self._timer is not None:
            self._timer.cancel()

    def _rings(self) -> None:
        self._timer = None
        self._ring()
