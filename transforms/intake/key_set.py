"""A set of 64-bit numbers in flat arrays: 13 to 27 bytes per number; Python's set takes 75 to 82."""

from __future__ import annotations

from array import array

_TABLES = 64
_SMALLEST = 64
_FILLED = 0.6
"""The largest used share of a table: look-ups in fuller ones take longer."""


class KeySet:
    """The numbers are hashes, so their bits give their places. There are many small tables, and each grows by itself."""

    def __init__(self) -> None:
        self._tables = [array("Q", bytes(8 * _SMALLEST)) for _ in range(_TABLES)]
        self._room = [int(_SMALLEST * _FILLED)] * _TABLES

    def add(self, number: int) -> bool:
        """Add a number from 0 to 2**64 - 1 and return whether it is new. 0 counts as 1, because 0 marks an empty place."""
        number = number or 1
        which = number % _TABLES
        table = self._tables[which]
        last = len(table) - 1
        place = number // _TABLES & last
        while held := table[place]:
            if held == number:
                return False
            place = place + 1 & last
        table[place] = number
        self._room[which] -= 1
        if not self._room[which]:
            self._tables[which] = _twice_as_large(table)
            self._room[which] = int(2 * len(table) * _FILLED) - int(len(table) * _FILLED)
        return True


def _twice_as_large(table: array[int]) -> array[int]:
    larger = array("Q", bytes(2 * table.itemsize * len(table)))
    last = len(larger) - 1
    for number in table:
        if number:
            place = number // _TABLES & last
            while larger[place]:
                place = place + 1 & last
            larger[place] = number
    return larger
