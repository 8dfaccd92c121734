"""``beam-distill status``: the state of a submitted job, and its verdict when it has ended."""

from __future__ import annotations

import argparse
import sys

from beam_distill.after_run.result import summary_text
from beam_distill.cli.command import WORK_DIR, Call, Command, Takes, settings_given
from beam_distill.cli.earlier_run import earlier_settings, on_top_of_earlier, record_of
from beam_distill.cli.job_inputs import declare_inputs
from beam_distill.cli.storage_accounts import use_storage_accounts
from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.work_dir.files import fields_of
from beam_distill.work_dir.submission import read_submission
from transforms.elements.counted import counted
from transforms.files.paths import absolute


def declare(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Besides the job's inputs: the work_dir instead of them, whether to wait, and how the runner reported the end."""
    parser.usage = "beam-distill status WORK_DIR [--follow]\n       beam-distill status [--config FILE] [inputs] [Beam options]"
    parser.add_argument("--of", dest=WORK_DIR, metavar="WORK_DIR", help=argparse.SUPPRESS)
    parser.add_argument("--follow", action="store_true", help="wait for the job's end")
    parser.add_argument(
        "--ended",
        choices=sorted(_SAID),
        help="the end that the job's runner reported, for a job from a portable jar",
    )
    declare_inputs(parser, show_all, groups_shown=("data", "runner"))


def with_work_dir_named(arguments: list[str]) -> list[str]:
    """The arguments with the work_dir as a flag: as a positional, argparse would confuse it with the value of a Beam option."""
    return ["--of", *arguments] if arguments and not arguments[0].startswith("-") else arguments


def settings_of_job(call: Call) -> ResolvedSettings:
    """The job's settings, from its work_dir if given. Raises SettingsError."""
    if not call.has_work_dir:
        return settings_given(call)
    record = record_of(call.work_dir)
    earlier, _ = earlier_settings(record, call.environ)
    return on_top_of_earlier(call, record, earlier)


_SAID = {
    **dict.fromkeys(("DONE", "FINISHED", "COMPLETED"), "DONE"),
    **dict.fromkeys(("FAILED", "SUBMISSION_FAILED"), "FAILED"),
    **dict.fromkeys(("CANCELED", "CANCELLED"), "CANCELLED"),
}
"""The final states of Flink, Spark's operator and Beam, as Beam's states."""


def run(call: Call) -> int:
    """Print the job's state, or at its end the summary. Then the exit code is that of ``run``. Raises RunRefused."""
    # late: keeps requests and aiohttp out of the start
    from beam_distill.job.specs import run_files
    from beam_distill.runners.job_state import ENDED, state_of
    from beam_distill.submit.follow import follow, read_end

    resolved, namespace = call.resolved, call.namespace
    use_storage_accounts(call)
    work_dir = absolute(resolved.settings.resolved_work_dir)
    submission = read_submission(work_dir)
    if submission is None:
        return _last_run(work_dir)
    state = state_of(submission)
    if not submission.job_id and fields_of(run_files(work_dir, submission.run_id).verdict_path) is None:
        if namespace.ended is None:
            print(f"the job {submission.name} has no verdict yet: it was not started, is running, or failed. Ask its runner")
            return int(ExitCode.NOT_ENDED)
        state = _SAID[namespace.ended]
    if state not in ENDED and not namespace.follow:
        print(f"the job {submission.name} on {submission.master} is {state}")
        return int(ExitCode.NOT_ENDED)
    try:
        result = read_end(resolved, submission, state) if state in ENDED else follow(resolved, submission)
    except KeyboardInterrupt:
        print(f"the job {submission.name} on {submission.master} continues", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    print(summary_text(result))
    return int(result.exit_code)


def _last_run(work_dir: str) -> int:
    # late: keeps NumPy out of the start
    from beam_distill.after_run.report.run_files import NoRun, read_run

    try:
        facts = read_run(work_dir)
    except NoRun as missing:
        raise RunRefused(ExitCode.WRONG_INPUT, f"work_dir: no job was submitted from here, and {missing}") from None
    if facts.finished:
        record = facts.record
        print(f"the run {facts.run_id} has ended: {record['message']} (exit code {record['exit_code']})")
        return int(str(record["exit_code"]))
    if facts.running:
        done = ", ".join(f"{split} {counted(rows, 'row')}" for split, rows in (facts.samples[-1]["rows"] if facts.samples else {}).items())
        print(f"the run {facts.run_id} is running" + (f"; done so far: {done}" if done else ""))
        return int(ExitCode.NOT_ENDED)
    raise RunRefused(
        ExitCode.WRONG_INPUT,
        f"work_dir: the run {facts.run_id} in {work_dir} was killed: it has not ended and is not running. Run the same command again: it "
        "continues from the ledger",
    )


COMMAND = Command(
    "status",
    "show the state of a submitted job, and its verdict at its end",
    Takes.SETTINGS,
    declare,
    run,
    resolve=settings_of_job,
    rewrite=with_work_dir_named,
    lists_help=False,
)
