"""Storage errors, and advice for the user."""

from __future__ import annotations

import errno

from beam_distill.runners.beam_internals.error_texts import errno_in

_NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM})
_CHANGED = frozenset({errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ESTALE})
_TOO_MANY_OPEN = frozenset({errno.EMFILE, errno.ENFILE})
_STORAGE_ERRORS = (
    frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG, errno.ENAMETOOLONG}) | _NOT_ALLOWED | _CHANGED | _TOO_MANY_OPEN
)
_GIVE_RIGHTS = (
    "Let the scoring user (10001 in the image of deploy/Dockerfile, else the user of the command or workers) read the inputs and write in the "
    "work_dir and in the folders of the outputs"
)


def storage_errno(error: BaseException | None) -> int | None:
    """The errno of the storage failure that caused an error; None for any other error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _STORAGE_ERRORS:
            return error.errno
        number = errno_in(error, _STORAGE_ERRORS)
        if number is not None:
            return number
        error = error.__cause__ or error.__context__
    return None


def what_to_do(number: int) -> str:
    """Advice for this errno."""
    if number in _NOT_ALLOWED:
        return _GIVE_RIGHTS
    if number in _CHANGED:
        return "A file or folder was moved, removed or replaced during the run: put it back"
    if number in _TOO_MANY_OPEN:
        return "Raise the limit of open files (ulimit -n) or lower max_worker_count"
    return "Give the file a shorter name" if number == errno.ENAMETOOLONG else "Free space or repair the disk"
