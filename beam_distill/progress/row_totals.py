"""How many rows there will be: counted beside the job, where that is cheap."""

from __future__ import annotations

import glob
import gzip
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

LINE_FORMATS = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


class RowTotals:
    """Counts the rows of JSONL files of this machine on a thread of its own. ``patterns`` goes by split; ``limit`` is the most per split."""

    def __init__(self, patterns: Mapping[str, str | None], limit: int | None = None) -> None:
        self._limit = limit
        self._totals: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._count, args=(dict(patterns),), name="row-totals", daemon=True)
        self._thread.start()

    def known(self) -> dict[str, int]:
        """The splits that are counted to their end, so far."""
        return dict(self._totals)

    def close(self) -> None:
        """Stop counting."""
        self._stop.set()
        self._thread.join()

    def _count(self, patterns: dict[str, str | None]) -> None:
        for split, pattern in patterns.items():
            total = 0 if pattern is None else self._rows_of(pattern)
            if total is not None:
                self._totals[split] = total

    def _rows_of(self, pattern: str) -> int | None:
        if "://" in pattern:
            return None
        paths = sorted(path for path in glob.glob(pattern) or [pattern])
        if not all(path.endswith(LINE_FORMATS) for path in paths):
            return None
        total = 0
        try:
            for path in paths:
                with _opened(path) as file:
                    for line in file:
                        total += not line.isspace()
                        if total == self._limit:
                            return total
                        if not total % 1024 and self._stop.is_set():
                            return None
        except (OSError, EOFError):
            return None
        return total


def _opened(path: str) -> BinaryIO:
    if path.endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return Path(path).open("rb")
