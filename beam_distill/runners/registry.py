"""The runners by name."""

from __future__ import annotations

from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.beam_options import BeamGiven
from beam_distill.runners import direct, flink, portable, prism, spark
from beam_distill.runners.base import PortableJar, Runner, RunnerPlan, options_of
from beam_distill.runners.job_server import ask_job_server

RUNNERS = {
    "direct": Runner(direct.plan),
    "flink": Runner(flink.plan, flink.JAR),
    "spark": Runner(spark.plan, spark.JAR),
    "prism": Runner(prism.plan),
    "portable": Runner(portable.plan),
}
"""The names are the values of the setting ``runner``."""


def jar_of(runner: str) -> PortableJar:
    """The portable jars of a runner. Raises RunRefused if there are none."""
    jar = RUNNERS[runner].jar
    if jar is None:
        names = " and ".join(name for name, known in RUNNERS.items() if known.jar is not None)
        raise RunRefused(ExitCode.WRONG_INPUT, f"runner: there are portable jars for {names}, not for {runner}")
    return jar


def plan_for(settings: DistillSettings, given: BeamGiven) -> RunnerPlan:
    """The plan of the runner in the settings. Raises RunRefused when it cannot work, or the cluster does not answer."""
    plan = RUNNERS[settings.runner].plan(settings, given)
    if not plan.embedded:
        ask_job_server(options_of(plan, given), given)
    return plan
