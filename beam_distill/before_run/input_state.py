"""The state of the input files at the start of a run, and which of them have changed since."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass

from transforms.elements.data_specs import InputSpec
from transforms.files.matching import sizes_of
from transforms.files.paths import is_remote


@dataclass(frozen=True, slots=True)
class FileState:
    """A file's size, and for a local file its identity and when it was last written, in nanoseconds since 1970."""

    size_bytes: int
    written_ns: int = 0
    inode: int = 0


InputState = dict[str, FileState]


def input_state(rows: InputSpec) -> InputState:
    """The current state of every input file that can be accessed."""
    found: InputState = {}
    for files in rows.splits:
        if files.pattern is None:
            continue
        with suppress(Exception):  # every filesystem has errors of its own; the reader reports the error
            for path, size_bytes in sizes_of(files.pattern).items():
                found[path] = FileState(size_bytes) if is_remote(path) else _local(path)
    return found


def _local(path: str) -> FileState:
    status = os.stat(path)
    return FileState(status.st_size, status.st_mtime_ns, status.st_ino)


def changed_since(before: InputState, rows: InputSpec) -> str:
    """A description of the changed files; empty if none has changed."""
    now = input_state(rows)
    said = [f"{path} is new" for path in sorted(now.keys() - before.keys())]
    for path, was in sorted(before.items()):
        is_now = now.get(path)
        if is_now is None:
            said.append(f"{path} is gone")
        elif is_now.size_bytes != was.size_bytes:
            said.append(f"{path} had {was.size_bytes:,} bytes and has {is_now.size_bytes:,}")
        elif is_now != was:
            said.append(f"{path} was written to or replaced")
    return "; ".join(said)
