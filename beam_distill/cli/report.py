"""``beam-distill report``: the report of a work_dir, at any time."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from beam_distill.exit_codes import ExitCode
from beam_distill.progress.tracker import Prices

_TEXT = "make report.html again from a work_dir, also while a run is going on"


def add_command(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("report", help=_TEXT, description=_TEXT[0].upper() + _TEXT[1:] + ".", allow_abbrev=False)
    parser.add_argument("work_dir", metavar="WORK_DIR", help="the work_dir of a run; by default it is beside the training dataset")
    parser.add_argument("--output", metavar="FILE", help="where to write it (WORK_DIR/report.html)")
    parser.add_argument("--price_per_million_input_tokens", type=float, metavar="X", help="instead of what the run was told")
    parser.add_argument("--price_per_million_output_tokens", type=float, metavar="X", help="instead of what the run was told")
    parser.add_argument("--currency", default="USD", metavar="TEXT", help="what these prices are in (USD)")


def run(namespace: argparse.Namespace) -> int:
    """Write the report; its path goes to standard output."""
    from beam_distill.report.run_files import NoRun
    from beam_distill.report.write import write_report

    per_in, per_out = namespace.price_per_million_input_tokens, namespace.price_per_million_output_tokens
    prices = None if per_in is None and per_out is None else Prices(per_in or 0.0, per_out or 0.0, namespace.currency)
    try:
        print(write_report(namespace.work_dir, namespace.output, prices))
    except NoRun as missing:
        print(f"beam-distill report: {missing}", file=sys.stderr)
        return int(ExitCode.WRONG_INPUT)
    except OSError as error:
        print(f"beam-distill report: the report cannot be written: {error}", file=sys.stderr)
        return int(ExitCode.STORAGE_FAILED)
    return int(ExitCode.PUBLISHED)
