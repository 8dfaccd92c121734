"""Following a job that outlives the command that submitted it: its state, its end, stopping it.

This needs the work_dir and the same settings; at the end it writes the run.json that the run would have written.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.runners.flink_rest import FlinkRest
from beam_distill.runners.job_state import ENDED, UNREACHABLE, reported_metrics, state_of
from beam_distill.work_dir.files import fields_of
from beam_distill.work_dir.submission import Submission, note_end
from transforms.elements.failures import EarlyStop, StopCause

if TYPE_CHECKING:
    from beam_distill.after_run.result import RunResult
    from beam_distill.config.sources import ResolvedSettings


def follow(resolved: ResolvedSettings, submission: Submission, every_s: float = 2.0, patience_s: float = 300.0) -> RunResult:
    """Wait for the job's end and return its result. Tolerates a runner that does not answer for up to ``patience_s``."""
    silent_since: float | None = None
    while True:
        state = state_of(submission)
        if state in ENDED:
            return read_end(resolved, submission, state)
        if state != UNREACHABLE:
            silent_since = None
        elif silent_since is None:
            silent_since = time.monotonic()
        elif time.monotonic() - silent_since > patience_s:
            raise RunRefused(
                ExitCode.ENDPOINT_STOPPED,
                f"{submission.master} has not answered for {patience_s:.0f} s; the job {submission.job_id} may continue. Try again later",
            )
        time.sleep(every_s)


def read_end(resolved: ResolvedSettings, submission: Submission, state: str) -> RunResult:
    """Read the verdict of an ended job and write run.json. Without a verdict the job itself failed: exit code 1 and the runner's message.

    ``resolved`` must be the settings the job was submitted with.
    """
    # late: keeps Beam, aiohttp and pydantic out of the start
    from beam_distill.after_run.read_result import read_result, with_losses
    from beam_distill.after_run.record_run import record_run
    from beam_distill.after_run.result import RunResult
    from beam_distill.job.specs import input_spec, run_files

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
        reported = reported_metrics(submission)
        result = replace(read_result(input_spec(resolved.settings), files, submission.run_id, submission.work_dir, reported), wall_s=wall_s)
    result = record_run(resolved, with_losses(result), started, submission.endpoint)
    note_end(submission, state)
    return result


def stop(submission: Submission, detail: str) -> None:
    """Ask the job's workers to stop sending; then it ends by itself, with a verdict and exit code 130."""
    # late: keeps aiohttp out of the start
    from beam_distill.job.specs import run_files
    from transforms.control.run_control import request_stop

    request_stop(run_files(submission.work_dir, submission.run_id).control_dir, EarlyStop(StopCause.INTERRUPTED, detail))
