"""What runs leave behind in a work_dir before their files are in place."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from transforms.files.paths import is_remote
from transforms.files.stored import through_beam

CONTROL = "control"


def remove_staging(work_dir: str, keep_control: bool = False) -> None:
    """Remove what runs left behind before their files were put in place; ``keep_control`` leaves what their processes reported."""
    if not is_remote(work_dir):
        for run in Path(work_dir, "staging").glob("*"):
            for entry in run.iterdir() if keep_control and run.is_dir() else [run]:
                if keep_control and entry.name == CONTROL:
                    continue
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            Path(work_dir, "staging").rmdir()
        return
    with suppress(Exception):  # only litter, and the next run tries again
        beam = through_beam()
        left = [path for path in beam.sizes_of([f"{work_dir}/staging/**"]) if not (keep_control and f"/{CONTROL}/" in path)]
        if left:
            beam.delete(left)
