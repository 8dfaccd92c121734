"""Checks a job and prepares it for its start."""

from __future__ import annotations

import dataclasses
import logging
from datetime import datetime, timezone
from typing import Any

from apache_beam.io.filesystems import FileSystems

from beam_distill.before_run.input_state import InputState, input_state
from beam_distill.before_run.preflight import check_files
from beam_distill.before_run.settle_endpoint import settle_endpoint, settle_judge
from beam_distill.before_run.teacher_pool import Teacher
from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.beam_options import BeamGiven, beam_given
from beam_distill.job.job_spec import JobSpec
from beam_distill.job.specs import job_spec, run_files
from beam_distill.runners.base import RunnerPlan, options_of
from beam_distill.runners.refusals import check_runner
from beam_distill.runners.registry import plan_for
from beam_distill.work_dir.earlier_files import set_aside
from beam_distill.work_dir.leftovers import remove_unfinished_copies
from beam_distill.work_dir.run_id import new_run_id
from transforms.files.matching import is_pattern
from transforms.files.paths import absolute
from transforms.files.shards import shard_paths

log = logging.getLogger("beam_distill")


@dataclasses.dataclass(frozen=True, slots=True)
class PreparedJob:
    """A checked job, ready to start."""

    resolved: ResolvedSettings
    given: BeamGiven
    plan: RunnerPlan
    teacher: Teacher
    job: JobSpec
    started: datetime
    work_dir: str
    inputs: InputState

    @property
    def run_id(self) -> str:
        """The run's name in ledger and run.json."""
        return self.job.scoring.run_id

    @property
    def endpoint_shown(self) -> dict[str, Any]:
        """The endpoint in run.json."""
        endpoint = self.teacher.endpoint
        several = [
            {"name": member.name, "chat_url": member.endpoint.chat_url, "model": member.endpoint.model, "overflow": member.overflow}
            for member in self.teacher.pool
        ]
        return {"chat_url": endpoint.chat_url, "model": endpoint.model, **({"endpoints": several} if several else {})}


def prepare_job(
    resolved: ResolvedSettings, beam_argv: list[str] | None = None, ask_again: tuple[str, ...] = (), plan: RunnerPlan | None = None
) -> PreparedJob:
    """Check everything; ``plan`` replaces the runner's own. Raises RunRefused; nothing is sent or written."""
    settings = resolved.settings
    given = beam_given(resolved, beam_argv or [])
    plan = plan or plan_for(settings, given)
    FileSystems.set_options(options_of(plan, given))  # storage accounts are named by Beam's options
    check_files(settings)
    check_runner(settings, plan)
    if not plan.embedded and is_pattern(settings.resolved_work_dir):
        raise RunRefused(ExitCode.WRONG_INPUT, f"work_dir: {settings.resolved_work_dir} contains [, * or ?, which a cluster reads as a pattern")
    teacher, send, accepted = settle_endpoint(settings, bool(ask_again))
    started = datetime.now(timezone.utc)
    run_id = new_run_id(started, ledger_dir=run_files(settings.resolved_work_dir, "").ledger_dir)
    job = job_spec(settings, teacher.endpoint, run_id, plan.same_process, teacher.pool)
    scoring = dataclasses.replace(job.scoring, ask_again=ask_again, send=send, accepted_before=accepted)
    if send and scoring.judge is not None:
        scoring = dataclasses.replace(scoring, judge=dataclasses.replace(scoring.judge, endpoint=settle_judge(settings, scoring.judge.endpoint)))
    job = dataclasses.replace(job, scoring=scoring)
    return PreparedJob(resolved, given, plan, teacher, job, started, absolute(settings.resolved_work_dir), input_state(job.rows))


def set_outputs_aside(prepared: PreparedJob) -> None:
    """Move the datasets of an earlier run aside, and remove its unfinished files."""
    remove_unfinished_copies(prepared.job.rows, prepared.job.files)
    for files in prepared.job.rows.splits:
        for path in (path for output in files.outputs for path in (output, *shard_paths(output))):
            moved = set_aside(path, prepared.work_dir)
            if moved is not None:
                log.info("the earlier %s is kept as %s", path, moved)
