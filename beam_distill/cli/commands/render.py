"""``beam-distill render``: a job as files for a cluster or CI. Needs no Beam."""

from __future__ import annotations

import argparse

from beam_distill.cli.command import Call, Command, Takes
from beam_distill.cli.target_files import declare_target, known, refuse, render_files
from beam_distill.deployment.targets import TARGETS
from beam_distill.deployment.values import documented


def declare(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Declare the flags."""
    declare_target(parser, {target.name: target.what for target in TARGETS.values()})


def run(call: Call) -> int:
    """Write the files and print the next step. Raises SettingsError."""
    refuse(call.leftovers)
    target = call.namespace.target
    if call.namespace.list_values:
        print(documented(known(target)), end="")
        return 0
    folder, rendered, _ = render_files(call)
    print(f"next: {rendered.target.next_for(folder, rendered.values['package'])}")
    return 0


COMMAND = Command("render", "write the job as files for a cluster or CI", Takes.NOTHING, declare, run)
