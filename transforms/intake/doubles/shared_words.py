"""The words that all prompts of a job begin and end with: its instructions. Two prompts are not alike because of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np

from transforms.elements.flow import Row
from transforms.elements.rows import TrainingRow
from transforms.intake.doubles.asked_text import compared_text
from transforms.intake.doubles.words import Numbers, WordNumbers, Words, joined

ROWS_LOOKED_AT = 100
"""More would be no surer of what all rows share, and every process reads them."""
FEWEST_PROMPTS = 10
"""Of fewer different prompts it is not known what is the instruction and what is the question."""
_NONE = np.empty(0, np.uint64)


class SharedWords(NamedTuple):
    """The words at the begin and at the end of every prompt."""

    first: Numbers = _NONE
    last: Numbers = _NONE

    def left_out_of(self, words: Words) -> Words:
        """The other words of each prompt; its own again if there are no others."""
        if not len(self.first) and not len(self.last):
            return words
        return joined([self._others(words.numbers[begin:end]) for begin, end in pairwise(words.bounds.tolist())])

    def _others(self, own: Numbers) -> Numbers:
        first, last = len(self.first), len(self.last)
        begin = first if np.array_equal(own[:first], self.first) else 0
        end = len(own) - (last if np.array_equal(own[len(own) - last :], self.last) else 0)
        return own[begin:end] if begin < end else own


def shared_words(rows: Iterable[Row], several_turns: bool) -> SharedWords:
    """What the first rows of a job have in common; nothing if there are too few different ones."""
    first_rows = (row for row in islice(rows, ROWS_LOOKED_AT) if isinstance(row, TrainingRow))
    texts = list({compared_text(row.messages, several_turns): None for row in first_rows})
    if len(texts) < FEWEST_PROMPTS:
        return SharedWords()
    words = WordNumbers().of(texts)
    prompts = [words.numbers[begin:end] for begin, end in pairwise(words.bounds.tolist())]
    most = min(map(len, prompts))
    ahead = _in_common([own[:most] for own in prompts])
    behind = _in_common([own[len(own) - most + ahead :][::-1] for own in prompts])
    return SharedWords(prompts[0][:ahead], prompts[0][len(prompts[0]) - behind :])


def _in_common(prompts: Sequence[Numbers]) -> int:
    """With how many equal words all of them begin; they have equal lengths."""
    is_equal = (np.stack(prompts) == prompts[0]).all(axis=0)
    return len(is_equal) if is_equal.all() else int(is_equal.argmin())
