"""Computes progress, rates, time left and cost from the totals of several moments."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from beam_distill.job.prices import Prices
from beam_distill.work_dir.reading import Reading

WINDOW_S = 30.0
"""Rates cover this last period: a shorter one is unsteady, a longer one shows the past."""
SETTLED_S = 3.0


@dataclass(frozen=True, slots=True)
class SplitProgress:
    """The progress of one split. ``total`` is None before it is known; then ``read`` is a lower bound."""

    name: str
    done: int
    read: int
    total: int | None

    @property
    def share(self) -> float | None:
        """Done of total, 0 to 1."""
        if self.total is None:
            return None
        return min(1.0, self.done / self.total) if self.total else 1.0


@dataclass(frozen=True, slots=True)
class ProgressView:
    """One moment of a run, ready for display.

    Rates are per second; the rate of rows covers those sent to the teacher if there are any. ``left_s`` and costs are None
    if unknown.
    """

    elapsed_s: float
    splits: tuple[SplitProgress, ...]
    reading: Reading
    rows_per_s: float
    prompt_tokens_per_s: float
    completion_tokens_per_s: float
    left_s: float | None
    cost: str | None
    expected_cost: str | None
    cost_remark: str

    @property
    def rejects(self) -> int | None:
        """Rows without an example so far; None if unknown."""
        return None if self.reading.rejects is None else sum(self.reading.rejects.values())


class Tracker:
    """Keeps the readings of the last period. ``splits`` are the names in display order."""

    def __init__(self, splits: tuple[str, ...], prices: Prices | None = None) -> None:
        self._splits = splits
        self._prices = prices
        self._recent: deque[tuple[float, Reading]] = deque([(0.0, Reading())])

    def view(self, elapsed_s: float, reading: Reading, totals: dict[str, int], stopping: bool = False) -> ProgressView:
        """Add a reading and return its view. ``totals`` are the row counts of the counted splits; a run that is ``stopping``
        sends nothing more, so there is no prediction."""
        self._recent.append((elapsed_s, reading))
        while len(self._recent) > 2 and self._recent[1][0] < elapsed_s - WINDOW_S:
            self._recent.popleft()
        since_s, before = self._recent[0]
        span_s = max(elapsed_s - since_s, 1e-9)
        done, read = reading.rows_done, reading.rows_read
        splits = tuple(SplitProgress(name, done.get(name, 0), read.get(name, 0), totals.get(name)) for name in self._splits)
        # rows that the ledger answers pass at once, so they do not show how long the others take
        asked = reading.rows_scored - before.rows_scored
        rows_per_s = (asked or sum(done.values()) - sum(before.rows_done.values())) / span_s
        left_s = expected = None
        if not stopping and all(split.total is not None for split in splits):
            rows_left = sum(max(0, (split.total or 0) - split.done) for split in splits)
            if rows_left and rows_per_s > 0 and elapsed_s >= SETTLED_S:
                left_s = rows_left / rows_per_s
            if self._prices is not None and reading.rows_scored >= 10:
                so_far = self._prices.cost(reading.usage)
                expected = self._prices.amount(so_far * (1 + rows_left / reading.rows_scored))
        return ProgressView(
            elapsed_s,
            splits,
            reading,
            rows_per_s,
            (reading.usage.prompt - before.usage.prompt) / span_s,
            (reading.usage.completion - before.usage.completion) / span_s,
            left_s,
            None if self._prices is None else self._prices.amount(self._prices.cost(reading.usage)),
            expected,
            "" if self._prices is None else self._prices.remark,
        )
