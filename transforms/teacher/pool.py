"""The endpoints of one session: the choice for each row, and the loss of one of them.

Each has its own limit, pace and health. A row goes to an endpoint with room. An endpoint that is throttled or out costs only its share, and is
tried again as long as others work. The run stops only when none is left. With one endpoint there is no choice.
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

REFUSALS_OF_ONE_ROW = 4  # enough to distinguish a refusal from a chance failure with a single row
ELSEWHERE_AFTER_S = 0.3
"""A row that failed at one endpoint waits at most this long while another is open: the endpoint's requested wait applies only to itself."""


class Pool:
    """One client for each of ``spec.members``, in their order. Every method runs on its event loop."""

    def __init__(self, spec: ScoringSpec, clients: Sequence[Client], rows: Rows[Endpoint], randomness: random.Random) -> None:
        members = zip(spec.members, clients, strict=True)
        self._endpoints = [Endpoint(spec, member, client, rows, self, randomness) for member, client in members]
        self._regular = [endpoint for endpoint in self._endpoints if not endpoint.member.overflow]
        self._lost: dict[Endpoint, EarlyStop] = {}
        self._alarm = Alarm(self.fill)

    @property
    def limit(self) -> int:
        """Requests that may be on the wire, over all endpoints that are not out."""
        return sum(endpoint.limit for endpoint in self._endpoints if endpoint not in self._lost)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The fields that at least one refuses (``adaptation``)."""
        return tuple(dict.fromkeys(name for endpoint in self._endpoints for name in endpoint.left_out))

    def states(self) -> tuple[EndpointState, ...]:
        """The state of each."""
        return tuple(endpoint.state() for endpoint in self._endpoints)

    def fill(self) -> None:
        """Send every row that may leave, each to the endpoint with the lowest load for its limit and weight."""
        if len(self._endpoints) == 1:
            self._endpoints[0].fill()
            return
        ready = list(self._endpoints)
        while ready:
            endpoint = min(ready, key=Endpoint.load)
            if not endpoint.fill_one():
                ready.remove(endpoint)

    def wake(self, delay_s: float) -> None:
        """In ``delay_s`` seconds a failed row may go to another endpoint, which may be idle."""
        if len(self._endpoints) > 1:
            self._alarm.set(delay_s)

    def look(self, now_s: float) -> None:
        """Work that depends only on time."""
        for endpoint in self._endpoints:
            endpoint.look(now_s)

    def stop(self) -> None:
        """Send nothing more; requests on the wire continue."""
        for endpoint in self._endpoints:
            endpoint.stop()

    def cancel(self) -> None:
        """Cancel the requests on the wire."""
        for endpoint in self._endpoints:
            endpoint.cancel()

    async def close(self) -> None:
        """Cancel the requests on the wire and close the connections."""
        self._alarm.cancel()
        await asyncio.gather(*(endpoint.close() for endpoint in self._endpoints))

    # rows

    def wait_s(self, endpoint: Endpoint, wait_s: float) -> float:
        """How long a row that failed here waits, if this endpoint asks for ``wait_s``."""
        return min(wait_s, ELSEWHERE_AFTER_S) if self.another_is_open(endpoint) else wait_s

    def refuses_by_itself(self, endpoint: Endpoint, row: RowInProgress, kind: FailureKind) -> bool:
        """Whether this endpoint's refusal does not count against the row yet: it is sent again, here or elsewhere.

        A content filter's refusal always counts: the row never goes to the next endpoint.
        """
        seen = row.failures_by_kind[kind]
        if kind in REFUSAL:
            return seen < REFUSALS_OF_ONE_ROW * len(self._endpoints)
        # an endpoint that never answered a row may refuse all because of its settings
        return kind in ROW_REFUSAL and not endpoint.answers_rows and self.another_is_open(endpoint) and seen < len(self._endpoints)

    # called by endpoints about the others

    def another_is_open(self, endpoint: Endpoint) -> bool:
        """Whether another endpoint accepts rows now."""
        return len(self._endpoints) > 1 and any(other.is_open for other in self._endpoints if other is not endpoint)

    def overflows(self, now_s: float) -> bool:
        """Whether all endpoints except the overflow are full now."""
        return all(endpoint.takes_no_more(now_s) for endpoint in self._regular)

    def lost(self, endpoint: Endpoint, stop: EarlyStop, kind: FailureKind) -> EarlyStop | None:
        """This endpoint alone would stop the run with ``stop``, for a failure of ``kind``. Returns an EarlyStop when none is left."""
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
            log.warning("%s is not used again, the other endpoints continue: %s", endpoint.member.name, stop.detail)
        elif before is None:
            log.warning("%s is out, the other endpoints continue and it is tried again from time to time: %s", endpoint.member.name, stop.detail)
        return None

    def found(self, endpoint: Endpoint) -> None:
        """This endpoint answers again."""
        self._lost.pop(endpoint, None)
