"""The totals of a scoring engine since its start: one value, which can be merged over engines and stored as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from transforms.elements.usage import Usage


@dataclass(frozen=True, slots=True)
class EngineTotals:
    """Totals of one engine, or the sum of several.

    ``rows`` counts the rows that came out finished, per split; ``given_up`` those of them without an answer. ``requests`` counts attempts,
    ``retries`` those after a request's first, ``failures`` failed ones by kind.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    given_up: int = 0
    requests: int = 0
    answers: int = 0
    usage: Usage = Usage()
    retries: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)

    def plus(self, other: EngineTotals) -> EngineTotals:
        """The sum of both."""
        return EngineTotals(
            _sum(self.rows, other.rows),
            self.given_up + other.given_up,
            self.requests + other.requests,
            self.answers + other.answers,
            self.usage.plus(other.usage),
            self.retries + other.retries,
            _sum(self.failures, other.failures),
        )

    def fields(self) -> dict[str, Any]:
        """The totals as JSON fields."""
        return asdict(self)

    @staticmethod
    def from_fields(fields: Mapping[str, Any]) -> EngineTotals:
        """The inverse of ``fields()``. Raises KeyError or TypeError for anything else."""
        return EngineTotals(**{**fields, "usage": Usage(*fields["usage"])})


def total_of(engines: Iterable[EngineTotals]) -> EngineTotals:
    """The sum of all."""
    total = EngineTotals()
    for engine in engines:
        total = total.plus(engine)
    return total


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
