"""``beam-distill run``: the job, and its summary."""

from __future__ import annotations

import sys

from beam_distill.cli.summary import summary_text
from beam_distill.config.sources import ResolvedSettings


def run(resolved: ResolvedSettings, beam_argv: list[str]) -> int:
    """Do the job; the summary goes to standard output. With ``detach`` the job's id instead."""
    from beam_distill.cli.plan import plan_text
    from beam_distill.launch import run_job

    if not resolved.settings.quiet:
        print(plan_text(resolved), file=sys.stderr)
    if resolved.settings.detach:
        from beam_distill.runners.detached import submit_detached

        submission = submit_detached(resolved, beam_argv)
        print(f"job         {submission.job_id} on {submission.master} ({submission.runner})")
        print(f"work_dir    {submission.work_dir}")
        print("read it back with beam-distill status and the same inputs")
        return 0
    result = run_job(resolved, beam_argv)
    print(summary_text(result))
    return int(result.exit_code)
