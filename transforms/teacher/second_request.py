"""The second request for a straggler: when it is sent, and how it is counted."""

from __future__ import annotations

from transforms.teacher.budget import Reservation
from transforms.teacher.client import AttemptResult
from transforms.teacher.hedge import StragglerClock, send_with_hedge
from transforms.teacher.surroundings import Client, Engine
from transforms.teacher.traffic import Attempt, Traffic


class SecondRequests:
    """The second requests to one endpoint."""

    def __init__(self, client: Client, engine: Engine, traffic: Traffic) -> None:
        self._client = client
        self._engine = engine
        self._traffic = traffic
        self._clock = StragglerClock()
        self._now = engine.now_s
        self.stopped = False
        """Set it when nothing more may be sent."""

    def answered(self, latency_s: float) -> None:
        """One more answer, with its latency."""
        self._clock.answered(latency_s)

    async def send(self, attempt: Attempt) -> AttemptResult:
        """The first result of the attempt and of a second one, which is sent if the first is a straggler and there is room."""
        row, engine, traffic = attempt.row, self._engine, self._traffic
        second: Reservation | None = None

        def is_straggler() -> bool:
            nonlocal second
            after_s = self._clock.straggler_after_s
            quiet = not engine.waiting and not traffic.is_full
            if self.stopped or after_s is None or not quiet or self._now() - attempt.sent_s < after_s:
                return False
            second = engine.budget.reserve(len(row.body))
            if second is None:
                return False
            engine.counts.sent(row.sent(self._now()))
            engine.counts.leaves()
            traffic.in_flight += 1
            return True

        try:
            return await send_with_hedge(lambda: self._client.send(attempt.body, row.turn, row.attempts_of_turn, attempt.ask), is_straggler)
        finally:
            if second is not None:  # the slower of the two was on the wire too
                engine.budget.settle(second, len(row.body), None)
                traffic.in_flight -= 1
                engine.counts.in_flight -= 1
