"""From the name of a runner to its plan."""

from __future__ import annotations

from collections.abc import Callable

from beam_distill.config.settings import DistillSettings
from beam_distill.job.beam_options import BeamGiven
from beam_distill.runners import direct, flink, portable, prism, spark
from beam_distill.runners.base import RunnerPlan, options_of
from beam_distill.runners.job_server import ask_job_server

PLANS: dict[str, Callable[[DistillSettings, BeamGiven], RunnerPlan]] = {
    "direct": direct.plan,
    "flink": flink.plan,
    "spark": spark.plan,
    "prism": prism.plan,
    "portable": portable.plan,
}
"""The names are those that the input ``runner`` takes."""


def plan_for(settings: DistillSettings, given: BeamGiven) -> RunnerPlan:
    """The plan of the runner that the settings name. Raises RunRefused when it cannot work, or who is to take the job does not answer."""
    plan = PLANS[settings.runner](settings, given)
    if not plan.embedded:
        ask_job_server(options_of(plan, given), given)
    return plan
