"""How a job gets onto its runner."""

from __future__ import annotations

from dataclasses import dataclass

from apache_beam.options.pipeline_options import PipelineOptions

from beam_distill.config.settings import DistillSettings
from beam_distill.job.beam_options import BeamGiven, _read


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


def processes_in_all(settings: DistillSettings) -> int:
    """Scoring processes over all machines."""
    return settings.instance_count * settings.max_concurrency_per_instance


def options_of(plan: RunnerPlan, given: BeamGiven) -> PipelineOptions:
    """Beam's options for a pipeline: the plan's, and after them what the person gave. Raises RunRefused for a value that Beam does not take."""
    return _read((*plan.argv, *given.argv))
