"""The parts of the engine that an endpoint uses, as protocols."""

from __future__ import annotations

from collections.abc import Callable
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
"""The endpoint's type; its parts use the protocols without it."""


class Client(Protocol):
    """The client of an endpoint."""

    async def send(self, body: bytes, turn: int, attempts: int, ask: StreamAsk | None = None) -> AttemptResult: ...
    def refresh_credential(self) -> bool: ...
    async def close(self) -> None: ...


class Engine(Protocol):
    """For every part of an endpoint: the waiting rows, the engine's counts and clock. ``template`` makes the rows' bodies."""

    waiting: WaitingRows
    counts: EngineCounts
    budget: Budget
    template: PayloadTemplate
    now_s: Callable[[], float]

    def stop(self, cause: EarlyStop) -> None:
        """Every row would fail: send nothing more."""

    def defect(self, error: BaseException) -> None:
        """An error in our own code."""


class Rows(Engine, Protocol[EndpointT]):
    """The source of an endpoint's rows, and their destination."""

    def ended(self, endpoint: EndpointT, attempt: Attempt, result: AttemptResult, now_s: float) -> None:
        """An attempt ended, in whatever way."""

    def dropped(self, row: RowInProgress) -> None:
        """The row is no longer on the wire, and its attempt did not end: everything is being cancelled."""

    def give_up(self, row: RowInProgress, failure: RequestFailure, body: bytes) -> None:
        """The row failed by itself and is not sent again."""


class Neighbours(Protocol[EndpointT]):
    """The other endpoints of the session, if any."""

    def fill(self) -> None:
        """Send every row that may leave, to any endpoint."""

    def another_is_open(self, endpoint: EndpointT) -> bool:
        """Whether another endpoint accepts rows now."""

    def overflows(self, now_s: float) -> bool:
        """Whether all endpoints except the overflow are full now."""

    def lost(self, endpoint: EndpointT, stop: EarlyStop, kind: FailureKind) -> EarlyStop | None:
        """This endpoint alone would stop the run with ``stop``, for a failure of ``kind``. Returns an EarlyStop when none is left."""

    def found(self, endpoint: EndpointT) -> None:
        """This endpoint answers again."""
