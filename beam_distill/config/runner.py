"""Inputs about where the job runs."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import BeamOptions, Flag, SizeBytes


def _read_runner(value: object) -> object:
    return value.strip().lower().removesuffix("runner") if isinstance(value, str) else value


def _read_directories(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return tuple(os.fspath(part) if isinstance(part, os.PathLike) else part for part in value)
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def as_arguments(options: dict[str, Any]) -> list[str]:
    """Beam's options by name as command-line arguments: true is the bare flag, a list is repeated, false and null are left out."""
    words = []
    for name, value in options.items():
        if value is True:
            words.append(f"--{name}")
        elif isinstance(value, list):
            words += [f"--{name}={part}" for part in value]
        elif value is not False and value is not None:
            words.append(f"--{name}={value}")
    return words


Directories = Annotated[tuple[str, ...] | None, BeforeValidator(_read_directories)]


class RunnerSettings(Section):
    """Machines, processes, Beam."""

    runner: Annotated[Literal["direct", "flink", "spark", "prism", "portable"], BeforeValidator(_read_runner)] = setting(
        "direct", "runner", "direct (embedded), flink, spark, prism, portable", "Beam's own options are passed through.", True
    )
    master: str | None = setting(
        None,
        "runner",
        "the cluster: host:8081, spark://host:7077, or a job server's host:port",
        "For Flink, Spark, and Prism or portable. Unset: one is started on this machine.",
        True,
    )
    worker_environment: str | None = setting(
        None,
        "runner",
        "loopback, process:/path/of/boot, docker:image, external:host:port",
        "Where the scoring processes run. Default: loopback without a master, else docker.",
    )
    worker_package: Literal["image", "sdist"] | None = setting(
        None,
        "runner",
        "how workers get this package: image (installed there) or sdist (shipped)",
        "Default: sdist for docker without an image, else image.",
    )
    job_server_jar: str | None = setting(
        None, "runner", "Beam's job server for Flink or Spark, a jar", "Unset: Beam downloads the one of its version."
    )
    shared_directories: Directories = setting(
        None,
        "runner",
        "directories that every worker mounts at the same path, comma-separated",
        "Other local paths are refused on a cluster.",
    )
    detach: Flag = setting(False, "runner", "submit the job and exit; beam-distill status shows its state")
    ledger_segment_seconds: float = setting(
        5.0,
        "runner",
        "on object storage: seconds of answers in one ledger segment",
        "Too small makes many objects; with a large value a lost worker loses more, and the next turn of a conversation waits longer.",
        gt=0,
    )
    ledger_segment_bytes: SizeBytes = setting(
        "8MB", "runner", "on object storage: bytes of answers that seal a segment early", ge=1024, validate_default=True
    )
    instance_count: int = setting(1, "runner", "machines", ge=1)
    max_concurrency_per_instance: int = setting(1, "runner", "scoring processes on each machine", ge=1)
    beam_options: BeamOptions | None = setting(None, "runner", "Beam options by name (config file only)")
