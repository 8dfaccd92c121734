"""The plans by the name of the runner."""

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
"""The names are the values of the setting ``runner``."""


def plan_for(settings: DistillSettings, given: BeamGiven) -> RunnerPlan:
    """The plan of the runner in the settings. Raises RunRefused when it cannot work, or the cluster does not answer."""
    plan = PLANS[settings.runner](settings, given)
    if not plan.embedded:
        ask_job_server(options_of(plan, given), given)
    return plan
