"""Places that are not on this machine, through Beam's filesystems, and what those do not agree on.

Beam lives here alone of all plain folders; see the package. What each function raises is the filesystem's own.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence
from typing import IO, BinaryIO

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from transforms.files.paths import is_remote, scheme_of

_RAW = CompressionTypes.UNCOMPRESSED
"""Beam would unpack and pack files by their names, and take a torn one for whole."""


class BeamFiles:
    """``Files`` on any filesystem of Beam's; object storage shows a file when it is complete."""

    def read(self, path: str) -> bytes:
        with self.open(path) as file:
            return file.read()

    def open(self, path: str) -> BinaryIO:
        opened: BinaryIO = FileSystems.open(path, compression_type=_RAW)
        return opened

    def lines(self, path: str) -> Iterator[str]:
        if self.exists(path):
            with FileSystems.open(path) as stored:
                for line in stored:
                    yield line.decode("utf-8", "replace")

    def write_whole(self, path: str, content: bytes, durable: bool = True) -> None:
        kind = "text/html" if path.endswith(".html") else "application/octet-stream"
        with FileSystems.create(path, mime_type=kind, compression_type=_RAW) as file:
            file.write(content)

    def create(self, path: str) -> IO[str]:
        return io.TextIOWrapper(FileSystems.create(path), encoding="utf-8")

    def exists(self, path: str) -> bool:
        # Azure's filesystem raises for one that is not there, where others say no
        try:
            return bool(FileSystems.exists(path))
        except BeamIOError as error:
            if any(getattr(cause, "code", None) == 404 for cause in (error.exception_details or {}).values()):
                return False
            raise

    def make_folder(self, path: str) -> None:
        try:
            FileSystems.mkdirs(path)
        except OSError:
            if not self.exists(path):
                raise

    def remove(self, path: str) -> None:
        if self.exists(path):
            FileSystems.delete([path])


def is_known(path: str) -> bool:
    """Whether a filesystem is installed that reads such paths; its client may still be missing."""
    try:
        FileSystems.get_filesystem(path)
    except ValueError:
        return False
    return True


def size_of(path: str) -> int:
    """The bytes of a file that exists, whatever letters its name holds."""
    return int(FileSystems.get_filesystem(path).metadata(path).size_in_bytes)


def sizes_of(patterns: Sequence[str]) -> dict[str, int]:
    """The files that any of these patterns takes in, and their bytes."""
    results = FileSystems.match(list(patterns))
    return {found.path: found.size_in_bytes for result in results for found in result.metadata_list}


def delete(paths: Sequence[str]) -> None:
    """Remove files."""
    FileSystems.delete(list(paths))


def copy_over(staged: str, final: str) -> None:
    """Give what is staged a second, final name; what has it goes. One of the two paths may be on this machine."""
    files = BeamFiles()
    folder = FileSystems.split(final)[0]
    if folder:
        files.make_folder(folder)
    files.remove(final)
    if scheme_of(staged) == scheme_of(final) and is_remote(staged):
        FileSystems.copy([staged], [final])
        return
    with files.open(staged) as source, FileSystems.create(final, compression_type=_RAW) as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
