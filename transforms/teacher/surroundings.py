"""What an endpoint sees of the rest of the engine."""

from __future__ import annotations

from typing import Protocol, TypeVar

from transforms.elements.failures import EarlyStop, FailureKind, RequestFailure
from transforms.teacher.budget import Budget
from transforms.teacher.client import AttemptResult
from transforms.teacher.engine_counts import EngineCounts
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.stream_spec import StreamAsk
from transforms.teacher.traffic import Attempt
from transforms.teacher.waiting import WaitingRows

EndpointT = TypeVar("EndpointT", contravariant=True)
"""The endpoint that sees these surroundings; its parts take them without knowing it."""


class Client(Protocol):
    """What an endpoint needs of a client."""

    async def send(self, body: bytes, turn: int, attempts: int, ask: StreamAsk | None = None) -> AttemptResult: ...
    def refresh_credential(self) -> bool: ...
    async def close(self) -> None: ...


class Engine(Protocol):
    """What every part of an endpoint sees: the rows that wait, and what the engine counts. ``template`` makes the rows' bodies."""

    waiting: WaitingRows
    counts: EngineCounts
    budget: Budget
    template: PayloadTemplate

    def stop(self, cause: EarlyStop) -> None:
        """No row would fare better: send nothing more."""

    def defect(self, error: BaseException) -> None:
        """A fault of ours."""


class Rows(Engine, Protocol[EndpointT]):
    """Where the rows of an endpoint come from, and where they go."""

    def ended(self, endpoint: EndpointT, attempt: Attempt, result: AttemptResult, now_s: float) -> None:
        """An attempt ended, in whatever way."""

    def dropped(self, row: RowInProgress) -> None:
        """The row is on the wire no more, nor did its attempt end: everything is being given up."""

    def give_up(self, row: RowInProgress, failure: RequestFailure, body: bytes) -> None:
        """The row failed by itself and is sent no more."""


class Neighbours(Protocol[EndpointT]):
    """The other endpoints of the session, where there are any."""

    def fill(self) -> None:
        """Let every row leave that may, to whichever."""

    def another_is_open(self, endpoint: EndpointT) -> bool:
        """Whether rows go to another one meanwhile."""

    def overflows(self, now_s: float) -> bool:
        """Whether all that are not for the overflow take no more now."""

    def lost(self, endpoint: EndpointT, stop: EarlyStop, kind: FailureKind) -> EarlyStop | None:
        """This endpoint alone would stop the run with ``stop``, for a failure of ``kind``. An EarlyStop when none is left."""

    def found(self, endpoint: EndpointT) -> None:
        """This endpoint answers."""
