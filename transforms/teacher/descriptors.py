"""Open files: every connection takes one, and the system limits them per process (256 on macOS, 1,024 on most Linux systems).

If they run out, that is our fault and not the endpoint's, and the ledger must still be able to open files.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable

log = logging.getLogger("beam_distill.teacher")

LADDER = (65_536, 10_240, 8_192, 4_096, 2_048, 1_024)
"""Soft limits to try: systems refuse values above their own bound, which macOS does not report."""
RESERVE = 64
"""Reserved for the ledger, the input, datasets and the runner. With fewer, these cannot open files beside the connections."""
_raised_to: set[int] = set()
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE})


def room_for_connections(wanted: int) -> int:
    """How many of the ``wanted`` connections can be open at a time, at least one. Raises the process's soft limit first if it is too low."""
    if sys.platform == "win32":
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + open_files() + RESERVE
    if soft != resource.RLIM_INFINITY and soft < needed:
        for limit in LADDER:
            if hard != resource.RLIM_INFINITY:
                limit = min(limit, hard)
            if limit <= soft:
                break
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            except (ValueError, OSError):
                continue
            soft = limit
            _raised_to.add(limit)
            break
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    room = max(1, soft - open_files() - min(RESERVE, soft // 4))
    if room >= wanted:
        return wanted
    log.warning(
        "this process may have %d files open: at most %d requests are sent at a time instead of %d (max_worker_count); ulimit -n %d allows all",
        soft,
        room,
        wanted,
        needed,
    )
    return room


def open_files_limit_put_back() -> Callable[[], None]:
    """Returns a function that restores the process's current soft limit, if we have raised it since."""
    if sys.platform == "win32":
        return lambda: None
    import resource

    soft_before, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    def put_back() -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft in _raised_to:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft_before, hard))

    return put_back


def open_files() -> int:
    """How many files this process has open; a guess if the system does not list them."""
    for listing in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(listing))
        except OSError:
            continue
    return RESERVE


def are_exhausted(error: BaseException | None) -> bool:
    """Whether the cause of an error is the limit of open files."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            return True
        error = error.__cause__ or error.__context__
    return False
