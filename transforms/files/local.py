"""Files of this machine."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO


class LocalFiles:
    """``Files`` of this machine."""

    def read(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def open(self, path: str) -> BinaryIO:
        return open(path, "rb")

    def open_ranges(self, path: str) -> BinaryIO:
        return open(path, "rb")

    def lines(self, path: str) -> Iterator[str]:
        with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
            yield from file

    def write_whole(self, path: str, content: bytes, durable: bool = True) -> None:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        partial = f"{path}.partial"
        with open(partial, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(partial, path)

    def create_bytes(self, path: str) -> BinaryIO:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        return open(path, "wb")

    def create(self, path: str) -> IO[str]:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        return open(path, "w", encoding="utf-8")

    def exists(self, path: str) -> bool:
        return os.path.lexists(path)

    def make_folder(self, path: str) -> None:
        try:
            os.makedirs(path)
        except OSError:
            if not os.path.exists(path):
                raise

    def remove(self, path: str) -> None:
        Path(path).unlink(missing_ok=True)
