"""Beam's job server: whether it can be had, and which machine a master's address means."""

from __future__ import annotations

import os
import shutil
from urllib.parse import urlsplit

from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.runners.environment import WorkerEnvironment
from beam_distill.runners.plan import BeamGiven

_HERE = frozenset({"localhost", "127.0.0.1", "::1", "[local]", "[auto]"})


def job_server_argv(settings: DistillSettings, given: BeamGiven, jar_option: str, runner: str) -> list[str]:
    """Beam's options about the job server. Raises RunRefused when there is neither one to connect to nor one to start."""
    if given.options.get("job_endpoint") is not None:
        return []
    launcher = given.options.get("job_server_java_launcher") or "java"
    if shutil.which(launcher) is None:
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"Beam's job server for {runner} needs Java, and {launcher} is not on this machine. Install a Java runtime, or start a job "
            "server elsewhere and give its address with --job_endpoint host:port",
        )
    jar = settings.job_server_jar or given.options.get(jar_option)
    if jar is None:
        return []
    if "://" not in jar and not os.path.isfile(jar):
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"job_server_jar: {jar} is not there. Leave it out and Beam downloads the jar of its own version, or give the path of one",
        )
    return [f"--{jar_option}={jar}"]


def is_on_this_machine(master: str, environment: WorkerEnvironment) -> bool:
    """Whether workers certainly share this machine's disk: a forwarded port says nothing about where a pool or a container runs."""
    host = master if master in _HERE else urlsplit(master if "//" in master else f"//{master}").hostname or ""
    return environment.kind == "loopback" or (host in _HERE and environment.kind == "process")
