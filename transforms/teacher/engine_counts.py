"""The engine's counts, and their snapshot for progress and reports."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.engine_totals import EngineTotals
from transforms.elements.failures import FailureKind
from transforms.elements.replies import TeacherReply
from transforms.elements.rows import Split
from transforms.elements.usage import Usage


@dataclass(frozen=True, slots=True)
class EndpointState:
    """The state of one endpoint. ``answers`` counts rows' answers since the session began; ``refused_for``: why it is no longer used."""

    name: str
    in_flight: int
    limit: int
    answers: int
    is_open: bool
    refused_for: FailureKind | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the engine at one moment, for progress and reports. Counts are totals since the session began.

    ``retries`` counts attempts after a request's first; ``rows`` finished rows, per split; ``given_up`` the rows among them without an
    answer; ``failures`` failed attempts by kind. ``left_out`` names the fields that the teacher refuses (``adaptation``).
    """

    in_flight: int
    limit: int
    waiting: int
    backing_off: int
    requests: int
    answers: int
    throttled: int
    peak_in_flight: int
    usage: Usage = Usage()
    retries: int = 0
    rows: tuple[tuple[str, int], ...] = ()
    failures: tuple[tuple[str, int], ...] = ()
    given_up: int = 0
    left_out: tuple[str, ...] = ()
    endpoints: tuple[EndpointState, ...] = ()
    judge: Snapshot | None = None

    @property
    def totals(self) -> EngineTotals:
        """The totals since the session began."""
        return EngineTotals(dict(self.rows), self.given_up, self.requests, self.answers, self.usage, self.retries, dict(self.failures))

    @property
    def in_short(self) -> dict[str, int]:
        """What progress shows of a judge, as JSON fields."""
        waiting = self.waiting + self.backing_off
        return {"answers": self.answers, "throttled": self.throttled, "in_flight": self.in_flight, "limit": self.limit, "waiting": waiting}


class EngineCounts:
    """Totals since the session began. Read from other threads while the loop writes."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.requests = 0
        self.answers = 0
        self.throttled = 0
        self.peak_in_flight = 0
        self.usage = Usage()
        self.retries = 0
        self.given_up = 0
        self._delivered = dict.fromkeys(Split, 0)
        self._failures: dict[FailureKind, int] = {}

    def leaves(self) -> None:
        """A row's request goes onto the wire."""
        self.in_flight += 1
        if self.in_flight > self.peak_in_flight:
            self.peak_in_flight = self.in_flight

    def sent(self, is_retry: bool) -> None:
        """A request was sent, for the first time or again."""
        self.requests += 1
        self.retries += is_retry

    def answered(self, reply: TeacherReply) -> None:
        """A request was answered."""
        self.answers += 1
        self.usage = self.usage.plus(reply.usage)

    def failed(self, kind: FailureKind) -> None:
        """An attempt failed."""
        self._failures[kind] = self._failures.get(kind, 0) + 1
        self.throttled += kind is FailureKind.THROTTLED

    def finished(self, split: Split, given_up: bool) -> None:
        """A row finished, not because of an early stop."""
        self._delivered[split] += 1
        self.given_up += given_up

    def snapshot(self, limit: int, waiting: int, backing_off: int, left_out: tuple[str, ...], endpoints: tuple[EndpointState, ...]) -> Snapshot:
        """The state of this moment."""
        return Snapshot(
            self.in_flight,
            limit,
            waiting,
            backing_off,
            self.requests,
            self.answers,
            self.throttled,
            self.peak_in_flight,
            self.usage,
            self.retries,
            tuple([(split.value, count) for split, count in self._delivered.items()]),
            tuple([(kind.value, count) for kind, count in list(self._failures.items())]),
            self.given_up,
            left_out,
            endpoints,
        )
