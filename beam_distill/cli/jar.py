"""``beam-distill jar``: the portable jar of a job, for a Flink or Spark cluster."""

from __future__ import annotations

import argparse
import sys

from beam_distill.config.sources import ResolvedSettings


def add_flags(command: argparse.ArgumentParser) -> None:
    """Beside the job's inputs: where the jar goes."""
    command.add_argument("-o", "--output", metavar="FILE", default="beam-distill-job.jar", help="the jar, on any filesystem (%(default)s)")
    command.add_argument("--fetch", metavar="FILE", help="copy this jar, made before, instead of making one")


def run(resolved: ResolvedSettings, beam_argv: list[str], namespace: argparse.Namespace) -> int:
    """Make the jar, or fetch it. Raises RunRefused."""
    from beam_distill.job.beam_options import beam_given, use_storage_options
    from beam_distill.submit.portable_jar import ENTRY_CLASSES, copy_file, write_jar

    if namespace.fetch is not None:
        use_storage_options(beam_given(resolved, beam_argv))
        copy_file(namespace.fetch, namespace.output)
        print(namespace.output)
        return 0
    submission = write_jar(resolved, namespace.output, beam_argv)
    print(f"jar         {namespace.output}")
    print(f"class       {ENTRY_CLASSES[resolved.settings.runner]}")
    print(f"work_dir    {submission.work_dir}")
    print("when it has run, beam-distill status and the same inputs read the verdict back", file=sys.stderr)
    return 0
