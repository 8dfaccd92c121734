"""The plan for running a job on its runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from apache_beam.options.pipeline_options import PipelineOptions

from beam_distill.config.settings import DistillSettings
from beam_distill.job.beam_options import BeamGiven, _read


@dataclass(frozen=True, slots=True)
class RunnerPlan:
    """A runner's plan for the settings.

    ``argv`` are Beam's options, ``where`` describes where the scoring processes run. ``embedded``: Beam's in-process runner runs the
    job; else ``environment`` is one of environment.py's kinds. ``same_process``: the scoring sessions are in the command's own process.
    ``same_machine``: every worker can use this machine's disk. ``cancel`` says how to end the job without the command; None if it ends
    with the command. ``notes`` are printed before submission.
    """

    argv: tuple[str, ...]
    where: str
    embedded: bool = False
    environment: str = "embedded"
    same_process: bool = False
    same_machine: bool = False
    cancel: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PortableJar:
    """The portable jars of a runner: their main class, and the job server whose jar they are made from (``server``: Beam's name of it, in
    which ``{flink_version}`` is filled in). ``options`` are Beam's for the job; ``passed_on`` those that its Python side would drop.
    """

    entry_class: str
    server: str
    options: Callable[[DistillSettings], list[str]]
    passed_on: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Runner:
    """A runner: how it plans a job, and its portable jars, None if there are none."""

    plan: Callable[[DistillSettings, BeamGiven], RunnerPlan]
    jar: PortableJar | None = None


def processes_in_all(settings: DistillSettings) -> int:
    """Scoring processes over all machines."""
    return settings.instance_count * settings.max_concurrency_per_instance


def options_of(plan: RunnerPlan, given: BeamGiven) -> PipelineOptions:
    """Beam's options for a pipeline: the plan's, then the user's. Raises RunRefused for a value that Beam does not accept."""
    return _read((*plan.argv, *given.argv))
