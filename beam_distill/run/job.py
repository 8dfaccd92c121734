"""Running a job: checks, the pipeline on its runner, the verdict, run.json and the exit code."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from beam_distill.after_run.read_result import read_result, with_losses
from beam_distill.after_run.record_run import record_run
from beam_distill.after_run.result import RunResult
from beam_distill.after_run.run_record import write_started
from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode
from beam_distill.job.job_spec import JobSpec
from beam_distill.job.pipeline import build
from beam_distill.job.prices import judge_prices, prices_of
from beam_distill.run.interrupts import Interrupts
from beam_distill.run.prepare import PreparedJob, prepare_job, set_outputs_aside
from beam_distill.run.process_wide import LOST_FILES_PASSED_OVER, RARE_GARBAGE_COLLECTION
from beam_distill.run.progress.choose import follow_metrics, watch_for
from beam_distill.run.progress.displays import display_of_command
from beam_distill.run.progress.watch import Display, Watch, watched
from beam_distill.run.storage_errors import storage_errno, what_to_do
from beam_distill.runners.base import RunnerPlan, options_of
from beam_distill.runners.beam_internals.local_execution import in_process_runner
from beam_distill.runners.beam_internals.own_pipeline import OwnPipeline
from beam_distill.runners.beam_internals.results import metrics_of_now
from beam_distill.runners.failures import reported_by_runner, root_cause
from beam_distill.runners.job_state import refuse_while_detached
from beam_distill.runners.local_workers import WorkerLost, local_workers_watched, worker_command
from beam_distill.runners.metrics import counters_of, metrics_of
from beam_distill.runners.own_job_server import own_job_server
from beam_distill.runners.refusals import notes_on
from beam_distill.work_dir.leftovers import remove_staging
from beam_distill.work_dir.lock import locked
from transforms.teacher.session import close_sessions

log = logging.getLogger("beam_distill")


def run_job(
    resolved: ResolvedSettings,
    beam_argv: list[str] | None = None,
    ask_again: tuple[str, ...] = (),
    show: Callable[[], Display | None] | None = None,
    interrupts: Interrupts | None = None,
) -> RunResult:
    """Do the whole job and return its result.

    ``beam_argv`` has Beam's own options as on a command line; rows that were rejected for a reason in ``ask_again`` are sent again.
    ``show`` makes the progress display when it is needed; ``interrupts`` handles signals. Both are the command's by default.
    Raises RunRefused when the job cannot start; every later end is a RunResult, except our own defects, which are raised unchanged.
    """
    settings = resolved.settings
    prepared = prepare_job(resolved, beam_argv, ask_again)
    clock = time.monotonic()
    with locked(prepared.work_dir):
        refuse_while_detached(prepared.work_dir)
        for note in notes_on(settings, prepared.plan):
            log.info("%s", note)
        write_started(resolved, prepared.run_id, prepared.work_dir, prepared.started, prepared.endpoint_shown)
        set_outputs_aside(prepared)
        with LOST_FILES_PASSED_OVER:
            result = _run(prepared, show or partial(display_of_command, settings.quiet), interrupts or Interrupts(ends_process=True))
        result = with_losses(result)
        result = replace(result, wall_s=time.monotonic() - clock, prices=prices_of(settings), judge_prices=judge_prices(settings))
        return record_run(resolved, result, prepared.started, prepared.endpoint_shown)


def _run(prepared: PreparedJob, show: Callable[[], Display | None], interrupts: Interrupts) -> RunResult:
    work_dir = prepared.work_dir
    try:
        watch = watch_for(prepared.resolved.settings, work_dir, prepared.run_id, prepared.plan.same_process)
        metrics = _run_pipeline(prepared, watch, show(), interrupts)
        return read_result(prepared.job.rows, prepared.job.files, prepared.run_id, work_dir, metrics, prepared.inputs)
    except WorkerLost as lost:
        return RunResult(ExitCode.INTERRUPTED, str(lost), prepared.run_id, work_dir)
    except Exception as error:
        # Beam wraps a stage's exception; a full or broken disk or a failed cluster is not our defect
        message = _not_ours(error, prepared.plan)
        if message is None:
            remove_staging(work_dir, keep_control=True)
            raise
        code = ExitCode.DEFECT if storage_errno(error) is None else ExitCode.STORAGE_FAILED
        return RunResult(code, message, prepared.run_id, work_dir)


def _not_ours(error: Exception, plan: RunnerPlan) -> str | None:
    """The message for an error that is not our defect, None for any other."""
    number = storage_errno(error)
    if number is not None:
        why = root_cause(str(error)) or error
        return f"a file cannot be read or written: {why}. {what_to_do(number)} and rerun: answers on the ledger are kept."
    if plan.embedded:
        return None
    reported = reported_by_runner(error)
    return None if reported is None else f"{reported}. Run the same command again to continue: answers on the ledger are kept."


def _run_pipeline(prepared: PreparedJob, watch: Watch, display: Display | None, interrupts: Interrupts) -> dict[str, Any]:
    job, plan, options = prepared.job, prepared.plan, options_of(prepared.plan, prepared.given)
    runner: Any = None
    if plan.embedded:
        runner = in_process_runner(None if plan.same_process else worker_command())
    try:
        with _served(plan, options), _workers_watched(job, plan), interrupts.stop(job, plan, watch.stopping.set), watched(watch, display):
            with RARE_GARBAGE_COLLECTION:
                pipeline = OwnPipeline(runner=runner, options=options)
                build(pipeline, job)
                result = pipeline.run()
                follow_metrics(watch, lambda: counters_of(metrics_of_now(result)))
                result.wait_until_finish()
            return metrics_of(metrics_of_now(result))
    finally:
        close_sessions(prepared.run_id)


@contextmanager
def _served(plan: RunnerPlan, options: PipelineOptions) -> Iterator[None]:
    """Starts what a runner needs from this command: a job server, and local scoring processes."""
    if plan.embedded:
        yield
        return
    # late: keeps protobuf out of the start
    from beam_distill.runners.loopback import called_back

    with own_job_server(options), called_back(plan, options):
        yield


def _workers_watched(job: JobSpec, plan: RunnerPlan) -> AbstractContextManager[None]:
    if plan.same_process or not plan.embedded or job.scoring.control_dir is None:
        return nullcontext()
    return local_workers_watched(job.scoring.control_dir, job.scoring.patience.drain_s)
