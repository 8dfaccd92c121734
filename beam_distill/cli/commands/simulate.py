"""``beam-distill simulate``: the embedded teacher."""

from __future__ import annotations

import argparse

from beam_distill.cli.command import Call, Command, Takes
from beam_distill.config.errors import SettingsError
from beam_distill.simulator import command
from beam_distill.simulator.command import add_arguments


def declare(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Declare the flags."""
    parser.usage = "beam-distill simulate [options]"
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, max_help_position=40, width=118)
    add_arguments(parser)


def run(call: Call) -> int:
    """Serve until interrupted. Raises SettingsError."""
    if call.leftovers:
        raise SettingsError([f"unknown argument {call.leftovers[0]}; see beam-distill simulate --help"])
    return command.run(call.namespace)


COMMAND = Command("simulate", "serve an OpenAI-compatible teacher on this machine, for tests", Takes.NOTHING, declare, run)
