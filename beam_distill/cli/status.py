"""``beam-distill status``: how a job that was handed over is, and its verdict when it has ended."""

from __future__ import annotations

import argparse
import sys

from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode, RunRefused


def add_flags(command: argparse.ArgumentParser) -> None:
    """Beside the job's inputs: whether to wait, and what somebody else has seen of the end."""
    command.add_argument("--follow", action="store_true", help="wait for the job's end")
    command.add_argument(
        "--ended",
        choices=sorted(_SAID),
        help="how the job's runner said that it ended, for a job that was started from a portable jar: nobody else knows",
    )


_SAID = {
    **dict.fromkeys(("DONE", "FINISHED", "COMPLETED"), "DONE"),
    **dict.fromkeys(("FAILED", "SUBMISSION_FAILED"), "FAILED"),
    **dict.fromkeys(("CANCELED", "CANCELLED"), "CANCELLED"),
}
"""What Flink, Spark's operator and Beam call the ends of a job, in Beam's words."""


def run(resolved: ResolvedSettings, beam_argv: list[str], namespace: argparse.Namespace) -> int:
    """Print the job's state; at its end the summary, and the exit code is the one that ``run`` would have given. Raises RunRefused."""
    from beam_distill.runners.detached import ENDED, conclude, follow, read_submission, state_of
    from beam_distill.runners.plan import beam_given, use_storage_options
    from beam_distill.summary import summary_text
    from beam_distill.wiring import run_files
    from beam_distill.work_dir import absolute, read_fields

    use_storage_options(beam_given(resolved, beam_argv))
    work_dir = absolute(resolved.settings.resolved_work_dir)
    submission = read_submission(work_dir)
    if submission is None:
        return _last_run(work_dir, read_fields(f"{work_dir}/run.json"))
    state = state_of(submission)
    if not submission.job_id and read_fields(run_files(work_dir, submission.run_id).verdict_path) is None:
        if namespace.ended is None:
            print(f"the job {submission.name} has no verdict yet: it was not started, is running, or failed. Its runner knows")
            return int(ExitCode.NOT_ENDED)
        state = _SAID[namespace.ended]
    if state not in ENDED and not namespace.follow:
        print(f"the job {submission.name} on {submission.master} is {state}")
        return int(ExitCode.NOT_ENDED)
    try:
        result = conclude(resolved, submission, state) if state in ENDED else follow(resolved, submission)
    except KeyboardInterrupt:
        print(f"the job {submission.name} on {submission.master} goes on", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    print(summary_text(result))
    return int(result.exit_code)


def _last_run(work_dir: str, record: dict[str, object] | None) -> int:
    from transforms.filesystems import exists

    if record is None:
        seen = ", and no run ended in it; is it the job's work_dir?"
        if exists(f"{work_dir}/started.json"):
            seen = (
                "; a command's own run began there, and goes on or was killed. If it was killed, run the same command again: it goes on from "
                "the ledger"
            )
        raise RunRefused(ExitCode.WRONG_INPUT, f"work_dir: no job was handed over from {work_dir}{seen}")
    print(f"the run {record['run_id']} has ended: {record['message']} (exit code {record['exit_code']})")
    return int(str(record["exit_code"]))
