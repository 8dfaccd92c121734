"""All rows before a row, and which of them it doubles, in about 130 bytes a row."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.elements.rows import RowOrigin
from transforms.intake.doubles.first_rows import FirstRows, Rows
from transforms.intake.doubles.sketches import BANDS, SIGNATURE_BYTES, Keys, Signatures, Sketches, similarities

_BLOCK_ROWS = 16 * 1024
"""Signatures in a block. Blocks are never moved in memory."""


class Near(NamedTuple):
    """For each of some rows the first similar one, -1 without one, and how similar it is."""

    rows: Rows
    similarities: NDArray[np.float64]


class SeenRows:
    """The rows of a split in reading order, numbered from 0.

    A row's double is the first row with the same digest. Its near double is the first similar one among, for each of its keys, the first
    row that has this key. So the answer for a row depends on the rows before it alone, not on what was decided about these. ``is_near``:
    near doubles are looked for; without it only digests are kept.
    """

    def __init__(self, is_near: bool, least_similarity: float) -> None:
        self._is_near = is_near
        self._least_similarity = least_similarity
        self._digests = FirstRows()
        self._keys = [FirstRows() for _ in range(BANDS)]
        self._signatures = _Signatures()
        self._files: list[str] = []
        self._first_of_file: list[int] = []
        self._lines = array("I")

    def __len__(self) -> int:
        return len(self._lines)

    def place(self, row: int) -> tuple[str, int]:
        """The file and line of a row."""
        return self._files[bisect_right(self._first_of_file, row) - 1], self._lines[row]

    def add(self, sketches: Sketches, origins: Sequence[RowOrigin]) -> tuple[Rows, Near]:
        """Add the next rows. Returns for each the first row before it with the same digest (-1 without one), and the first similar one."""
        begin = len(self)
        own = np.arange(begin, begin + len(origins))
        for row, origin in enumerate(origins, begin):
            if not self._files or self._files[-1] != origin.file:
                self._files.append(origin.file)
                self._first_of_file.append(row)
            self._lines.append(origin.line)
        exact = self._digests.add(sketches.digests, begin)
        exact[exact == own] = -1
        if not self._is_near:
            return exact, _nothing_near(len(own))
        self._signatures.add(sketches.signatures)
        leaders = np.stack([first.add(sketches.keys[:, band], begin) for band, first in enumerate(self._keys)], axis=1)
        leaders[leaders == own[:, None]] = -1
        return exact, self._similar(leaders, sketches.signatures)

    def find_exact(self, sketches: Sketches) -> Rows:
        """The first of the rows with the same digest, for each of other rows; -1 without one."""
        return self._digests.find(sketches.digests)

    def find_near(self, keys: Keys, signatures: Signatures) -> Near:
        """The first similar one of the rows, for each of other rows."""
        leaders = np.stack([first.find(keys[:, band]) for band, first in enumerate(self._keys)], axis=1)
        return self._similar(leaders, signatures)

    def _similar(self, leaders: Rows, signatures: Signatures) -> Near:
        near = _nothing_near(len(leaders))
        rows, bands = np.nonzero(leaders >= 0)
        if not len(rows):
            return near
        pairs = np.unique(np.stack([rows, leaders[rows, bands]], axis=1), axis=0)[::-1]  # of several, the first is written last
        found = similarities(signatures[pairs[:, 0]], self._signatures.of(pairs[:, 1]))
        is_similar = found >= self._least_similarity
        near.rows[pairs[is_similar, 0]] = pairs[is_similar, 1]
        near.similarities[pairs[is_similar, 0]] = found[is_similar]
        return near


def _nothing_near(count: int) -> Near:
    return Near(np.full(count, -1, np.int64), np.zeros(count))


class _Signatures:
    def __init__(self) -> None:
        self._blocks: list[Signatures] = []
        self._count = 0

    def add(self, signatures: Signatures) -> None:
        while len(signatures):
            place = self._count % _BLOCK_ROWS
            if not place:
                self._blocks.append(np.empty((_BLOCK_ROWS, SIGNATURE_BYTES), np.uint8))
            some = signatures[: _BLOCK_ROWS - place]
            self._blocks[-1][place : place + len(some)] = some
            self._count += len(some)
            signatures = signatures[len(some) :]

    def of(self, rows: Rows) -> Signatures:
        return np.stack([self._blocks[row // _BLOCK_ROWS][row % _BLOCK_ROWS] for row in rows.tolist()])
