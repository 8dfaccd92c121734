"""From the name of a runner to its plan."""

from __future__ import annotations

from typing import Any

from beam_distill.config.settings import DistillSettings
from beam_distill.job.beam_options import BeamGiven
from beam_distill.runners import direct, flink, portable, prism, spark
from beam_distill.runners.base import RunnerPlan, options_of
from beam_distill.runners.job_server import ask_job_server


def plan_for(settings: DistillSettings, given: BeamGiven) -> RunnerPlan:
    """The plan of the runner that the settings name. Raises RunRefused when it cannot work, or who is to take the job does not answer."""
    module: Any = {"direct": direct, "flink": flink, "spark": spark, "prism": prism, "portable": portable}[settings.runner]
    plan: RunnerPlan = module.plan(settings, given)
    if not plan.embedded:
        ask_job_server(options_of(plan, given), given)
    return plan
