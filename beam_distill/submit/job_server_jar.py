"""Beam's job server jar for a runner: the given one, or the one of Beam's version, which Beam downloads once."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.runners.beam_internals.job_servers import local_jar, path_to_runner_jar
from beam_distill.runners.registry import jar_of

DEFAULT_FLINK_VERSION = "1.19"


def job_server_jar(runner: str, flink_version: str = DEFAULT_FLINK_VERSION, named: str | None = None) -> str:
    """A local path. Raises RunRefused when the jar is not available."""
    jar = named
    if jar is None:
        jar = path_to_runner_jar(jar_of(runner).server.format(flink_version=flink_version))
    try:
        return local_jar(jar)
    except Exception as error:  # noqa: BLE001 - the download can raise anything
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"job_server_jar: {jar} is not available ({error}). Give the path of Beam's job server jar for {runner} with --job_server_jar",
        ) from None


def main(argv: list[str]) -> int:
    """``RUNNER FLINK_VERSION TARGET``: copy the jar of Beam's version to TARGET, for an image."""
    runner, flink_version, target = argv
    try:
        taken = job_server_jar(runner, flink_version)
    except RunRefused as refused:
        print(refused, file=sys.stderr)
        return int(refused.code)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(taken, target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
