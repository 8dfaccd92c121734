"""``beam-distill jar``: the portable jar of a job, for a Flink or Spark cluster."""

from __future__ import annotations

import argparse
import sys

from beam_distill.cli.command import Call, Command, Takes
from beam_distill.cli.job_inputs import declare_inputs
from beam_distill.job.beam_options import beam_given, use_storage_options


def declare(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Besides the job's inputs: the path of the jar."""
    parser.add_argument("-o", "--output", metavar="FILE", default="beam-distill-job.jar", help="the jar, on any filesystem (%(default)s)")
    parser.add_argument("--fetch", metavar="FILE", help="copy this jar, made before, instead of making one")
    declare_inputs(parser, show_all, groups_shown=("data", "runner"))


def run(call: Call) -> int:
    """Make the jar, or copy it. Raises RunRefused."""
    # late: keeps Beam out of the start
    from beam_distill.runners.registry import jar_of
    from beam_distill.submit.portable_jar import copy_file, write_jar

    resolved, namespace = call.resolved, call.namespace
    if namespace.fetch is not None:
        use_storage_options(beam_given(resolved, call.leftovers))
        copy_file(namespace.fetch, namespace.output)
        print(namespace.output)
        return 0
    submission = write_jar(resolved, namespace.output, call.leftovers)
    print(f"jar         {namespace.output}")
    print(f"class       {jar_of(resolved.settings.runner).entry_class}")
    print(f"work_dir    {submission.work_dir}")
    print("when it has run, beam-distill status with the same inputs shows the verdict", file=sys.stderr)
    return 0


COMMAND = Command("jar", "make the portable jar of the job, for a Flink or Spark cluster", Takes.SETTINGS, declare, run, lists_help=False)
