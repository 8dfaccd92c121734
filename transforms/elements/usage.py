"""Tokens of answers, and their cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Usage(NamedTuple):
    """Tokens of one answer, or sums of many. ``cached`` is the part of ``prompt`` from the endpoint's cache, ``reasoning`` the part
    of ``completion`` before the answer; 0 if an endpoint does not report them."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """All tokens; the parts are not counted twice."""
        return self.prompt + self.completion

    def plus(self, other: Usage) -> Usage:
        """The sum of both."""
        return Usage(
            self.prompt + other.prompt, self.completion + other.completion, self.cached + other.cached, self.reasoning + other.reasoning
        )

    def times(self, factor: float) -> Usage:
        """The tokens times a factor."""
        return Usage(*(round(count * factor) for count in self))


def sum_of(usages: Iterable[Usage]) -> Usage:
    """The sum of all of them."""
    total = Usage()
    for usage in usages:
        total = total.plus(usage)
    return total


class Spending(NamedTuple):
    """Requests that reached the teacher, and their tokens."""

    requests: int = 0
    usage: Usage = Usage()

    def plus(self, other: Spending) -> Spending:
        """The sum of both."""
        return Spending(self.requests + other.requests, self.usage.plus(other.usage))


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """Prices of a million tokens, None if not given. Cached input without a price costs as much as input, reasoning as much as output."""

    per_million_in: float | None = None
    per_million_out: float | None = None
    per_million_cached: float | None = None
    per_million_reasoning: float | None = None

    def cost(self, usage: Usage) -> float:
        """The cost of these tokens; tokens without a price cost nothing."""
        prompt, completion, cached, reasoning = usage
        per_in, per_out = self.per_million_in or 0.0, self.per_million_out or 0.0
        per_cached = per_in if self.per_million_cached is None else self.per_million_cached
        per_reasoning = per_out if self.per_million_reasoning is None else self.per_million_reasoning
        cost_in = (prompt - cached) * per_in + cached * per_cached
        return (cost_in + (completion - reasoning) * per_out + reasoning * per_reasoning) / 1e6
