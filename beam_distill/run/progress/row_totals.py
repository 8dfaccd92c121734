"""The total number of rows: counted during the job, if that is cheap."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import closing

from transforms.files.matching import sizes_of
from transforms.files.paths import is_remote
from transforms.files.stored import open_as_stored
from transforms.intake.compression import without_compression_suffix
from transforms.intake.formats.base import UnusableFile
from transforms.intake.formats.registry import format_of
from transforms.intake.opening import open_rows

log = logging.getLogger("beam_distill")

MOST_PARSED_BYTES = 128 * 1024 * 1024
"""A JSON list must be parsed to be counted: some seconds of CPU for this size. Larger ones would slow down the job."""
MOST_FETCHED_BYTES = 256 * 1024 * 1024
"""Counted files are read twice. This is the limit for remote files."""


class RowTotals:
    """Counts the rows of every split on a separate thread. ``patterns`` is by split; ``limit`` is the maximum per split.

    ``named_format`` is the format of all files, None to use their suffixes. A split that cannot be counted cheaply stays unknown.
    """

    def __init__(self, patterns: Mapping[str, str | None], limit: int | None = None, named_format: str | None = None) -> None:
        self._limit = limit
        self._format = named_format
        self._totals: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._count, args=(dict(patterns),), name="row-totals", daemon=True)
        self._thread.start()

    def known(self) -> dict[str, int]:
        """The totals of the completely counted splits."""
        return dict(self._totals)

    def close(self) -> None:
        """Stop counting. Does not wait for a thread that waits for another machine."""
        self._stop.set()
        self._thread.join(timeout=1.0)

    def _count(self, patterns: dict[str, str | None]) -> None:
        for split, pattern in patterns.items():
            try:
                total = 0 if pattern is None else self._rows_of(pattern)
            except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own, and the job reports them where they matter
                log.debug("the rows of %s are not counted: %s", pattern, error)
                continue
            if total is not None:
                self._totals[split] = total

    def _rows_of(self, pattern: str) -> int | None:
        files = sizes_of(pattern)
        if not files or not self._is_cheap(files):
            return None
        total = 0
        for path in sorted(files):
            before = total

            def go_on(count: int, before: int = before) -> bool:
                return not self._stop.is_set() and (self._limit is None or before + count < self._limit)

            with closing(open_as_stored(path)) as stored:
                try:
                    kept_as, source = open_rows(path, stored, self._format)
                    total += kept_as.count(source, go_on)
                except UnusableFile:
                    total += 1  # one reject for all of it
            if self._stop.is_set():
                return None
            if self._limit is not None and total >= self._limit:
                return self._limit
        return total

    def _is_cheap(self, files: Mapping[str, int]) -> bool:
        parsed = sum(size for path, size in files.items() if format_of(path, self._format).counts_by_parsing)
        compressed = any(path != without_compression_suffix(path) for path in files)
        read = sum(size for path, size in files.items() if not format_of(path, self._format).counts_by_footer)
        if parsed and (compressed or parsed > MOST_PARSED_BYTES):
            return False
        return not any(map(is_remote, files)) or read <= MOST_FETCHED_BYTES
