"""Standard output and error that never fail a command: closed, full, without a reader, or in an encoding without some letter."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import Any


class _Forgiving(io.FileIO):
    """A file that ignores write errors. ``failure`` is the first error, None without one."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write; after the first failure, drop everything."""
        if self.failure is None:
            try:
                while (written := super().write(data)) is None:
                    select.select([], [self], [])  # a non-blocking stream that is full
                return written
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes


def hold_standard_streams() -> None:
    """Replace standard output and error by streams that cannot fail. For the command's own process, before it opens files.

    A closed standard stream is opened on the null device: otherwise the next opened file would get its number, and everything written to
    standard error would go into that file. Letters that the encoding does not have are written as escapes.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout = _forgiving(sys.stdout, 1)
    sys.stderr = _forgiving(sys.stderr, 2)


def _forgiving(stream: Any, number: int) -> io.TextIOWrapper:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if stream is not None:
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(number, "w", closefd=False)),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=number == 2 or os.isatty(number) or getattr(stream, "write_through", False),  # write_through: python -u
    )


def output_failure() -> OSError | None:
    """The error of a failed write to standard output, after flushing; None without one."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, _Forgiving) else None
