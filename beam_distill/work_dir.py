"""The work_dir: one run at a time, older datasets out of the way, staging cleaned up."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from beam_distill.exit_codes import ExitCode, RunRefused


@contextmanager
def locked(work_dir: str) -> Iterator[None]:
    """Hold the work_dir for one run. Raises RunRefused when another run holds it or it cannot be made."""
    path = Path(work_dir) / "lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        code = ExitCode.STORAGE_FAILED if error.errno in (errno.ENOSPC, errno.EIO) else ExitCode.WRONG_INPUT
        raise RunRefused(code, f"work_dir: {work_dir} cannot be used: {error.strerror}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(handle, 64).decode(errors="replace").strip()
            raise RunRefused(
                ExitCode.WRONG_INPUT,
                f"work_dir: another run (process {holder or 'unknown'}) is working in {work_dir}; wait for it, "
                "or give this run another work_dir",
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


def set_aside(output: str, work_dir: str) -> str | None:
    """Move a dataset of an earlier run into the work_dir, so that a stopped run leaves none that looks finished.

    Returns where it is now, None when there was none.
    """
    if "://" in output:
        if not FileSystems.exists(output):
            return None
        aside = output + ".previous"
        if FileSystems.exists(aside):
            FileSystems.delete([aside])
        FileSystems.rename([output], [aside])
        return aside
    source = Path(output)
    if not source.exists():
        return None
    kept = Path(work_dir) / "previous" / source.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, kept)
    return str(kept)


def remove_staging(work_dir: str) -> None:
    """Remove what runs left behind before their files were put in place."""
    shutil.rmtree(Path(work_dir) / "staging", ignore_errors=True)
