"""``beam-distill run``: the job, its report and its summary."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from beam_distill.cli.summary import summary_text
from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode
from beam_distill.run_record import RunResult
from beam_distill.stored_files import is_remote

log = logging.getLogger("beam_distill")

REPORT_PATIENCE_S = 1800.0


def run(resolved: ResolvedSettings, beam_argv: list[str], ask_again: tuple[str, ...] = ()) -> int:
    """Do the job; the summary goes to standard output. With ``detach`` the job's id instead.

    Rows that were rejected for a reason in ``ask_again`` are sent once more.
    """
    from beam_distill.cli.plan import plan_text
    from beam_distill.launch import run_job

    if not resolved.settings.quiet:
        print(plan_text(resolved), file=sys.stderr)
    if resolved.settings.detach:
        from beam_distill.runners.detached import submit_detached

        submission = submit_detached(resolved, beam_argv, ask_again=ask_again)
        print(f"job         {submission.job_id} on {submission.master} ({submission.runner})")
        print(f"work_dir    {submission.work_dir}")
        print("the job goes on by itself; read it back with beam-distill status and the same inputs")
        return 0
    result = run_job(resolved, beam_argv, ask_again)
    if resolved.settings.report:
        result = _with_report(result, _storage_options(resolved, beam_argv))
    print(summary_text(result))
    return int(result.exit_code)


def _storage_options(resolved: ResolvedSettings, beam_argv: list[str]) -> tuple[str, ...]:
    """What of Beam's options the report needs to find a work_dir that is not on this machine."""
    if not is_remote(resolved.settings.resolved_work_dir):
        return ()
    from beam_distill.runners.plan import beam_given

    return beam_given(resolved, beam_argv).argv


def _with_report(result: RunResult, options: tuple[str, ...]) -> RunResult:
    """Write the report in a process of its own: what it loads, and whatever may go wrong with it, never touches the run."""
    if result.exit_code is ExitCode.STORAGE_FAILED or not (is_remote(result.work_dir) or Path(result.work_dir).is_dir()):
        return result
    # its arguments go through a pipe: Beam's options may hold the key of a storage account, and others see command lines
    arguments = json.dumps(["report", result.work_dir, *options])
    command = [sys.executable, "-c", "import json, sys; from beam_distill.cli.main import main; sys.exit(main(json.load(sys.stdin)))"]
    try:
        ended = subprocess.run(command, input=arguments, capture_output=True, text=True, timeout=REPORT_PATIENCE_S)
        if ended.returncode == 0:
            return replace(result, report_path=ended.stdout.strip())
        why = ended.stderr.strip().splitlines()[-1:] or [f"exit code {ended.returncode}"]
        wrong = why[0]
    except KeyboardInterrupt:
        wrong = "interrupted"
    except (OSError, subprocess.SubprocessError) as error:
        wrong = str(error)
    log.warning("the report could not be written (%s); the run is not touched by that. Try: beam-distill report %s", wrong, result.work_dir)
    return result
