"""Running a job: checks, the pipeline on its runner, the verdict, run.json and the exit code."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime, timezone
from functools import partial
from typing import Any

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from beam_distill.after_run.endpoints_used import endpoint_warnings
from beam_distill.after_run.handoff.write import write_handoff
from beam_distill.after_run.left_out import left_out_warnings
from beam_distill.after_run.request_failures import FailureTold, holds_failures, most_frequent
from beam_distill.after_run.result import RunResult
from beam_distill.after_run.run_record import write_run_json, write_started
from beam_distill.before_run.input_state import InputState, changed_since, input_state
from beam_distill.before_run.input_warnings import input_warnings
from beam_distill.before_run.preflight import check_files
from beam_distill.before_run.settle_endpoint import settle_endpoint
from beam_distill.before_run.spending import has_limits, limits_of, rest_text, spent_in
from beam_distill.before_run.teacher_pool import Teacher
from beam_distill.config.settings import DistillSettings
from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import FOR_STOP, ExitCode, RunRefused
from beam_distill.job.beam_options import BeamGiven, beam_given
from beam_distill.job.pipeline import JobSpec, build
from beam_distill.job.prices import prices_of
from beam_distill.job.specs import job_spec, run_files
from beam_distill.run.interrupts import Interrupts
from beam_distill.run.process_wide import LOST_FILES_PASSED_OVER, RARE_GARBAGE_COLLECTION
from beam_distill.run.progress.choose import follow_metrics, watch_for
from beam_distill.run.progress.displays import display_of_command
from beam_distill.run.progress.watch import Display, Watch, watched
from beam_distill.run.staging import staged_without_patterns
from beam_distill.run.storage_errors import storage_errno, what_to_do
from beam_distill.runners.base import RunnerPlan, options_of
from beam_distill.runners.local_workers import WorkerLost, local_worker_environment, local_workers_watched
from beam_distill.runners.metrics import counters_of, metrics_of
from beam_distill.runners.own_pipeline import OwnPipeline
from beam_distill.runners.refusals import check_runner, notes_on
from beam_distill.runners.registry import plan_for
from beam_distill.submit.follow import refuse_while_detached
from beam_distill.work_dir.earlier_files import note_published, set_aside
from beam_distill.work_dir.files import files_for, objects_of
from beam_distill.work_dir.leftovers import remove_staging
from beam_distill.work_dir.lock import is_remote, locked
from beam_distill.work_dir.run_id import new_run_id
from transforms.elements.conclusion import Conclusion, as_written, read_conclusion
from transforms.elements.counted import counted
from transforms.elements.data_specs import InputSpec, RunFiles
from transforms.elements.tally import Verdict
from transforms.elements.verdict_json import read_verdict
from transforms.files.paths import absolute
from transforms.matching import is_pattern
from transforms.run_control import unfinished_requests
from transforms.teacher.session import close_sessions

log = logging.getLogger("beam_distill")


@dataclasses.dataclass(frozen=True, slots=True)
class PreparedJob:
    """A job that was checked and may be started."""

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
        """What run.json says of the endpoint."""
        endpoint = self.teacher.endpoint
        several = [
            {"name": member.name, "chat_url": member.endpoint.chat_url, "model": member.endpoint.model, "overflow": member.overflow}
            for member in self.teacher.pool
        ]
        return {"chat_url": endpoint.chat_url, "model": endpoint.model, **({"endpoints": several} if several else {})}


def prepare_job(
    resolved: ResolvedSettings, beam_argv: list[str] | None = None, ask_again: tuple[str, ...] = (), plan: RunnerPlan | None = None
) -> PreparedJob:
    """Check everything that can be wrong; ``plan`` stands in for the runner's own. Raises RunRefused; nothing is sent or written."""
    settings = resolved.settings
    given = beam_given(resolved, beam_argv or [])
    plan = plan or plan_for(settings, given)
    FileSystems.set_options(options_of(plan, given))  # storage accounts are named by Beam's options
    check_files(settings)
    check_runner(settings, plan)
    if not plan.embedded and is_pattern(settings.resolved_work_dir):
        raise RunRefused(ExitCode.WRONG_INPUT, f"work_dir: {settings.resolved_work_dir} holds [, * or ?, which a cluster takes for a pattern")
    teacher, send = settle_endpoint(settings, bool(ask_again))
    started = datetime.now(timezone.utc)
    run_id = new_run_id(started, ledger_dir=run_files(settings.resolved_work_dir, "").ledger_dir)
    job = job_spec(settings, teacher.endpoint, run_id, plan.same_process, teacher.pool)
    job = dataclasses.replace(job, scoring=dataclasses.replace(job.scoring, ask_again=ask_again, send=send))
    return PreparedJob(resolved, given, plan, teacher, job, started, absolute(settings.resolved_work_dir), input_state(job.rows))


def set_outputs_aside(prepared: PreparedJob) -> None:
    """Move the datasets of an earlier run out of the way."""
    for files in prepared.job.rows.splits:
        if files.output is not None:
            moved = set_aside(files.output, prepared.work_dir)
            if moved is not None:
                log.info("the earlier %s is kept as %s", files.output, moved)


def run_job(
    resolved: ResolvedSettings,
    beam_argv: list[str] | None = None,
    ask_again: tuple[str, ...] = (),
    show: Callable[[], Display | None] | None = None,
    interrupts: Interrupts | None = None,
) -> RunResult:
    """Do the whole job and say how it ended.

    ``beam_argv`` holds Beam's own options as on a command line; rows that were rejected for a reason in ``ask_again`` are sent again.
    ``show`` makes what progress is shown by, when it is time to; ``interrupts`` says what signals do. Both are the command's by default.
    Raises RunRefused when nothing was started; every later ending is a RunResult, except a defect of ours, which is raised as it is.
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
        result = _replace(result, wall_s=time.monotonic() - clock, prices=prices_of(settings))
        return record_run(resolved, result, prepared.started, prepared.endpoint_shown)


def _run(prepared: PreparedJob, show: Callable[[], Display | None], interrupts: Interrupts) -> RunResult:
    work_dir = prepared.work_dir
    try:
        watch = watch_for(prepared.resolved.settings, work_dir, prepared.job.files.ledger_dir, prepared.run_id, prepared.plan.same_process)
        with staged_without_patterns(prepared.job, work_dir) as job:
            metrics = _run_pipeline(dataclasses.replace(prepared, job=job), watch, show(), interrupts)
            return read_result(job.rows, job.files, prepared.run_id, work_dir, metrics, prepared.inputs)
    except WorkerLost as lost:
        return RunResult(ExitCode.INTERRUPTED, str(lost), prepared.run_id, work_dir)
    except Exception as error:
        # Beam wraps what a stage raises; a full or broken disk is no defect of ours, nor is what happens to a cluster
        message = _not_ours(error, prepared.plan)
        if message is None:
            remove_staging(work_dir, keep_control=True)
            raise
        code = ExitCode.DEFECT if storage_errno(error) is None else ExitCode.STORAGE_FAILED
        return RunResult(code, message, prepared.run_id, work_dir)


def _not_ours(error: Exception, plan: RunnerPlan) -> str | None:
    """What is said of an error that is no defect of ours, None for any other."""
    from beam_distill.runners.failures import root_cause, told_by_runner

    number = storage_errno(error)
    if number is not None:
        why = root_cause(str(error)) or error
        return f"a file cannot be read or written: {why}. {what_to_do(number)} and rerun: answers on the ledger are kept."
    if plan.embedded:
        return None
    told = told_by_runner(error)
    return None if told is None else f"{told}. Run the same command again to go on: answers on the ledger are kept."


def with_losses(result: RunResult) -> RunResult:
    """The result with what scoring processes had open when they were lost, and the work_dir without what runs left behind.

    Processes count from the last run on that came to its end: what was lost with a run that failed is told by the next one too.
    """
    staging = f"{result.work_dir}/staging"
    with suppress(Exception):  # every filesystem has errors of its own, and the verdict does not hang on this
        processes, requests = unfinished_requests(f"{staging}/*/control")
        result = _replace(result, processes_lost=processes, open_when_lost=requests)
    remove_staging(result.work_dir, keep_control=result.verdict is None)
    return result


def record_run(resolved: ResolvedSettings, result: RunResult, started: datetime, endpoint: dict[str, Any]) -> RunResult:
    """Write the files for the training and run.json; the result with their paths, or with the failure to write them."""
    result = _replace(result, warnings=result.warnings + _warnings(resolved.settings, result))
    try:
        result = _with_limits(resolved.settings, result)
        result = _replace(result, failures=_failures(result))
        if result.verdict is not None:
            note_published(result.work_dir, result.datasets)
            handoff = write_handoff(resolved.settings, result.verdict, result.datasets, endpoint.get("model"))
            if handoff is not None:
                result = _replace(result, handoff_path=handoff.folder, handoff_holds=handoff.holds)
        return _replace(result, run_json_path=write_run_json(resolved, result, started, endpoint))
    except Exception as error:
        if not isinstance(error, OSError) and not is_remote(result.work_dir):
            raise
        return _replace(result, exit_code=ExitCode.STORAGE_FAILED, message=f"run.json or the files for the training cannot be written: {error}")


def _failures(result: RunResult) -> tuple[FailureTold, ...]:
    """What the endpoint said of requests that failed; read from the rejects only where there are such."""
    splits = result.verdict.splits if result.verdict is not None else ()
    if result.rejects_path is None or not any(holds_failures(part.tally.reasons) for part in splits):
        return ()
    return most_frequent(objects_of(result.rejects_path))


def _with_limits(settings: DistillSettings, result: RunResult) -> RunResult:
    """The result with how much of the job's limits is spent, and where one is reached, what the rest would take."""
    if not has_limits(settings):
        return result
    spent = spent_in(result.work_dir)
    result = _replace(result, limits=tuple(limit.text for limit in limits_of(settings, spent)))
    if result.exit_code is ExitCode.BUDGET_SPENT and result.verdict is not None:
        result = _replace(result, message=f"{result.message} {rest_text(settings, spent, result.verdict)}")
    return result


def _warnings(settings: DistillSettings, result: RunResult) -> tuple[str, ...]:
    warnings = left_out_warnings(result.metrics) + endpoint_warnings(result.metrics)
    for part in result.verdict.splits if result.verdict is not None else ():
        warnings += input_warnings(
            part.split.value,
            part.tally.rows,
            part.tally.asked,
            settings.data_generation_task_type,
            settings.limit is not None,
            settings.min_readable_ratio,
        )
    return tuple(warnings)


def read_result(
    rows: InputSpec, files: RunFiles, run_id: str, work_dir: str, metrics: dict[str, Any], inputs: InputState | None = None
) -> RunResult:
    """How a job that has come to its end ended: its verdict, with the counts of the files that were written.

    ``inputs`` is what the input looked like when the run began, where that is known.
    """
    conclusion = read_conclusion(files_for(files.conclusion_path).read(files.conclusion_path).decode())
    verdict = as_written(read_verdict(files_for(files.verdict_path).read(files.verdict_path).decode()), conclusion)
    datasets = {
        part.split.value: part.output
        for part in rows.splits
        if part.output is not None and (part.pattern is None or verdict.for_split(part.split).published)
    }
    code, message = judged(verdict)
    if conclusion.changed:
        code, message = ExitCode.STORAGE_FAILED, _changed(conclusion, changed_since(inputs, rows) if inputs is not None else "", files)
    return RunResult(
        code,
        message,
        run_id,
        work_dir,
        verdict=verdict,
        datasets=datasets,
        rejects_path=files.rejects_path,
        metrics=metrics,
        repeated=conclusion.repeated,
        warnings=tuple(
            f"ledger: {part.path}: {counted(part.kept, 'record')} can be read; {part.why}. What is lost is asked for again"
            for part in conclusion.damaged
        ),
    )


def _changed(conclusion: Conclusion, changed_files: str, files: RunFiles) -> str:
    """What is said where what was to be written is not what was judged."""
    said = [f"{split.value}: {why}" for split, why in conclusion.changed.items()]
    if changed_files:
        said.append(changed_files)
    said.append(
        f"Nothing is published, for a dataset must be what was judged. Answers are kept in {files.ledger_dir}. Put back what was changed, or "
        "keep it, and run the same command again: only rows without an answer there are sent"
    )
    return ". ".join(said)


def judged(verdict: Verdict) -> tuple[ExitCode, str]:
    """The exit code that a verdict means, and why."""
    refused = [part for part in verdict.splits if not part.published]
    if verdict.stopped is not None:
        return FOR_STOP[verdict.stopped.cause], verdict.stopped.detail
    if refused:
        empty = [part for part in verdict.splits if part.ratio is None]
        code = ExitCode.WRONG_INPUT if len(empty) == len(verdict.splits) else ExitCode.BELOW_MINIMUM
        return code, "; ".join(f"{part.split.value}: {part.explanation}" for part in refused)
    return ExitCode.PUBLISHED, "every dataset is published"


def _replace(result: RunResult, **changes: Any) -> RunResult:
    return dataclasses.replace(result, **changes)


def _run_pipeline(prepared: PreparedJob, watch: Watch, display: Display | None, interrupts: Interrupts) -> dict[str, Any]:
    job, plan, options = prepared.job, prepared.plan, options_of(prepared.plan, prepared.given)
    runner: Any = None
    if plan.embedded:
        # not "DirectRunner": that looks for a binary on the network before it runs in process
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner

        runner = FnApiRunner() if plan.same_process else FnApiRunner(default_environment=local_worker_environment())
    try:
        with _served(plan, options), _workers_watched(job, plan), interrupts.stop(job, plan, watch.stopping.set), watched(watch, display):
            with RARE_GARBAGE_COLLECTION:
                pipeline = OwnPipeline(runner=runner, options=options)
                build(pipeline, job)
                result = pipeline.run()
                follow_metrics(watch, lambda: counters_of(_told(result)))
                result.wait_until_finish()
            return metrics_of(_told(result))
    finally:
        close_sessions(prepared.run_id)


@contextmanager
def _served(plan: RunnerPlan, options: PipelineOptions) -> Iterator[None]:
    """What a runner that is not embedded needs of this command: a job server, and scoring processes if they are to be here."""
    if plan.embedded:
        yield
        return
    from beam_distill.runners.loopback import called_back  # only who needs them waits for their imports
    from beam_distill.runners.own_job_server import own_job_server

    with own_job_server(options), called_back(plan, options):
        yield


def _workers_watched(job: JobSpec, plan: RunnerPlan) -> AbstractContextManager[None]:
    if plan.same_process or not plan.embedded or job.scoring.control_dir is None:
        return nullcontext()
    return local_workers_watched(job.scoring.control_dir, job.scoring.patience.drain_s)


def _told(result: Any) -> Any:
    # Beam's portable result keeps the first answer it gets, which is that of a job that has only begun
    result._metrics = None
    return result.metrics()
