"""An event loop with virtual time: it never sleeps, the clock jumps to the next timer. Hours of waiting take milliseconds.

Only for code that uses the loop's clock and does no real input or output.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _LeapingSelector(selectors.SelectSelector):
    """Finds nothing to read; the time it would have waited has passed at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nothing is left that could ever happen: the code under test waits for ever")
        self.now_s += max(timeout, 0.0)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """``time()`` in seconds from 0."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now_s + 1e-9 * self._ticks()

    def _ticks(self) -> int:
        # each reading of the clock moves it a little, as in reality: equal times would hide dependence on order
        self._looks = getattr(self, "_looks", 0) + 1
        return self._looks


def run_in_virtual_time(main: Coroutine[Any, Any, Result], at_most_s: float) -> Result:
    """Run ``main``; fails when it takes more than ``at_most_s`` virtual seconds."""
    loop = VirtualTimeLoop()
    try:
        return loop.run_until_complete(asyncio.wait_for(main, at_most_s))
    finally:
        loop.close()
