"""Another name for a work_dir whose path Beam would read as a pattern."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from beam_distill.job.job_spec import JobSpec
from transforms.files.matching import is_pattern
from transforms.files.paths import is_remote

_STAGED = ("staging_dir", "verdict_path", "conclusion_path", "control_dir", "row_totals_path")


@contextmanager
def staged_without_patterns(job: JobSpec, work_dir: str) -> Iterator[JobSpec]:
    """The job with a link to Beam's staged files, if the path of the work_dir has ``[``, ``*`` or ``?``.

    Beam uses the paths of staged files as patterns, and cannot quote them. The link is for local processes.
    """
    if is_remote(work_dir) or not is_pattern(work_dir):
        yield job
        return
    with tempfile.TemporaryDirectory(prefix="beam-distill-") as folder:
        link = os.path.join(folder, "work_dir")
        os.symlink(work_dir, link)
        files = replace(job.files, **{name: link + getattr(job.files, name)[len(work_dir) :] for name in _STAGED})
        control_dir = files.control_dir if job.scoring.control_dir is not None else None
        yield replace(job, files=files, scoring=replace(job.scoring, control_dir=control_dir))
