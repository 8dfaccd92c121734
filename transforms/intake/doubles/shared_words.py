"""The words that all prompts of a job begin and end with: its instructions. Two prompts are not alike because of these."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from transforms.elements.flow import Row
from transforms.elements.rows import TrainingRow
from transforms.intake.doubles.asked_text import compared_text
from transforms.intake.doubles.words import Words, words_of

ROWS_LOOKED_AT = 100
"""More would be no surer of what all rows share, and every process reads them."""
FEWEST_PROMPTS = 10
"""Of fewer different prompts it is not known what is the instruction and what is the question."""


class SharedWords(NamedTuple):
    """The words at the begin and at the end of every prompt."""

    first: Words = []
    last: Words = []

    def left_out_of(self, words: Words) -> Words:
        """The other words of a prompt; its own again if there are no others."""
        first, last = self
        begin = len(first) if first and words[: len(first)] == first else 0
        end = len(words) - (len(last) if last and words[-len(last) :] == last else 0)
        return words[begin:end] if 0 < end - begin < len(words) else words


def shared_words(rows: Iterable[Row], several_turns: bool) -> SharedWords:
    """What the first rows of a job have in common; nothing if there are too few different ones."""
    first_rows = (row for row in islice(rows, ROWS_LOOKED_AT) if isinstance(row, TrainingRow))
    prompts = [words_of(text) for text in {compared_text(row.messages, several_turns): None for row in first_rows}]
    if len(prompts) < FEWEST_PROMPTS:
        return SharedWords()
    most = min(map(len, prompts))
    ahead = _in_common(prompts, most)
    behind = _in_common([words[::-1] for words in prompts], most - ahead)
    return SharedWords(prompts[0][:ahead], prompts[0][len(prompts[0]) - behind :])


def _in_common(prompts: list[Words], most: int) -> int:
    return next((place for place in range(most) if len({words[place] for words in prompts}) > 1), most)
