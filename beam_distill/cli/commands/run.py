"""``beam-distill run``: the job, its report and its summary."""

from __future__ import annotations

from beam_distill.cli.command import Call, Command, Takes
from beam_distill.cli.do_job import do_job
from beam_distill.cli.job_inputs import declare_inputs


def run(call: Call) -> int:
    """Do the job. Raises RunRefused."""
    return do_job(call.resolved, call.leftovers)


COMMAND = Command("run", "do the job: rows in, two datasets out", Takes.SETTINGS, declare_inputs, run, lists_help=False)
