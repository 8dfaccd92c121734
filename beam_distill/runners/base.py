"""How a job gets onto its runner."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from beam_distill.config.runner import as_arguments
from beam_distill.config.settings import DistillSettings
from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode, RunRefused


@dataclass(frozen=True, slots=True)
class BeamGiven:
    """Beam's own options as the person gave them, in the config file and on the command line; they win over ours."""

    argv: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """Those that were given, by name. Raises RunRefused for a value that Beam does not take."""
        given: dict[str, Any] = _read(self.argv).get_all_options(drop_default=True)
        return given


@dataclass(frozen=True, slots=True)
class RunnerPlan:
    """What a runner's file made of the settings.

    ``argv`` are Beam's options, ``where`` says in words where the scoring processes run. ``embedded``: Beam's in-process runner does the
    job; else ``environment`` is one of environment.py's kinds. ``same_process``: the scoring sessions live in the command's own process.
    ``same_machine``: every worker sees this machine's disk. ``cancel`` says how to end the job when the command is gone; None when it ends
    with the command. ``notes`` are said before submission.
    """

    argv: tuple[str, ...]
    where: str
    embedded: bool = False
    environment: str = "embedded"
    same_process: bool = False
    same_machine: bool = False
    cancel: str | None = None
    notes: tuple[str, ...] = ()


def beam_given(resolved: ResolvedSettings, beam_argv: list[str]) -> BeamGiven:
    """Beam's options from the config file, then those of the command line."""
    return BeamGiven((*as_arguments(resolved.settings.beam_options or {}), *beam_argv))


def processes_in_all(settings: DistillSettings) -> int:
    """Scoring processes over all machines."""
    return settings.instance_count * settings.max_concurrency_per_instance


def plan_for(settings: DistillSettings, given: BeamGiven) -> RunnerPlan:
    """The plan of the runner that the settings name. Raises RunRefused when it cannot work, or who is to take the job does not answer."""
    from beam_distill.runners import direct, flink, portable, prism, spark
    from beam_distill.runners.job_server import ask_job_server

    module: Any = {"direct": direct, "flink": flink, "spark": spark, "prism": prism, "portable": portable}[settings.runner]
    plan: RunnerPlan = module.plan(settings, given)
    if not plan.embedded:
        ask_job_server(options_of(plan, given), given)
    return plan


def options_of(plan: RunnerPlan, given: BeamGiven) -> PipelineOptions:
    """Beam's options for a pipeline: the plan's, and after them what the person gave. Raises RunRefused for a value that Beam does not take."""
    return _read((*plan.argv, *given.argv))


def use_storage_options(given: BeamGiven) -> None:
    """Let Beam's filesystems know the storage accounts that its options name."""
    from apache_beam.io.filesystems import FileSystems

    FileSystems.set_options(_read(given.argv))


def _read(argv: Iterable[str]) -> PipelineOptions:
    """Beam ends the process where a value is wrong, with every option that it has; a person is told the one line that matters."""
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            options = PipelineOptions(list(argv))
            options.get_all_options()
    except SystemExit:
        line = (said.getvalue().strip().splitlines() or ["not understood"])[-1]
        raise RunRefused(ExitCode.WRONG_INPUT, f"Beam's options: {line.partition('error: ')[2] or line}") from None
    print(said.getvalue(), end="", file=sys.stderr)
    return options
