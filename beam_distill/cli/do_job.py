"""A job from its plan to its summary: what ``run``, ``retry`` and ``launch job-server`` do."""

from __future__ import annotations

import shlex
import sys

from beam_distill.after_run.result import summary_text
from beam_distill.cli.plan_text import plan_text
from beam_distill.config.sources import ResolvedSettings
from beam_distill.run.separate_report import with_report


def do_job(resolved: ResolvedSettings, beam_argv: list[str], ask_again: tuple[str, ...] = ()) -> int:
    """Do the job and print the summary to standard output; with ``detach`` the job's id.

    Rows that were rejected for a reason in ``ask_again`` are sent again. Raises RunRefused.
    """
    # late: keeps Beam out of the start
    from beam_distill.run.job import run_job

    if not resolved.settings.quiet:
        print(plan_text(resolved), file=sys.stderr)
    if resolved.settings.detach:
        # late: keeps requests out of the start
        from beam_distill.submit.submit import submit_detached

        submission = submit_detached(resolved, beam_argv, ask_again=ask_again)
        print(f"job         {submission.job_id} on {submission.master} ({submission.runner})")
        print(f"work_dir    {submission.work_dir}")
        print(f"the job continues by itself; to see its state: beam-distill status {shlex.quote(submission.work_dir)}")
        return 0
    result = run_job(resolved, beam_argv, ask_again)
    if resolved.settings.report:
        result = with_report(result, resolved, beam_argv)
    print(summary_text(result))
    return int(result.exit_code)
