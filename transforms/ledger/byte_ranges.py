"""A segment's bytes, read here and there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Protocol


class ByteRanges(Protocol):
    """The bytes of one file. Reading raises OSError, or what the filesystem raises; FileNotFoundError where there is no such file."""

    @property
    def path(self) -> str: ...

    def size(self) -> int:
        """How many bytes there are now."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """The bytes from ``offset`` on, ``size`` of them or fewer where the file ends."""
        ...

    def close(self) -> None: ...


class FileRanges:
    """``ByteRanges`` of a file of this machine. It is opened when something is read; not for two threads."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._file: BinaryIO | None = None

    def size(self) -> int:
        return os.fstat(self._opened().fileno()).st_size

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._opened().fileno(), size, offset)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._file = open(self.path, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        return self._file
