"""Jobs that outlive the command that submitted them.

``submit_detached`` checks, submits and leaves ``submission.json`` in the work_dir. Whoever has the work_dir and the same settings asks for
the job's state, follows it, stops it, and reads its verdict when it has ended: run.json is written then, as a run that stayed would have.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.runners.flink_rest import FlinkRest, FlinkUnreachable
from beam_distill.work_dir.files import fields_of, write_text
from beam_distill.work_dir.lock import locked

if TYPE_CHECKING:
    from beam_distill.after_run.result import RunResult
    from beam_distill.config.sources import ResolvedSettings
    from beam_distill.run.job import PreparedJob

log = logging.getLogger("beam_distill")

FILE = "submission.json"
ENDED = frozenset({"DONE", "FAILED", "CANCELLED", "DRAINED", "UNKNOWN"})
_OF_FLINK = {"FINISHED": "DONE", "FAILED": "FAILED", "CANCELED": "CANCELLED", "SUSPENDED": "FAILED"}
UNREACHABLE = "UNREACHABLE"


@dataclass(frozen=True, slots=True)
class Submission:
    """One job that was handed over. ``runner`` is ``flink`` (``master`` is its REST address) or ``portable`` (a job server's)."""

    runner: str
    master: str
    job_id: str
    run_id: str
    work_dir: str
    started: str
    endpoint: dict[str, Any]

    @property
    def name(self) -> str:
        """What the job is called after "the job"; one from a portable jar has no id of its own."""
        return self.job_id or f"of run {self.run_id}"


def submit_detached(
    resolved: ResolvedSettings, beam_argv: list[str] | None = None, jar: str | None = None, ask_again: tuple[str, ...] = ()
) -> Submission:
    """Submit the job and return at once. On Flink it goes as a portable jar through the REST interface, kept as ``jar`` when that is given.

    Raises RunRefused when something is wrong, or when the job would end with this command.
    """
    from beam_distill.job.beam_options import beam_given
    from beam_distill.runners.flink import EMBEDDED, master_of
    from beam_distill.submit.submit_jar import submit_to_flink

    settings, given = resolved.settings, beam_given(resolved, beam_argv or [])
    endpoint = given.options.get("job_endpoint") or (settings.master if settings.runner == "portable" else None)
    if endpoint is not None:
        return _submit_to_job_server(resolved, beam_argv, str(endpoint), ask_again)
    if settings.runner == "flink" and master_of(settings, given) != EMBEDDED:
        return submit_to_flink(resolved, beam_argv, jar, ask_again)
    raise RunRefused(
        ExitCode.WRONG_INPUT,
        "detach: this job would end with the command. Give a Flink master (--runner flink --master host:8081), or a job server that "
        "stands by itself (--job_endpoint host:8099)",
    )


@contextmanager
def handing_over(prepared: PreparedJob, *notes: str) -> Iterator[None]:
    """Hold the work_dir while a job is handed over; what the run should know is said, and datasets of an earlier run are moved aside."""
    from beam_distill.run.job import set_outputs_aside
    from beam_distill.runners.refusals import notes_on

    with locked(prepared.work_dir):
        refuse_while_detached(prepared.work_dir)
        for note in (*notes_on(prepared.resolved.settings, prepared.plan), *notes):
            log.info("%s", note)
        set_outputs_aside(prepared)
        yield


def submitted(submission: Submission) -> Submission:
    """Leave word of a submission in its work_dir."""
    write_text(f"{submission.work_dir}/{FILE}", json.dumps(asdict(submission), indent=2) + "\n")
    return submission


def read_submission(work_dir: str) -> Submission | None:
    """The job that was last handed over from this work_dir and whose end nobody has read yet; None when there is none."""
    fields = fields_of(f"{work_dir}/{FILE}")
    if fields is None or fields.get("ended"):
        return None
    try:
        return Submission(**{name: value for name, value in fields.items() if name != "ended"})
    except TypeError:
        log.warning("%s/%s is damaged: whether a job that was handed over still works there is not known", work_dir, FILE)
        return None


def state_of(submission: Submission) -> str:
    """The job's state as its runner tells it, in Beam's words (RUNNING, DONE, FAILED, CANCELLED ...).

    UNKNOWN when the runner does not know the job (any more), UNREACHABLE when it does not answer.
    """
    if not submission.master or not submission.job_id:
        return "UNKNOWN"
    if submission.runner == "flink":
        try:
            state = FlinkRest(submission.master).state(submission.job_id)
        except FlinkUnreachable:
            return UNREACHABLE
        return "UNKNOWN" if state is None else _OF_FLINK.get(state, "RUNNING")
    return _state_from_job_server(submission)


def follow(resolved: ResolvedSettings, submission: Submission, every_s: float = 2.0, patience_s: float = 300.0) -> RunResult:
    """Wait for the job's end and conclude it. A runner that does not answer is waited for up to ``patience_s``."""
    silent_since: float | None = None
    while True:
        state = state_of(submission)
        if state in ENDED:
            return conclude(resolved, submission, state)
        if state != UNREACHABLE:
            silent_since = None
        elif silent_since is None:
            silent_since = time.monotonic()
        elif time.monotonic() - silent_since > patience_s:
            raise RunRefused(
                ExitCode.ENDPOINT_STOPPED,
                f"{submission.master} does not answer for {patience_s:.0f} s; the job {submission.job_id} may go on. Ask again later",
            )
        time.sleep(every_s)


def conclude(resolved: ResolvedSettings, submission: Submission, state: str) -> RunResult:
    """Read the verdict of a job that has ended and write run.json. With no verdict the job itself failed: exit code 1 and the runner's word.

    ``resolved`` must be the settings the job was submitted with.
    """
    from beam_distill.after_run.result import RunResult
    from beam_distill.job.specs import input_spec, run_files
    from beam_distill.run.job import read_result, record_run, with_losses

    files = run_files(submission.work_dir, submission.run_id)
    started = datetime.fromisoformat(submission.started)
    wall_s = (datetime.now(started.tzinfo) - started).total_seconds()
    if fields_of(files.verdict_path) is None or fields_of(files.conclusion_path) is None or state in ("FAILED", "CANCELLED"):
        why = FlinkRest(submission.master).failure(submission.job_id) if submission.runner == "flink" and submission.job_id else ""
        code = ExitCode.INTERRUPTED if state == "CANCELLED" else ExitCode.DEFECT
        message = f"the job {submission.name} ended as {state} without a verdict. A rerun continues: answers on the ledger are kept."
        message = f"{message} {why[:2000]}"
        result = RunResult(code, message.strip(), submission.run_id, submission.work_dir, wall_s=wall_s)
    else:
        told = metrics_told(submission)
        result = replace(read_result(input_spec(resolved.settings), files, submission.run_id, submission.work_dir, told), wall_s=wall_s)
    result = record_run(resolved, with_losses(result), started, submission.endpoint)
    write_text(f"{submission.work_dir}/{FILE}", json.dumps({**asdict(submission), "ended": state}, indent=2) + "\n")
    return result


def stop(submission: Submission, detail: str) -> None:
    """Ask the job's workers to stop sending; it then comes to its end by itself, with a verdict and exit code 130."""
    from beam_distill.job.specs import run_files
    from transforms.elements.failures import EarlyStop, StopCause
    from transforms.run_control import request_stop

    request_stop(run_files(submission.work_dir, submission.run_id).control_dir, EarlyStop(StopCause.INTERRUPTED, detail))


def refuse_while_detached(work_dir: str) -> None:
    """Raise RunRefused while a job that was handed over is still working in this work_dir."""
    submission = read_submission(work_dir)
    if submission is None:
        return
    state = state_of(submission)
    if state not in ENDED:
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"work_dir: the job {submission.job_id} on {submission.master} is {state} and works in {work_dir}; wait for it "
            "(beam-distill status), cancel it, or give this run another work_dir",
        )


def submission_of(prepared: PreparedJob, runner: str, master: str = "", job_id: str = "") -> Submission:
    """The submission of a prepared job; with neither master nor job id it is known by its verdict only."""
    return Submission(runner, master, job_id, prepared.run_id, prepared.work_dir, prepared.started.isoformat(), prepared.endpoint_shown)


def _submit_to_job_server(resolved: ResolvedSettings, beam_argv: list[str] | None, endpoint: str, ask_again: tuple[str, ...]) -> Submission:
    import apache_beam as beam

    from beam_distill.job.pipeline import build
    from beam_distill.run.job import prepare_job
    from beam_distill.runners.base import options_of

    prepared = prepare_job(resolved, beam_argv, ask_again)
    if prepared.plan.environment == "loopback":
        raise RunRefused(ExitCode.WRONG_INPUT, "detach: loopback workers live in this command; set worker_environment to another kind")
    with handing_over(prepared):
        pipeline = beam.Pipeline(options=options_of(prepared.plan, prepared.given))
        build(pipeline, prepared.job)
        return submitted(submission_of(prepared, "portable", endpoint, str(pipeline.run()._job_id)))


def metrics_told(submission: Submission) -> dict[str, Any]:
    """What the runner tells of the job's counters; nothing when it knows none (any more), or does not answer."""
    from beam_distill.runners.metrics import metrics_from_answer

    if not submission.master or not submission.job_id:
        return {}
    try:
        if submission.runner == "flink":
            told = FlinkRest(submission.master).beam_metrics(submission.job_id)
            return {} if told is None else metrics_from_answer(told)
        return metrics_from_answer(_ask_job_server(submission, "GetJobMetrics"))
    except Exception as error:  # noqa: BLE001 - counters are for reading; the verdict comes from the files
        log.info("the runner tells no counters of the job: %s", error)
        return {}


def _state_from_job_server(submission: Submission) -> str:
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2

    try:
        answer = _ask_job_server(submission, "GetState")
    except grpc.RpcError as error:
        return UNREACHABLE if error.code() is grpc.StatusCode.UNAVAILABLE else "UNKNOWN"
    return str(beam_job_api_pb2.JobState.Enum.Name(answer.state))


def _ask_job_server(submission: Submission, question: str) -> Any:
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    request = {"GetState": beam_job_api_pb2.GetJobStateRequest, "GetJobMetrics": beam_job_api_pb2.GetJobMetricsRequest}[question]
    with grpc.insecure_channel(submission.master) as channel:
        stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        return getattr(stub, question)(request(job_id=submission.job_id), timeout=10)
