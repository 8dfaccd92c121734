"""What a run changes in the whole of its process, for as long as it lasts. Runs at the same time share the change."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

from beam_distill.run.storage_errors import storage_errno


class WhileRunsLast:
    """A change that the first of the runs that go on at a time makes and the last takes back. ``make`` gives what takes it back."""

    def __init__(self, make: Callable[[], Callable[[], None]]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._runs = 0
        self._take_back: Callable[[], None]

    def __enter__(self) -> None:
        with self._lock:
            if not self._runs:
                self._take_back = self._make()
            self._runs += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._runs -= 1
            if not self._runs:
                self._take_back()


def _collect_rarely() -> Callable[[], None]:
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)

    def take_back() -> None:
        gc.set_threshold(*before)
        gc.unfreeze()

    return take_back


def _pass_over_lost_files() -> Callable[[], None]:
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if storage_errno(unraisable.exc_value) is None:
            before(unraisable)

    def take_back() -> None:
        gc.collect()  # files that a failed stage left open are closed here, under the hook
        sys.unraisablehook = before

    sys.unraisablehook = hook
    return take_back


def _stand_in_for_handlers() -> Callable[[], None]:
    root = logging.getLogger()
    added = logging.lastResort if not root.handlers else None
    if added is not None:
        root.addHandler(added)
    root.addFilter(_is_of_use)

    def take_back() -> None:
        root.removeFilter(_is_of_use)
        if added is not None:
            root.removeHandler(added)

    return take_back


def _is_of_use(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("apitools not found")  # a library for BigQuery, which nobody asked for


RARE_GARBAGE_COLLECTION = WhileRunsLast(_collect_rarely)
"""Rows make no cycles: looking for them every few hundred allocations costs a tenth of the CPU and finds nothing."""

LOST_FILES_PASSED_OVER = WhileRunsLast(_pass_over_lost_files)
"""A file that a failed stage left open fails once more when it is closed; that failure has been said already."""

ROOT_LOGGER_LEFT_ALONE = WhileRunsLast(_stand_in_for_handlers)
"""Beam logs to the root logger, which sets itself up for good when that has no handlers; the program around us may want to do so later."""
