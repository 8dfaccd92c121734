"""Which records of a ledger are current: the last of each row and turn. Those before were superseded, by a retry or by other settings."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from hashlib import blake2b
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray


def standing(segments: Iterable[Iterable[dict[str, Any]]]) -> list[NDArray[np.bool_]]:
    """For each segment, in the order of the ledger, a flag for each of its records: True for those that are current.

    Takes the records' ``row_key`` and ``turn``. Holds nine bytes a record, and some more while it sorts.
    """
    digests = array("Q")
    sizes = []
    for records in segments:
        before = len(digests)
        digests.extend(_digest(record["row_key"], record["turn"]) for record in records)
        sizes.append(len(digests) - before)
    backwards = np.frombuffer(digests, np.uint64)[::-1]
    flags = np.zeros(len(digests), bool)
    flags[len(digests) - 1 - np.unique(backwards, return_index=True)[1]] = True
    return np.split(flags, list(accumulate(sizes))[:-1]) if sizes else []


def _digest(row_key: str, turn: int) -> int:
    return int.from_bytes(blake2b(f"{row_key} {turn}".encode(), digest_size=8).digest(), "little")
