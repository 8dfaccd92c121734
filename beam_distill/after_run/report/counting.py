"""Counts of bounded size for any number of values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from hashlib import blake2b
from heapq import heappush, heappushpop
from typing import Generic, TypeVar

Value = TypeVar("Value")

BINS_PER_DECADE = 16
"""Neighbouring bins differ by a seventh, which is just visible."""


class LogHistogram:
    """Counts values by magnitude. Values below one count as one."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self._spans: dict[int, tuple[float, float]] = {}  # smallest and largest value of each bin
        self.total = 0
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        place = math.floor(math.log10(max(value, 1.0)) * BINS_PER_DECADE)
        self.counts[place] = self.counts.get(place, 0) + 1
        low, high = self._spans.get(place, (value, value))
        self._spans[place] = (min(low, value), max(high, value))
        self.total += 1
        self.sum += value

    def quantile(self, share: float) -> float:
        """The value that ``share`` of all values do not exceed, with an even distribution inside a bin; 0 without values."""
        left = share * self.total
        for place in sorted(self.counts):
            count = self.counts[place]
            if left <= count:
                low, high = self._spans[place]
                return low + (high - low) * left / count
            left -= count
        return 0.0

    @property
    def mean(self) -> float:
        """The mean; 0 without values."""
        return self.sum / self.total if self.total else 0.0

    def bars(self) -> tuple[list[float], list[int]]:
        """Edges and counts of neighbouring bins from the smallest to the largest value."""
        if not self.counts:
            return [], []
        places = range(min(self.counts), max(self.counts) + 1)
        return [_edge(place) for place in (*places, places[-1] + 1)], [self.counts.get(place, 0) for place in places]


def _edge(place: float) -> float:
    return float(10 ** (place / BINS_PER_DECADE))


class TimeBins:
    """Sums over time. The steps begin with a quarter second and double when there are more than ``most`` of them."""

    def __init__(self, most: int = 600) -> None:
        self._most = most
        self.step_s = 0.25
        self.sums: dict[int, float] = {}

    def add(self, at_s: float, amount: float = 1.0) -> None:
        """Add to the step that holds this moment."""
        place = math.floor(at_s / self.step_s)
        if place in self.sums:
            self.sums[place] += amount
        else:
            self.sums[place] = amount
            self._coarsen(self._most)

    def coarser(self, most: int) -> TimeBins:
        """The same sums in no more than ``most`` steps."""
        made = TimeBins(most)
        made.step_s, made.sums = self.step_s, dict(self.sums)
        made._coarsen(most)
        return made

    def _coarsen(self, most: int) -> None:
        while self.sums and max(self.sums) - min(self.sums) >= most:
            self.step_s *= 2
            merged: dict[int, float] = {}
            for old, summed in self.sums.items():
                merged[old // 2] = merged.get(old // 2, 0.0) + summed
            self.sums = merged

    def steps(self) -> Iterator[tuple[float, float]]:
        """Start and sum of each step, including empty ones."""
        if self.sums:
            for place in range(min(self.sums), max(self.sums) + 1):
                yield place * self.step_s, self.sums.get(place, 0.0)


class Tally:
    """Counts texts; above ``most`` different ones, new texts are counted together."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self.counts: dict[str, int] = {}
        self.others = 0

    def add(self, text: str) -> None:
        """Count one."""
        if text in self.counts:
            self.counts[text] += 1
        elif len(self.counts) < self._most:
            self.counts[text] = 1
        else:
            self.others += 1

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values()) + self.others

    def top(self, count: int) -> list[tuple[str, int]]:
        """The most frequent, ties by name."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:count]


class FixedSample(Generic[Value]):
    """A sample that does not depend on the order of the values: the keys with the smallest digests stay."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._chosen: list[tuple[int, str]] = []  # largest digest first
        self._values: dict[str, Value] = {}

    def wants(self, key: str) -> bool:
        """Whether a value with this key would stay now."""
        return key in self._values or len(self._chosen) < self._size or _digest(key) < -self._chosen[0][0]

    def offer(self, key: str, value: Value) -> None:
        """Add a value; it replaces one with the same key."""
        if key in self._values:
            self._values[key] = value
            return
        if not self.wants(key):
            return
        entry = (-_digest(key), key)
        if len(self._chosen) < self._size:
            heappush(self._chosen, entry)
        else:
            self._values.pop(heappushpop(self._chosen, entry)[1], None)
        self._values[key] = value

    def values(self) -> list[Value]:
        """The values of the sample, in the order of their keys."""
        return [self._values[key] for key in sorted(self._values)]


def _digest(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")
