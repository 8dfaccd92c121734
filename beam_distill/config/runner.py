"""Inputs about where the job runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from beam_distill.config.base import Section, setting


def _read_runner(value: object) -> object:
    return value.strip().lower().removesuffix("runner") if isinstance(value, str) else value


class RunnerSettings(Section):
    """Machines, processes, Beam."""

    runner: Annotated[Literal["direct", "flink", "spark", "prism", "portable"], BeforeValidator(_read_runner)] = setting(
        "direct", "runner", "direct (embedded), flink, spark, prism, portable", "Beam's own options are passed through.", True
    )
    instance_count: int = setting(1, "runner", "machines", ge=1)
    max_concurrency_per_instance: int = setting(1, "runner", "scoring processes on each machine", ge=1)
    beam_options: dict[str, Any] | None = setting(None, "runner", "Beam options by name (config file only)")
