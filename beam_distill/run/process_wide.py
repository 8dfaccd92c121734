"""Changes of the whole process during a run. Simultaneous runs share them."""

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

_RUNNER_LOG = "apache_beam.runners.portability.fn_api_runner.fn_runner"
_USELESS = (
    "apitools not found",  # a library for BigQuery, which is not used
    "If direct_num_workers is not equal to 1",  # advice about processes that our environment starts itself
)


def _collect_rarely() -> Callable[[], None]:
    before = gc.get_threshold()
    frozen_by_others = gc.get_freeze_count() > 0  # it can only be thawed as a whole
    if not frozen_by_others:
        gc.freeze()
    gc.set_threshold(50_000, 20, 50)

    def undo() -> None:
        gc.set_threshold(*before)
        if not frozen_by_others:
            gc.unfreeze()

    return undo


def _ignore_lost_files() -> Callable[[], None]:
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if storage_errno(unraisable.exc_value) is None:
            before(unraisable)

    def undo() -> None:
        gc.collect()  # files that a failed stage left open are closed here, under the hook
        sys.unraisablehook = before

    sys.unraisablehook = hook
    return undo


def _add_root_handler() -> Callable[[], None]:
    root = logging.getLogger()
    added = logging.lastResort if not root.handlers else None
    if added is not None:
        root.addHandler(added)
    filtered = (root, logging.getLogger(_RUNNER_LOG))
    for log in filtered:
        log.addFilter(_is_useful)

    def undo() -> None:
        for log in filtered:
            log.removeFilter(_is_useful)
        if added is not None:
            root.removeHandler(added)

    return undo


def _note_limits() -> Callable[[], None]:
    # late: keeps Beam out of the start
    from beam_distill.runners.beam_internals.filesystem_options import filesystem_options_put_back

    longest_field = csv.field_size_limit()
    storage_options_put_back = filesystem_options_put_back()
    open_files_put_back = open_files_limit_put_back()

    def undo() -> None:
        csv.field_size_limit(longest_field)
        storage_options_put_back()
        open_files_put_back()

    return undo


def _is_useful(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(_USELESS)


RARE_GARBAGE_COLLECTION = SharedChange(_collect_rarely)
"""Rows make no reference cycles: searching for them every few hundred allocations costs a tenth of the CPU and finds nothing."""

LOST_FILES_PASSED_OVER = SharedChange(_ignore_lost_files)
"""A file that a failed stage left open fails again when it is closed; that failure has been reported already."""

ROOT_LOGGER_LEFT_ALONE = SharedChange(_add_root_handler)
"""Beam logs to the root logger, which configures itself permanently if it has no handlers; the calling program may want to do that later."""

LIMITS_AND_OPTIONS_PUT_BACK = SharedChange(_note_limits)
"""The limits of csv fields and open files, and the storage accounts of Beam's filesystems: readers, sessions and pipelines change them, and
this restores them."""
