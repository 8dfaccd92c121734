"""What a run changes in the whole of its process, for as long as it lasts. Runs at the same time share the change."""

from __future__ import annotations

import csv
import gc
import logging
import sys
from collections.abc import Callable
from typing import Any

from beam_distill.run.storage_errors import storage_errno
from transforms.elements.shared_change import SharedChange
from transforms.teacher.descriptors import open_files_limit_put_back


def _collect_rarely() -> Callable[[], None]:
    before = gc.get_threshold()
    frozen_by_others = gc.get_freeze_count() > 0  # it can only be thawed as a whole
    if not frozen_by_others:
        gc.freeze()
    gc.set_threshold(50_000, 20, 50)

    def take_back() -> None:
        gc.set_threshold(*before)
        if not frozen_by_others:
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


def _note_limits() -> Callable[[], None]:
    # late: keeps Beam out of the start
    from beam_distill.runners.beam_internals.filesystem_options import filesystem_options_put_back

    longest_field = csv.field_size_limit()
    storage_options_put_back = filesystem_options_put_back()
    open_files_put_back = open_files_limit_put_back()

    def take_back() -> None:
        csv.field_size_limit(longest_field)
        storage_options_put_back()
        open_files_put_back()

    return take_back


def _is_of_use(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("apitools not found")  # a library for BigQuery, which nobody asked for


RARE_GARBAGE_COLLECTION = SharedChange(_collect_rarely)
"""Rows make no cycles: looking for them every few hundred allocations costs a tenth of the CPU and finds nothing."""

LOST_FILES_PASSED_OVER = SharedChange(_pass_over_lost_files)
"""A file that a failed stage left open fails once more when it is closed; that failure has been said already."""

ROOT_LOGGER_LEFT_ALONE = SharedChange(_stand_in_for_handlers)
"""Beam logs to the root logger, which sets itself up for good when that has no handlers; the program around us may want to do so later."""

LIMITS_AND_OPTIONS_PUT_BACK = SharedChange(_note_limits)
"""How long a field of csv may be, how many files may be open, and which storage accounts Beam's filesystems know: set by readers, sessions and
pipelines while they work, and for who begins them to put back."""
