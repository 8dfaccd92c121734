"""Where the scoring processes run, and how this package gets there.

``worker_environment`` is a kind, or a kind and an address:

    loopback            in processes of the command itself; for masters on this machine
    process:BOOT        the runner's workers start Beam's boot program at the path BOOT on their own machine
    docker:IMAGE        the runner's workers start a container; without IMAGE Beam's own, where the package is installed
    external:HOST:PORT  a worker pool next to each worker (a sidecar); without an address localhost:50000
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass

from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.beam_options import BeamGiven
from beam_distill.runners.base import processes_in_all
from beam_distill.runners.package import workers_setup_file

DEFAULT_POOL = "localhost:50000"
ENVIRONMENT_CACHE = "--environment_cache_millis=60000"
"""Spark ends the workers of a stage with the stage; keeping them for the next stage saves seconds. Not for a Flink cluster: it has no effect
if Flink loads Beam with the job, and if Beam is in Flink's lib a dead worker is assigned again at every try."""
KINDS = ("loopback", "process", "docker", "external")


@dataclass(frozen=True, slots=True)
class WorkerEnvironment:
    """``kind`` is one of KINDS; ``argv`` Beam's options for it; ``given``: the user set Beam's options directly.

    ``same_process``: the scoring is in the command's own process.
    """

    kind: str
    argv: tuple[str, ...]
    given: bool = False
    same_process: bool = False


def worker_environment(settings: DistillSettings, given: BeamGiven, default: str) -> WorkerEnvironment:
    """The environment of a portable runner; ``default`` is the kind without a setting. Raises RunRefused for an unknown kind."""
    kind, place = default, ""
    by_beam = given.options.get("environment_type")
    if by_beam is not None and str(by_beam).lower() != "loopback":
        return WorkerEnvironment(str(by_beam).lower(), _package(settings, "image"), given=True)
    if by_beam is not None:
        kind = "loopback"
    elif settings.worker_environment is not None:
        kind, _, place = settings.worker_environment.partition(":")
        kind = kind.strip().lower()
    if kind not in KINDS or (kind == "process" and not place):
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"worker_environment: {settings.worker_environment or kind} is not known; write loopback, process:/path/of/boot, docker:image or "
            "external:host:port",
        )
    argv = [f"--environment_type={kind.upper()}"]
    if kind == "process":
        path = f"{os.path.dirname(sys.executable)}:/usr/local/bin:/usr/bin:/bin"
        # without the second variable the boot program makes its own environment, without Beam
        config = {"command": place, "env": {"PATH": path, "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1"}}
        argv.append(f"--environment_config={json.dumps(config)}")
    elif kind == "docker" and place:
        argv.append(f"--environment_config={place}")
    elif kind == "external":
        argv.append(f"--environment_config={place or DEFAULT_POOL}")
    elif kind == "loopback":
        # all of them are on this machine, regardless of the runner's idea of a machine (loopback.py starts them)
        argv.append(f"--sdk_worker_parallelism={processes_in_all(settings)}")
    shipped = "sdist" if kind == "docker" and not place else "image"
    same_process = kind == "loopback" and processes_in_all(settings) == 1
    return WorkerEnvironment(kind, (*argv, *_package(settings, shipped)), same_process=same_process)


def _package(settings: DistillSettings, default: str) -> tuple[str, ...]:
    if (settings.worker_package or default) == "sdist":
        return (f"--setup_file={workers_setup_file()}",)
    return ()


def environment_in_words(environment: WorkerEnvironment) -> str:
    """Where the scoring processes run, for the plan."""
    return {
        "loopback": "in processes of this command",
        "process": "in processes that the cluster's workers start",
        "docker": "in containers that the cluster's workers start",
        "external": "in worker pools next to the cluster's workers",
    }.get(environment.kind, environment.kind)
