"""A set of 64-bit numbers in flat arrays: 13 to 27 bytes a number, where Python's own takes 75 to 82."""

from __future__ import annotations

from array import array

_TABLES = 64
_SMALLEST = 64
_FILLED = 0.6
"""So much of a table is used at most: fuller ones take longer to look into."""


class KeySet:
    """Numbers are hashes already, so their own bits say where they go. Many small tables grow one at a time, not one large all at once."""

    def __init__(self) -> None:
        self._tables = [array("Q", bytes(8 * _SMALLEST)) for _ in range(_TABLES)]
        self._room = [int(_SMALLEST * _FILLED)] * _TABLES

    def add(self, number: int) -> bool:
        """Take a number in, from 0 to 2**64 - 1; whether it is new. 0 and 1 are taken for the same: 0 is what empty places hold."""
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
