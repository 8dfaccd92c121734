"""Keys and places in a file, sorted by key. A process has one key in 128 in memory, and reads one page for a look-up."""

from __future__ import annotations

import os
from struct import Struct
from typing import IO

import numpy as np
from numpy.typing import NDArray

PAGE_RECORDS = 128
RECORD_BYTES = 16
PAGE_BYTES = PAGE_RECORDS * RECORD_BYTES
_WORD = Struct("<Q")

Words = NDArray[np.uint64]


class SortedRun:
    """Part of a file, to which it is written once, from the file's end on. Raises OSError where the disk fails."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._descriptor = file.fileno()
        self._begin = file.seek(0, os.SEEK_END)
        self._count = 0
        self._first_keys: Words = np.empty(0, np.uint64)  # of each page

    def __len__(self) -> int:
        return self._count

    def append(self, keys: Words, places: Words) -> None:
        """Add records in order; no key is less than the last one."""
        words = np.empty((len(keys), 2), "<u8")
        words[:, 0], words[:, 1] = keys, places
        self._file.write(words.tobytes())
        self._file.flush()
        self._first_keys = np.append(self._first_keys, keys[-self._count % PAGE_RECORDS :: PAGE_RECORDS])
        self._count += len(keys)

    def find(self, first_key: int, last_key: int) -> list[int]:
        """The places of all records whose keys are within these bounds."""
        if first_key == last_key:
            return self._find_one(first_key)
        found: list[int] = []
        number = self._page_before(first_key)
        while number < len(self._first_keys):
            page = self._read(number * PAGE_RECORDS, (number + 1) * PAGE_RECORDS)
            at = int(page[:, 0].searchsorted(np.uint64(first_key)))
            while at < len(page):
                if page.item(at, 0) > last_key:
                    return found
                found.append(page.item(at, 1))
                at += 1
            number += 1
        return found

    def _find_one(self, key: int) -> list[int]:
        # without arrays, which cost more than the search: one for every look-up of an answer
        sought = _WORD.pack(key)
        found: list[int] = []
        at = PAGE_BYTES * self._page_before(key)
        while page := self._bytes(at, PAGE_BYTES):
            begin = page.find(sought)
            while begin >= 0:
                if begin % RECORD_BYTES == 0:
                    found.append(_WORD.unpack_from(page, begin + _WORD.size)[0])
                begin = page.find(sought, begin + 1)
            if _WORD.unpack_from(page, len(page) - RECORD_BYTES)[0] > key:
                break
            at += PAGE_BYTES
        return found

    def between(self, first_key: int, last_key: int) -> tuple[Words, Words]:
        """Keys and places of all records whose keys are within these bounds."""
        begin = self._page_before(first_key) * PAGE_RECORDS
        end = int(self._first_keys.searchsorted(np.uint64(last_key), "right")) * PAGE_RECORDS
        words = self._read(begin, end)
        keys = words[:, 0]
        inside = slice(keys.searchsorted(np.uint64(first_key)), keys.searchsorted(np.uint64(last_key), "right"))
        return keys[inside], words[inside, 1]

    def _page_before(self, key: int) -> int:
        """The number of the page in which the first record with this key, or one behind it, can be."""
        return max(int(self._first_keys.searchsorted(np.uint64(key))) - 1, 0)

    def _read(self, begin: int, end: int) -> Words:
        return np.frombuffer(self._bytes(RECORD_BYTES * begin, RECORD_BYTES * (end - begin)), "<u8").reshape(-1, 2)

    def _bytes(self, begin: int, size: int) -> bytes:
        """Bytes from an offset on, no more than there are."""
        return os.pread(self._descriptor, max(min(size, RECORD_BYTES * self._count - begin), 0), self._begin + begin)
