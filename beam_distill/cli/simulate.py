"""``beam-distill simulate``: the embedded teacher."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from beam_distill.exit_codes import ExitCode

_TEXT = "serve an OpenAI-compatible teacher on this machine, for trying things out"


def add_command(commands: Any) -> None:
    """Declare the subcommand."""
    from beam_distill.simulator.command import add_arguments

    parser = commands.add_parser(
        "simulate",
        help=_TEXT,
        usage="beam-distill simulate [options]",
        description=_TEXT[0].upper() + _TEXT[1:] + ".",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=40, width=118),
        allow_abbrev=False,
    )
    add_arguments(parser)


def run(namespace: argparse.Namespace, leftovers: list[str]) -> int:
    """Serve until interrupted."""
    from beam_distill.simulator import command

    if leftovers:
        print(f"beam-distill simulate: unknown argument {leftovers[0]}; see beam-distill simulate --help", file=sys.stderr)
        return int(ExitCode.WRONG_INPUT)
    return command.run(namespace)
