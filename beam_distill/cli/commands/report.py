"""``beam-distill report``: the report of a work_dir, at any time."""

from __future__ import annotations

import argparse
import sys

from beam_distill.cli.command import WORK_DIR, Call, Command, Takes
from beam_distill.config.fields import plainly
from beam_distill.config.flags import add_flags_of
from beam_distill.config.sources import view_settings
from beam_distill.exit_codes import ExitCode
from beam_distill.job.prices import PRICE_SETTINGS, prices_of


def declare(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Declare the flags."""
    parser.add_argument(WORK_DIR, metavar="WORK_DIR", help="the work_dir of a run, local or remote; by default next to the training dataset")
    parser.add_argument("--output", metavar="FILE", help="where to write it (WORK_DIR/report.html)")
    add_flags_of(parser, tuple(PRICE_SETTINGS.values()), "instead of the run's own")


def run(call: Call) -> int:
    """Write the report; print its path and how many answers agree with the labels of their rows to standard output."""
    # late: keeps matplotlib and fastavro out of the start
    from beam_distill.after_run.report.run_files import NoRun
    from beam_distill.after_run.report.write import write_report

    output = call.namespace.output
    given = view_settings(call.inputs)
    try:
        path, agreement = write_report(call.work_dir, output, prices_of(given))
        print(path)
        if agreement:
            print(agreement)
    except NoRun as missing:
        print(f"beam-distill report: {missing}", file=sys.stderr)
        return int(ExitCode.WRONG_INPUT)
    except OSError as error:
        print(f"beam-distill report: {output or 'report.html'} cannot be written: {plainly(error)}", file=sys.stderr)
        return int(ExitCode.STORAGE_FAILED)
    return int(ExitCode.PUBLISHED)


COMMAND = Command("report", "write report.html again from a work_dir, also during a run", Takes.WORK_DIR, declare, run)
