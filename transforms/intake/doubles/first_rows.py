"""The first row with a number, for many rows: 8 to 12 bytes for each number."""

from __future__ import annotations

from mmap import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
_GROWS = 4
"""A run is joined with the one before it unless that is this many times as long, so there are few and each number moves seldom."""
_SMALL_BYTES = 256 * 1024
"""Arrays below it stay on the heap: new pages for each cost more than the holes."""


class _Run:
    """Numbers in order without repeats, and the first row of each."""

    def __init__(self, numbers: NDArray[Any], rows: NDArray[np.uint32]) -> None:
        self.numbers = numbers
        self.rows = rows

    def find(self, numbers: NDArray[Any], found: Rows) -> None:
        """Fill in the rows of numbers that are here; ``found`` has -1 for numbers that were not found yet."""
        places = np.searchsorted(self.numbers, numbers)
        places[places == len(self.numbers)] = 0
        here = self.numbers[places] == numbers
        found[here] = self.rows[places[here]]

    def joined(self, other: _Run) -> _Run:
        """Both in one; they have no number in common."""
        places = np.searchsorted(self.numbers, other.numbers) + np.arange(len(other.numbers))
        is_own = np.ones(len(self.numbers) + len(other.numbers), bool)
        is_own[places] = False
        return _Run(_spread(self.numbers, other.numbers, places, is_own), _spread(self.rows, other.rows, places, is_own))


def _spread(own: NDArray[Any], others: NDArray[Any], places: Rows, is_own: NDArray[np.bool_]) -> NDArray[Any]:
    both = _pages(len(is_own), own.dtype)
    both[is_own] = own
    both[places] = others
    return both


def _pages(count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array in its own memory pages: on the heap, arrays that are replaced by longer ones leave holes that nothing fits into."""
    size_bytes = count * dtype.itemsize
    return np.empty(count, dtype) if size_bytes < _SMALL_BYTES else np.frombuffer(mmap(-1, size_bytes), dtype)


class FirstRows:
    """A mapping of numbers to rows, in sorted arrays: a hash table of the same numbers takes up to twice the memory."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def find(self, numbers: NDArray[Any]) -> Rows:
        """The first row of each number, -1 for one that no row has."""
        different, places = np.unique(numbers, return_inverse=True)
        return self._find(different)[places]

    def add(self, numbers: NDArray[Any], first_row: int) -> Rows:
        """Add the numbers of the next rows, from ``first_row`` on. Returns the first row of each, which may be the row itself."""
        different, firsts, places = np.unique(numbers, return_index=True, return_inverse=True)
        found = self._find(different)
        is_new = found < 0
        found[is_new] = firsts[is_new] + first_row
        if is_new.any():
            self._append(_Run(different[is_new], found[is_new].astype(np.uint32)))
        return found[places]

    def _find(self, different: NDArray[Any]) -> Rows:
        found = np.full(len(different), -1, np.int64)
        for run in self._runs:
            run.find(different, found)
        return found

    def _append(self, run: _Run) -> None:
        while self._runs and len(self._runs[-1].numbers) < _GROWS * len(run.numbers):
            run = self._runs.pop().joined(run)
        self._runs.append(run)
