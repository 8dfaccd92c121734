"""Standard output and error that never end a command: closed, full, read by nobody, or in an encoding that lacks a letter."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import Any


class _Forgiving(io.FileIO):
    """A file of the system's that takes what it can. ``failure`` is why the rest was lost, None while nothing was."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write; from the first failure on, take everything and lose it."""
        if self.failure is None:
            try:
                while (written := super().write(data)) is None:
                    select.select([], [self], [])  # somebody made it non-blocking, and it is full
                return written
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes


def hold_standard_streams() -> None:
    """Put streams that cannot fail in the place of standard output and error. For the command's own process, before it opens files.

    A standard stream that was closed is opened on nothing: the next file that is opened would take its number, and everything written to
    standard error would go into that file. Letters that the encoding lacks are written as escapes.
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
        line_buffering=number == 2 or os.isatty(number) or getattr(stream, "write_through", False),  # the last is python -u
    )


def output_failure() -> OSError | None:
    """Why what was written to standard output and has left our buffer did not arrive; None when it did."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, _Forgiving) else None
