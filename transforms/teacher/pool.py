"""The endpoints of one session: where a row goes, and what it means that one of them is lost.

Each has its own limit, pace and health. A row goes where there is room; one that is throttled or out costs its share and no more, and is asked
again for as long as others work. Only when none is left does the run stop. With one endpoint there is nothing to choose.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence

from transforms.elements.failures import REFUSAL, ROW_REFUSAL, EarlyStop, FailureKind, StopCause
from transforms.teacher.endpoint import Endpoint
from transforms.teacher.engine_counts import EndpointState
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.slots import Alarm
from transforms.teacher.specs import ScoringSpec
from transforms.teacher.surroundings import Client, Rows

log = logging.getLogger("beam_distill.teacher")

REFUSALS_OF_ONE_ROW = 4  # one row alone must be enough to distinguish a refusal from a hiccup
ELSEWHERE_AFTER_S = 0.3
"""What one endpoint failed waits no longer than this while another is open: the wait that it asked for is its own."""


class Pool:
    """One client for each of ``spec.members``, in their order. Every method runs on the event loop it was made for."""

    def __init__(self, spec: ScoringSpec, clients: Sequence[Client], rows: Rows[Endpoint], randomness: random.Random) -> None:
        members = zip(spec.members, clients, strict=True)
        self._endpoints = [Endpoint(spec, member, client, rows, self, randomness) for member, client in members]
        self._regular = [endpoint for endpoint in self._endpoints if not endpoint.member.overflow]
        self._lost: dict[Endpoint, EarlyStop] = {}
        self._alarm = Alarm(self.fill)

    @property
    def limit(self) -> int:
        """Requests that may be on the wire, to those that are not out."""
        return sum(endpoint.limit for endpoint in self._endpoints if endpoint not in self._lost)

    @property
    def questions_asked(self) -> int:
        """How often any was asked a question of our own."""
        return sum(endpoint.questions_asked for endpoint in self._endpoints)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What at least one does not take (``adaptation``)."""
        return tuple(dict.fromkeys(name for endpoint in self._endpoints for name in endpoint.left_out))

    def states(self) -> tuple[EndpointState, ...]:
        """What each is doing."""
        return tuple(endpoint.state() for endpoint in self._endpoints)

    def fill(self) -> None:
        """Let every row leave that may: one after another to where the least is on the wire for its limit and weight."""
        if len(self._endpoints) == 1:
            self._endpoints[0].fill()
            return
        ready = list(self._endpoints)
        while ready:
            endpoint = min(ready, key=Endpoint.load)
            if not endpoint.fill_one():
                ready.remove(endpoint)

    def wake(self, delay_s: float) -> None:
        """A row may leave in ``delay_s`` seconds that an endpoint failed: to another, which may have been idle."""
        if len(self._endpoints) > 1:
            self._alarm.set(delay_s)

    def look(self, now_s: float) -> None:
        """What only the passing of time brings about."""
        for endpoint in self._endpoints:
            endpoint.look(now_s)

    def stop(self) -> None:
        """Send nothing more; what is on the wire goes on."""
        for endpoint in self._endpoints:
            endpoint.stop()

    def cancel(self) -> None:
        """Give up what is on the wire."""
        for endpoint in self._endpoints:
            endpoint.cancel()

    async def close(self) -> None:
        """Give up what is on the wire and close the connections."""
        self._alarm.cancel()
        await asyncio.gather(*(endpoint.close() for endpoint in self._endpoints))

    # rows

    def wait_s(self, endpoint: Endpoint, wait_s: float) -> float:
        """How long a row waits that this endpoint failed and that has to wait ``wait_s`` for it."""
        return min(wait_s, ELSEWHERE_AFTER_S) if self.another_is_open(endpoint) else wait_s

    def refuses_by_itself(self, endpoint: Endpoint, row: RowInProgress, kind: FailureKind) -> bool:
        """Whether this endpoint's latest refusal of the row says nothing of the row yet: it is sent again, to it or another.

        What a content filter refuses is refused by this row: that is never asked of the next.
        """
        seen = row.failures_by_kind[kind]
        if kind in REFUSAL:
            return seen < REFUSALS_OF_ONE_ROW * len(self._endpoints)
        # an endpoint that never answered a row may refuse them all for its own settings
        return kind in ROW_REFUSAL and not endpoint.answers_rows and self.another_is_open(endpoint) and seen < len(self._endpoints)

    # what endpoints ask about the others

    def another_is_open(self, endpoint: Endpoint) -> bool:
        """Whether rows go to another one meanwhile."""
        return len(self._endpoints) > 1 and any(other.is_open for other in self._endpoints if other is not endpoint)

    def overflows(self, now_s: float) -> bool:
        """Whether all that are not for the overflow take no more now."""
        return all(endpoint.takes_no_more(now_s) for endpoint in self._regular)

    def lost(self, endpoint: Endpoint, stop: EarlyStop, kind: FailureKind) -> EarlyStop | None:
        """This endpoint alone would stop the run with ``stop``, for a failure of ``kind``. An EarlyStop when none is left."""
        if len(self._endpoints) == 1:
            return stop
        before = self._lost.get(endpoint)
        if before is not None and before.cause is StopCause.ENDPOINT_REFUSED:
            return None
        self._lost[endpoint] = stop
        if len(self._lost) == len(self._endpoints):
            return EarlyStop(stop.cause, "none of the endpoints is left. " + " ".join(lost.detail for lost in self._lost.values()))
        if stop.cause is StopCause.ENDPOINT_REFUSED:
            endpoint.take_out(kind)
            log.warning("%s is used no more, the other endpoints go on: %s", endpoint.member.name, stop.detail)
        elif before is None:
            log.warning("%s is out, the other endpoints go on and it is asked again now and then: %s", endpoint.member.name, stop.detail)
        return None

    def found(self, endpoint: Endpoint) -> None:
        """This endpoint answers."""
        self._lost.pop(endpoint, None)
