"""Rows that wait to be sent: retries before follow-up turns, and those before new rows."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterator

from transforms.teacher.in_progress import RowInProgress


class WaitingRows:
    """Three queues. ``randomness`` chooses a row from another place of the input; ``ask_ahead`` gives a row when all are empty, or None."""

    def __init__(self, randomness: random.Random, ask_ahead: Callable[[], RowInProgress | None] | None = None) -> None:
        self.new: deque[RowInProgress] = deque()
        self.urgent: deque[RowInProgress] = deque()
        self.retries: list[tuple[float, int, RowInProgress]] = []
        self._order = itertools.count()
        self._random = randomness
        self._ask_ahead = ask_ahead

    def __len__(self) -> int:
        return len(self.retries) + len(self.urgent) + len(self.new)

    def __iter__(self) -> Iterator[RowInProgress]:
        yield from (row for _, _, row in self.retries)
        yield from self.urgent
        yield from self.new

    def again(self, row: RowInProgress, at_s: float) -> None:
        """This row may be sent again from ``at_s`` on."""
        heapq.heappush(self.retries, (at_s, next(self._order), row))

    def put_back(self, row: RowInProgress) -> None:
        """A row that was taken cannot leave: it goes first next time."""
        self.urgent.appendleft(row)

    def one_ready(self, now_s: float) -> bool:
        """Whether a row may be sent now; there is room for one."""
        if self.urgent or self.new or (self.retries and self.retries[0][0] <= now_s):
            return True
        ahead = self._ask_ahead() if self._ask_ahead is not None else None
        if ahead is None:
            return False
        self.urgent.append(ahead)
        return True

    def take(self, now_s: float, from_elsewhere: bool) -> RowInProgress:
        """The next row; there must be one. ``from_elsewhere`` prefers a new one from anywhere in the input read so far."""
        if from_elsewhere and self.new:
            place = self._random.randrange(len(self.new))
            row = self.new[place]
            del self.new[place]
            return row
        if self.retries and self.retries[0][0] <= now_s:
            return heapq.heappop(self.retries)[2]
        return self.urgent.popleft() if self.urgent else self.new.popleft()

    def take_hardly_failed(self, failures: int) -> RowInProgress | None:
        """A new row from anywhere in the input read so far, or else one with at most ``failures`` failures; None if there is none."""
        if self.new or self.urgent:
            return self.take(float("-inf"), from_elsewhere=True)
        few = [entry for entry in self.retries if sum(entry[2].failures_by_kind.values()) <= failures]
        if not few:
            return None
        chosen = self._random.choice(few)
        self.retries.remove(chosen)
        heapq.heapify(self.retries)
        return chosen[2]

    def sample(self) -> RowInProgress | None:
        """A row like the next one."""
        return self.urgent[0] if self.urgent else self.new[0] if self.new else None

    def remove_failed(self, unwanted: Callable[[RowInProgress], bool]) -> list[RowInProgress]:
        """Remove the rows that failed and are ``unwanted``."""
        removed = [row for _, _, row in self.retries if unwanted(row)]
        if removed:
            gone = set(removed)
            self.retries = [entry for entry in self.retries if entry[2] not in gone]
            heapq.heapify(self.retries)
        return removed

    def remove(self, unwanted: Callable[[RowInProgress], bool]) -> list[RowInProgress]:
        """Remove the rows that are ``unwanted``."""
        removed = [row for row in self if unwanted(row)]
        gone = set(removed)
        self.retries = [entry for entry in self.retries if entry[2] not in gone]
        heapq.heapify(self.retries)
        self.urgent = deque(row for row in self.urgent if row not in gone)
        self.new = deque(row for row in self.new if row not in gone)
        return removed

    def remove_all(self) -> list[RowInProgress]:
        """Remove all rows."""
        removed = list(self)
        self.retries.clear()
        self.urgent.clear()
        self.new.clear()
        return removed
