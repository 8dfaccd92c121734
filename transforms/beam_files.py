"""Files on any filesystem that Beam knows, and what those do not agree on."""

import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from transforms.files.base import Files
from transforms.files.local import LocalFiles
from transforms.files.paths import is_remote, scheme_of


def exists(path: str) -> bool:
    """Whether there is such a file. Azure's filesystem raises for one that is not there, where others say no."""
    try:
        return bool(FileSystems.exists(path))
    except BeamIOError as error:
        if any(getattr(cause, "code", None) == 404 for cause in (error.exception_details or {}).values()):
            return False
        raise


def make_folder(path: str) -> None:
    """Make a folder unless it is there, or another worker makes it at the same moment; storage without folders does nothing."""
    try:
        FileSystems.mkdirs(path)
    except OSError:
        if not exists(path):
            raise


def _partial_prefix(final: str) -> str:
    """What the unfinished copies of a file are called: a name of their own, for a long one has no room for an ending."""
    return f".beam_distill-{hashlib.blake2b(os.path.basename(final).encode('utf-8', 'replace'), digest_size=6).hexdigest()}-"


def remove_partials(final: str) -> None:
    """Take away what a run that was killed left beside a file of this machine while it gave that its final name."""
    prefix = _partial_prefix(final)
    with suppress(OSError):
        for entry in os.scandir(os.path.dirname(final) or "."):
            if entry.name.startswith(prefix):
                os.unlink(entry.path)


def put_in_place(staged: str, final: str) -> None:
    """Give a finished file its final name, in one step on a directory. The staged file stays, for a runner may do this, or what made the
    file, again: a second time changes nothing."""
    folder = FileSystems.split(final)[0]
    if folder:
        make_folder(folder)
    if not is_remote(staged) and not is_remote(final):
        partial = os.path.join(os.path.dirname(final), f"{_partial_prefix(final)}{uuid.uuid4().hex[:8]}")
        try:
            os.link(staged, partial)
        except OSError:  # another disk, or one without links
            shutil.copyfile(staged, partial)
        os.replace(partial, final)
        Path(partial).unlink(missing_ok=True)  # two names of the same file: replacing one by the other leaves both
        return
    if exists(final):
        FileSystems.delete([final])
    if scheme_of(staged) == scheme_of(final) and is_remote(staged):
        FileSystems.copy([staged], [final])
        return
    raw = CompressionTypes.UNCOMPRESSED
    with FileSystems.open(staged, compression_type=raw) as source, FileSystems.create(final, compression_type=raw) as target:
        shutil.copyfileobj(source, target, 1024 * 1024)


class BeamFiles:
    """``Files`` on any filesystem of Beam's; object storage shows a file when it is complete."""

    def read(self, path: str) -> bytes:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            content: bytes = file.read()
        return content

    def lines(self, path: str) -> Iterator[str]:
        if exists(path):
            with FileSystems.open(path) as stored:
                for line in stored:
                    yield line.decode("utf-8", "replace")

    def write_whole(self, path: str, content: bytes, durable: bool = True) -> None:
        kind = "text/html" if path.endswith(".html") else "application/octet-stream"
        with FileSystems.create(path, mime_type=kind) as file:
            file.write(content)

    def create(self, path: str) -> IO[str]:
        return io.TextIOWrapper(FileSystems.create(path), encoding="utf-8")

    def exists(self, path: str) -> bool:
        return exists(path)

    def remove(self, path: str) -> None:
        if exists(path):
            FileSystems.delete([path])


def files_for(path: str) -> Files:
    """The files of the filesystem that a path is on."""
    return BeamFiles() if is_remote(path) else LocalFiles()


def write_json(path: str, fields: dict[str, Any]) -> None:
    """A note that is soon written again, whole or not at all. Raises what the filesystem raises."""
    files_for(path).write_whole(path, json.dumps(fields).encode(), durable=False)
