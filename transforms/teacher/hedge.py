"""A second request for a straggler at the end of a run, when there are more slots than rows (Dean and Barroso, "The Tail at Scale", 2013).

The first answer counts. Both requests are paid for, so this is an option, and off by default.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from transforms.teacher.client import AttemptResult

LATENCIES_KEPT = 512
LEAST_LATENCIES = 30  # fewer are not enough to know what is unusual
UNUSUAL_SHARE = 0.95  # a straggler takes longer than this share of the answers ...
UNUSUAL_FACTOR = 1.5  # ... by this much
LOOK_EVERY_S = 0.05


class StragglerClock:
    """After what time a request counts as a straggler."""

    def __init__(self) -> None:
        self._latencies_s: deque[float] = deque(maxlen=LATENCIES_KEPT)

    def answered(self, latency_s: float) -> None:
        """One more answer."""
        self._latencies_s.append(latency_s)

    @property
    def straggler_after_s(self) -> float | None:
        """Seconds; None with too few latencies."""
        if len(self._latencies_s) < LEAST_LATENCIES:
            return None
        return UNUSUAL_FACTOR * sorted(self._latencies_s)[int(UNUSUAL_SHARE * len(self._latencies_s))]


async def send_with_hedge(send: Callable[[], Awaitable[AttemptResult]], is_straggler: Callable[[], bool]) -> AttemptResult:
    """The result of ``send()``; after ``is_straggler`` returns True, of two requests the first reply.

    ``is_straggler`` is called every few hundredths of a second; when it returns True, it has counted the second request as sent.
    """
    sends = {asyncio.ensure_future(send())}
    try:
        while True:
            done, sends = await asyncio.wait(sends, timeout=LOOK_EVERY_S if len(sends) == 1 else None, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                if ended.result().reply is not None or not sends:
                    return ended.result()
            if not done and len(sends) == 1 and is_straggler():
                sends.add(asyncio.ensure_future(send()))
    finally:
        for late in sends:
            late.cancel()
