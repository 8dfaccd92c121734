"""Remote paths, through Beam's filesystems, and the differences between these.

Of all plain folders only this file uses Beam; see the package. The functions raise the filesystem's own exceptions.
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
"""Otherwise Beam would unpack and pack files by their names, and accept truncated ones."""


class BeamFiles:
    """``Files`` on any filesystem of Beam; on object storage a file appears when it is complete."""

    def read(self, path: str) -> bytes:
        with self.open(path) as file:
            return file.read()

    def open(self, path: str) -> BinaryIO:
        opened: BinaryIO = FileSystems.open(path, compression_type=_RAW)
        return opened

    def open_ranges(self, path: str) -> BinaryIO:
        opened = self.open(path)
        # what Azure's and Amazon's filesystems put around it reads 16 MB ahead, at every place
        unbuffered: BinaryIO = opened.detach() if isinstance(opened, io.BufferedReader) else opened  # type: ignore[assignment]
        return unbuffered

    def lines(self, path: str) -> Iterator[str]:
        if self.exists(path):
            with FileSystems.open(path) as stored:
                for line in stored:
                    yield line.decode("utf-8", "replace")

    def write_whole(self, path: str, content: bytes, durable: bool = True) -> None:
        kind = "text/html" if path.endswith(".html") else "application/octet-stream"
        with FileSystems.create(path, mime_type=kind, compression_type=_RAW) as file:
            file.write(content)

    def create_bytes(self, path: str) -> BinaryIO:
        created: BinaryIO = FileSystems.create(path, compression_type=_RAW)
        return created

    def create(self, path: str) -> IO[str]:
        return io.TextIOWrapper(FileSystems.create(path), encoding="utf-8")

    def exists(self, path: str) -> bool:
        # Azure's filesystem raises for a missing file, others return False
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
    """Whether a filesystem for such paths is installed; its client may still be missing."""
    try:
        FileSystems.get_filesystem(path)
    except ValueError:
        return False
    return True


def state_of(path: str) -> tuple[int, float]:
    """The bytes of an existing file, also if its name has pattern characters, and when it was last written, in seconds since 1970."""
    found = FileSystems.get_filesystem(path).metadata(path)
    return int(found.size_in_bytes), float(found.last_updated_in_seconds or 0)


def sizes_of(patterns: Sequence[str]) -> dict[str, int]:
    """The files that match any of these patterns, and their bytes."""
    results = FileSystems.match(list(patterns))
    return {found.path: found.size_in_bytes for result in results for found in result.metadata_list}


def delete(paths: Sequence[str]) -> None:
    """Remove files."""
    FileSystems.delete(list(paths))


def copy_over(staged: str, final: str) -> None:
    """Copy the staged file to its final name, replacing any file there. One of the two paths may be local."""
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
