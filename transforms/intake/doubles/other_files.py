"""The rows of other files that must not be among the rows of a job, such as the test sets that the student will be measured with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.elements.flow import Row
from transforms.elements.rows import TrainingRow
from transforms.intake.doubles.seen_rows import Near, SeenRows
from transforms.intake.doubles.sketches import Sketcher, Sketches
from transforms.intake.doubles.words import Words

WORDS_IN_COMMON = 13
"""Equal words in a row that are not equal by chance: the bound that was used for the test sets of GPT-3."""
_ROWS_AT_ONCE = 200
_MARKS = 1 << 24


class References(NamedTuple):
    """``runs``: every 13 words in a row as a number, in order, and ``rows`` the first row with each; ``marks`` says of most other numbers
    that they are not there, in one look."""

    seen: SeenRows
    runs: NDArray[np.uint64]
    rows: NDArray[np.uint32]
    marks: NDArray[np.bool_]

    def overlaps(self, words: Words) -> list[int]:
        """For each prompt the row that has 13 of its words in a row, -1 without one."""
        numbers, bounds = words.groups(WORDS_IN_COMMON)
        found = [-1] * len(words.counts)
        marked = np.flatnonzero(self.marks[numbers % _MARKS])
        if len(marked) and len(self.runs):
            places = np.minimum(np.searchsorted(self.runs, numbers[marked]), len(self.runs) - 1)
            is_there = self.runs[places] == numbers[marked]
            prompt_of = np.searchsorted(bounds, marked[is_there], side="right") - 1
            for prompt, place in zip(prompt_of.tolist()[::-1], places[is_there].tolist()[::-1], strict=True):
                found[prompt] = int(self.rows[place])
        return found

    def near(self, sketches: Sketches) -> Near:
        """For each prompt the first similar row. System messages are not compared."""
        return self.seen.find_near(sketches.keys, sketches.signatures)


def references_in(rows: Iterable[Row], sketcher: Sketcher, least_similarity: float) -> References:
    """All of the rows, about 8 bytes a word; those that cannot be read are passed over."""
    seen = SeenRows(True, least_similarity)
    runs, owners = [np.empty(0, np.uint64)], [np.empty(0, np.uint32)]
    usable = [row for row in rows if isinstance(row, TrainingRow)]
    for begin in range(0, len(usable), _ROWS_AT_ONCE):
        some = usable[begin : begin + _ROWS_AT_ONCE]
        words = sketcher.words(some)
        numbers, bounds = words.groups(WORDS_IN_COMMON)
        runs.append(numbers)
        owners.append(np.repeat(np.arange(begin, begin + len(some), dtype=np.uint32), np.diff(bounds)))
        seen.add(sketcher.sketches(some, words), [row.origin for row in some])
    different, firsts = np.unique(np.concatenate(runs), return_index=True)
    marks = np.zeros(_MARKS, bool)
    marks[different % _MARKS] = True
    return References(seen, different, np.concatenate(owners)[firsts], marks)
