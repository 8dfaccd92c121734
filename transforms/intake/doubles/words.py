"""The words of prompts, and groups of neighbouring words as 64-bit numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]
Bounds = NDArray[np.int64]
Words = list[str]

MOST_COMPARED_LETTERS = 256 * 1024
"""Of a longer prompt, what comes before is compared."""
_NOT_SEPARATED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
"""Thai, Lao, Burmese, Khmer, kana and Chinese characters: these scripts do not separate words."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2**64
_SPACE = 0x20


def words_of(text: str) -> Words:
    """What is between the spaces of a text, without case and in one form of Unicode. In scripts without spaces each letter is a word."""
    text = text[:MOST_COMPARED_LETTERS]
    if not text.isascii():
        text = _NOT_SEPARATED.sub(r" \g<0> ", unicodedata.normalize("NFKC", text).casefold())
    return text.lower().split()


class WordNumbers:
    """64 bits of each word, the same in every process. All letters are computed at once: a look-up of each word takes three times as long."""

    def __init__(self) -> None:
        self._powers = self._inverses = np.ones(0, np.uint64)

    def groups(self, prompts: Sequence[Words], size: int) -> tuple[Numbers, Bounds]:
        """All groups of ``size`` neighbouring words, one prompt after another, and where each prompt's groups begin and end.

        A prompt with fewer words has none.
        """
        lengths = np.fromiter(map(len, prompts), np.int64, len(prompts))
        counts = np.maximum(lengths - size + 1, 0)
        bounds = np.concatenate(([0], np.cumsum(counts)))
        numbers = self._numbers(" ".join(chain.from_iterable(prompts)).encode("utf-8", "surrogatepass"))
        if len(numbers) < size:
            return np.empty(0, np.uint64), bounds
        last = len(numbers) - size + 1
        rolled = numbers[:last].copy()
        for place in range(1, size):
            rolled *= _FACTOR
            rolled += numbers[place : place + last]
        if len(prompts) > 1:  # without those that reach into the next prompt
            begins = np.cumsum(lengths) - lengths
            rolled = rolled[np.repeat(begins - bounds[:-1], counts) + np.arange(bounds[-1])]
        return mixed(rolled), bounds

    def _numbers(self, text: bytes) -> Numbers:
        """A word is the sum of its letters times powers of a factor. Dividing by the power at its begin makes it the same at any place."""
        letters = np.frombuffer(text + b" ", np.uint8)
        if len(self._powers) < len(letters):
            self._powers, self._inverses = _powers(int(_FACTOR), 2 * len(letters)), _powers(pow(int(_FACTOR), -1, 1 << 64), 2 * len(letters))
        ends = np.flatnonzero(letters == _SPACE)
        sums = np.cumsum((letters + np.uint64(1)) * self._powers[: len(letters)])
        begins = np.concatenate(([0], ends[:-1] + 1))
        before = np.concatenate((np.zeros(1, np.uint64), sums[ends[:-1]]))
        return mixed((sums[ends - 1] - before) * self._inverses[begins]) if text else np.empty(0, np.uint64)


def _powers(factor: int, count: int) -> Numbers:
    powers = np.full(count, factor, np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)


def mixed(numbers: Numbers) -> Numbers:
    """Numbers whose bits all depend on all bits: the end of SplitMix64."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
