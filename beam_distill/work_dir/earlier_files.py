"""Moves files at a dataset's path aside, so that a stopped run leaves no dataset that looks finished."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from beam_distill.work_dir.files import fields_of, write_text
from transforms.files.matching import matching_files
from transforms.files.paths import is_remote
from transforms.files.stored import exists

PUBLISHED = "published.json"
"""Size and time of every dataset that runs of this work_dir have published: other files are not theirs, or were changed since."""


def set_aside(output: str, work_dir: str) -> str | None:
    """Move the file at an output aside: into the work_dir, or on object storage to a name next to it.

    A dataset of an earlier run replaces an older one; a file that no run of this work_dir wrote is never replaced. Returns the new path, None
    if there was no file.
    """
    if is_remote(output) or is_remote(work_dir):
        if not exists(output):
            return None
        aside = output + ".previous"
        if exists(aside):
            FileSystems.delete([aside])
        FileSystems.rename([output], [aside])
        return aside
    source = Path(output).absolute()
    if not source.exists():
        return None
    # outputs with the same name in different folders must not collide
    folder = hashlib.blake2b(os.fsencode(source.parent), digest_size=4).hexdigest()
    kept = Path(work_dir) / "previous" / folder / source.name
    if _published(work_dir).get(str(source)) != _state(source):
        kept = next(free for number in count(1) if not (free := kept.parent / f"not-ours-{number}" / source.name).exists())
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, kept)
    return str(kept)


def note_published(work_dir: str, datasets: dict[str, str]) -> None:
    """Record datasets as published by a run of this work_dir, those in shards by their pattern. Raises OSError."""
    local = [path for path in datasets.values() if not is_remote(path)]
    ours = {path: _state(Path(path)) for shown in local for path in map(os.path.abspath, matching_files(shown))}
    if ours and not is_remote(work_dir):
        write_text(f"{work_dir}/{PUBLISHED}", json.dumps({**_published(work_dir), **ours}) + "\n")


def _published(work_dir: str) -> dict[str, object]:
    return fields_of(f"{work_dir}/{PUBLISHED}") or {}


def _state(path: Path) -> list[int] | None:
    with suppress(OSError):
        status = path.stat()
        return [status.st_size, status.st_mtime_ns]
    return None
