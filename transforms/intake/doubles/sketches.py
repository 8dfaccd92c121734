"""What is kept of a prompt to compare it: a digest, a MinHash signature of four bits a slot, and keys that similar prompts share."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.elements.rows import TrainingRow
from transforms.intake.doubles.asked_text import asked_digest, asked_messages, compared_text, system_text
from transforms.intake.doubles.shared_words import SharedWords
from transforms.intake.doubles.words import Numbers, WordNumbers, Words, compared_form, mixed

WORDS_A_GROUP = 5
SLOTS = 128
BANDS = 6
SLOTS_A_BAND = 4
"""Two prompts with 80 % of their word groups in common share one of 6 keys of 4 slots with 96 %, with 95 % in common always."""
SIGNATURE_BYTES = SLOTS // 2
_SEED = 1
_BY_CHANCE = 1 / 16
"""The share of equal slots in two prompts that have nothing in common."""

Keys = NDArray[np.uint32]
Signatures = NDArray[np.uint8]


class Sketches(NamedTuple):
    """Of n prompts: their ``digests`` (n), their ``keys`` (n x BANDS) and ``signatures`` (n x SIGNATURE_BYTES)."""

    digests: Numbers
    keys: Keys
    signatures: Signatures


def digests_of(rows: Sequence[TrainingRow], several_turns: bool) -> Numbers:
    """The digests of what the rows ask."""
    return np.fromiter((asked_digest(asked_messages(row.messages, several_turns)) for row in rows), np.uint64, len(rows))


class Sketcher:
    """Makes the sketches of a job's prompts, without the words that all of them share. Raises ImportError without rensa."""

    def __init__(self, shared: SharedWords, several_turns: bool) -> None:
        # late: keeps rensa out of the start
        from rensa import RMinHash

        self._signed = RMinHash.digest_matrix_from_flat_token_hashes
        self._shared = shared
        self._several_turns = several_turns
        self._numbers = WordNumbers()

    def words(self, rows: Sequence[TrainingRow]) -> Words:
        """The words of the rows that are compared."""
        return self._shared.left_out_of(self._numbers.of([compared_text(row.messages, self._several_turns) for row in rows]))

    def sketches(self, rows: Sequence[TrainingRow], words: Words) -> Sketches:
        """The sketches of rows with these words. Similar ones share keys also with different system messages; see ``keys_with_system``."""
        keys, signatures = self._keys_and_signatures(words)
        return Sketches(digests_of(rows, self._several_turns), keys, signatures)

    def _keys_and_signatures(self, words: Words) -> tuple[Keys, Signatures]:
        groups, bounds = words.padded(WORDS_A_GROUP).groups(WORDS_A_GROUP)
        matrix = self._signed(groups.data, bounds.astype(np.uint64).data, SLOTS, _SEED)
        flat = array("I")
        for row in matrix.to_rows():
            flat.fromlist(row)  # three times as fast as an array of the lists
        slots = np.frombuffer(flat, np.uint32).reshape(-1, SLOTS)
        low = (slots & np.uint32(15)).astype(np.uint8)
        signatures = low[:, :SIGNATURE_BYTES] << np.uint8(4) | low[:, SIGNATURE_BYTES:]
        banded = slots[:, : BANDS * SLOTS_A_BAND].reshape(-1, BANDS, SLOTS_A_BAND).astype(np.uint64)
        keys = banded[:, :, 0]
        for slot in range(1, SLOTS_A_BAND):
            keys = mixed(keys) + banded[:, :, slot]
        return (mixed(keys) >> np.uint64(32)).astype(np.uint32), signatures


def keys_with_system(keys: Keys, rows: Sequence[TrainingRow]) -> Keys:
    """Keys that rows share only if they have the same system message."""
    texts = [system_text(row.messages) for row in rows]
    numbers = {text: _system_number(text) for text in set(texts)}
    return keys ^ np.array([numbers[text] for text in texts], np.uint32)[:, None]


def _system_number(text: str) -> int:
    return int.from_bytes(blake2b(" ".join(compared_form(text).split()).encode("utf-8", "surrogatepass"), digest_size=4).digest(), "little")


def similarities(some: Signatures, others: Signatures) -> NDArray[np.float64]:
    """The estimated Jaccard similarities of pairs of signatures, each 0 to 1, with a standard error of at most 0.045."""
    differs = some ^ others
    equal = ((differs & 15) == 0).sum(axis=1) + ((differs & 240) == 0).sum(axis=1)
    estimated: NDArray[np.float64] = np.maximum(equal / SLOTS - _BY_CHANCE, 0) / (1 - _BY_CHANCE)
    return estimated


def without_words(digests: Numbers) -> Sketches:
    """Sketches that only find equal prompts."""
    return Sketches(digests, np.empty((0, BANDS), np.uint32), np.empty((0, SIGNATURE_BYTES), np.uint8))
