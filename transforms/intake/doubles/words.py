"""The words of prompts, and groups of neighbouring words, as 64-bit numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]
Bounds = NDArray[np.int64]

MOST_COMPARED_LETTERS = 256 * 1024
"""Of a longer prompt, what comes before is compared."""
_NOT_SEPARATED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
"""Thai, Lao, Burmese, Khmer, kana and Chinese characters: these scripts do not separate words."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2**64
_IS_SPACE = np.array([byte < 128 and chr(byte).isspace() for byte in range(256)])


class Words(NamedTuple):
    """The words of n prompts: their ``numbers``, one prompt after another, and the ``bounds`` (n + 1) where each prompt's begin and end."""

    numbers: Numbers
    bounds: Bounds

    @property
    def counts(self) -> Bounds:
        """How many words each prompt has."""
        return np.diff(self.bounds)

    def groups(self, size: int) -> tuple[Numbers, Bounds]:
        """All groups of ``size`` neighbouring words, and their bounds as those of the words. A prompt with fewer words has none."""
        counts = np.maximum(self.counts - size + 1, 0)
        bounds = _bounds(counts)
        last = len(self.numbers) - size + 1
        if last < 1:
            return np.empty(0, np.uint64), bounds
        rolled = self.numbers[:last].copy()
        for place in range(1, size):
            rolled *= _FACTOR
            rolled += self.numbers[place : place + last]
        if len(counts) > 1:  # without those that reach into the next prompt
            rolled = rolled[np.repeat(self.bounds[:-1] - bounds[:-1], counts) + np.arange(bounds[-1])]
        return mixed(rolled), bounds

    def padded(self, size: int) -> Words:
        """With words that no text has, so that each prompt has at least ``size``."""
        missing = np.maximum(size - self.counts, 0)
        if not missing.any():
            return self
        return Words(np.insert(self.numbers, np.repeat(self.bounds[1:], missing), np.uint64(0)), _bounds(self.counts + missing))


def joined(prompts: Sequence[Numbers]) -> Words:
    """The words of all these prompts as one value."""
    return Words(np.concatenate([np.empty(0, np.uint64), *prompts]), _bounds(np.fromiter(map(len, prompts), np.int64, len(prompts))))


def _bounds(counts: Bounds) -> Bounds:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))


def compared_form(text: str) -> str:
    """A text in one case and one form of Unicode. Words are what is between its spaces; in scripts without spaces each letter is a word."""
    text = text[:MOST_COMPARED_LETTERS]
    if text.isascii():
        return text.lower()
    return " ".join(_NOT_SEPARATED.sub(r" \g<0> ", unicodedata.normalize("NFKC", text).casefold()).lower().split())


class WordNumbers:
    """64 bits of each word, the same in every process. All letters are computed at once: a look-up of each word takes three times as long."""

    def __init__(self) -> None:
        self._powers = self._inverses = self._sums = np.ones(0, np.uint64)

    def of(self, texts: Sequence[str]) -> Words:
        """The words of some texts.

        A word is the sum of its letters times powers of a factor. Dividing by the power at its begin makes it the same at any place.
        """
        encoded = [compared_form(text).encode("utf-8", "surrogatepass") for text in texts]
        letters = np.frombuffer(b" ".join((b"", *encoded, b"")), np.uint8)
        if len(self._powers) < len(letters):
            most = len(letters) + len(letters) // 4
            self._powers, self._inverses = _powers(int(_FACTOR), most), _powers(pow(int(_FACTOR), -1, 1 << 64), most)
            self._sums = np.empty(most, np.uint64)  # kept: one for each call would leave holes in the memory between what is kept of rows
        is_space = _IS_SPACE.take(letters)
        edges = np.flatnonzero(is_space[1:] != is_space[:-1])  # the last one before each begin and each end, for spaces are at both sides
        before, last = edges[::2], edges[1::2]
        sums = np.add(letters, np.uint64(1), out=self._sums[: len(letters)])
        sums *= self._powers[: len(letters)]
        np.cumsum(sums, out=sums)
        numbers = mixed((sums[last] - sums[before]) * self._inverses[before + 1])
        places = np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)) + 1)
        return Words(numbers, np.concatenate((np.zeros(1, np.int64), np.searchsorted(before, places))))


def _powers(factor: int, count: int) -> Numbers:
    powers = np.full(count, factor, np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)


def mixed(numbers: Numbers) -> Numbers:
    """Numbers whose bits all depend on all bits: the end of SplitMix64."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
