"""Submitting a prepared job to a cluster, with the work_dir locked meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from beam_distill.runners.job_state import refuse_while_detached
from beam_distill.work_dir.lock import locked
from beam_distill.work_dir.submission import Submission

if TYPE_CHECKING:
    from beam_distill.run.prepare import PreparedJob

log = logging.getLogger("beam_distill")


@contextmanager
def handing_over(prepared: PreparedJob, *notes: str) -> Iterator[None]:
    """Lock the work_dir during the submission; print the notes, and move datasets of an earlier run aside."""
    # late: keeps Beam out of the start
    from beam_distill.run.prepare import set_outputs_aside
    from beam_distill.runners.refusals import notes_on

    with locked(prepared.work_dir):
        refuse_while_detached(prepared.work_dir)
        for note in (*notes_on(prepared.resolved.settings, prepared.plan), *notes):
            log.info("%s", note)
        set_outputs_aside(prepared)
        yield


def submission_of(prepared: PreparedJob, runner: str, master: str = "", job_id: str = "") -> Submission:
    """The submission of a prepared job; without master and job id only its verdict can be read."""
    return Submission(runner, master, job_id, prepared.run_id, prepared.work_dir, prepared.started.isoformat(), prepared.endpoint_shown)
