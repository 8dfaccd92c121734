"""What Beam says only in the texts of its errors."""

from __future__ import annotations

from collections.abc import Iterable

_WORKER_ENDED = "Worker subprocess exited"
_LINE_BROKEN = "Channel closed prematurely"
_JOB_FAILED = "failed in state"


def exit_code_of_worker(error: BaseException | None) -> str | None:
    """The exit code of a local worker that ended in the midst of a job, by the error of the thread that waits for it; None for any other."""
    if not isinstance(error, RuntimeError) or _WORKER_ENDED not in str(error):
        return None
    return str(error).rpartition(" ")[2]


def is_broken_line(error: BaseException) -> bool:
    """Whether the runner only noticed that a worker no longer speaks to it."""
    return _LINE_BROKEN in str(error)


def word_for_failed_job(error: BaseException) -> str | None:
    """What a portable runner says of a job that it failed; None when the error is of another kind."""
    if not isinstance(error, RuntimeError) or _JOB_FAILED not in str(error):
        return None
    return str(error).partition(_JOB_FAILED)[2].strip()


def errno_in(error: BaseException, numbers: Iterable[int]) -> int | None:
    """Which of the ``numbers`` of the system's errors a stage met; runners turn a stage's exception into the text of a RuntimeError."""
    if not isinstance(error, RuntimeError):
        return None
    return next((number for number in numbers if f"[Errno {number}]" in str(error)), None)
