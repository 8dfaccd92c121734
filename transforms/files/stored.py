"""Files at local or remote paths."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from transforms.files.base import Files
from transforms.files.local import LocalFiles
from transforms.files.paths import is_remote


def through_beam() -> ModuleType:
    """``files.beam``, for remote paths. Loaded on demand: Beam takes a second."""
    # late: keeps Beam out of the start
    from transforms.files import beam

    return beam


def state_of(path: str) -> tuple[int, float]:
    """The bytes of an existing file, and when it was last written, in seconds since 1970."""
    if is_remote(path):
        state: tuple[int, float] = through_beam().state_of(path)
        return state
    status = os.stat(path)
    return status.st_size, status.st_mtime


def files_for(path: str) -> Files:
    """The files of the filesystem that a path is on."""
    if not is_remote(path):
        return LocalFiles()
    files: Files = through_beam().BeamFiles()
    return files


def exists(path: str) -> bool:
    """Whether the file exists; a broken link does not."""
    return files_for(path).exists(path) if is_remote(path) else os.path.exists(path)


def open_as_stored(path: str) -> BinaryIO:
    """The stored bytes of a file, not unpacked. Raises OSError, or the filesystem's exceptions."""
    return files_for(path).open(path)


def open_ranges(path: str) -> BinaryIO:
    """A file's own bytes, to be read here and there. Raises OSError, or what the filesystem raises."""
    return files_for(path).open_ranges(path)


def write_json(path: str, fields: dict[str, Any]) -> None:
    """Write a file that is soon written again, atomically. Raises the filesystem's exceptions."""
    files_for(path).write_whole(path, json.dumps(fields).encode(), durable=False)


def read_json(path: str) -> Any:
    """The content of a small file. Raises ValueError, OSError, or the filesystem's exceptions."""
    return json.loads(files_for(path).read(path))


_SHARD = re.compile(r"-\d{5}-of-\d{5}")


def _partial_prefix(final: str) -> str:
    """The name of unfinished copies of a file, and of all shards of a dataset: a digest, because a long name has no room for a suffix."""
    name = _SHARD.sub("", os.path.basename(final))
    return f".beam_distill-{hashlib.blake2b(name.encode('utf-8', 'replace'), digest_size=6).hexdigest()}-"


def remove_partials(final: str) -> None:
    """Remove unfinished copies that a lost process left next to a local file, or next to the shards of a dataset."""
    if is_remote(final):
        return
    prefix = _partial_prefix(final)
    with suppress(OSError):
        for entry in os.scandir(os.path.dirname(final) or "."):
            if entry.name.startswith(prefix):
                os.unlink(entry.path)


def put_in_place(staged: str, final: str) -> None:
    """Give a finished file its final name, atomically on a local disk. The staged file stays, because a runner may repeat this or the step
    that made the file: a second time changes nothing."""
    if is_remote(staged) or is_remote(final):
        through_beam().copy_over(staged, final)
        return
    folder = os.path.dirname(os.path.abspath(final))
    LocalFiles().make_folder(folder)
    partial = os.path.join(folder, f"{_partial_prefix(final)}{uuid.uuid4().hex[:8]}")
    try:
        os.link(staged, partial)
    except OSError:  # another disk, or one without links
        shutil.copyfile(staged, partial)
    os.replace(partial, final)
    Path(partial).unlink(missing_ok=True)  # two names of the same file: replacing one by the other leaves both
