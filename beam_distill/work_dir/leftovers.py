"""Temporary files of runs in a work_dir, and next to its outputs."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from transforms.elements.data_specs import InputSpec, RunFiles
from transforms.files.paths import is_remote
from transforms.files.stored import remove_partials, through_beam

CONTROL = "control"


def remove_staging(work_dir: str, keep_control: bool = False) -> None:
    """Remove temporary files of runs; ``keep_control`` keeps the reports of their processes."""
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
    with suppress(Exception):  # harmless files, and the next run tries again
        beam = through_beam()
        left = [path for path in beam.sizes_of([f"{work_dir}/staging/**"]) if not (keep_control and f"/{CONTROL}/" in path)]
        if left:
            beam.delete(left)


def remove_unfinished_copies(rows: InputSpec, files: RunFiles) -> None:
    """Remove what a process left that was lost while it gave the datasets and the rejects their names."""
    remove_partials(files.rejects_path)
    for split in rows.splits:
        for output in split.outputs:
            remove_partials(output)
