"""Prism, Beam's portable runner in Go. Without a master Beam starts it: from ``--prism_location``, else it downloads the binary.

Prism decides how many bundles run in parallel; with ``max_concurrency_per_instance`` above one each gets its own process.
"""

from __future__ import annotations

from beam_distill.config.settings import DistillSettings
from beam_distill.job.beam_options import BeamGiven
from beam_distill.runners.base import RunnerPlan
from beam_distill.runners.environment import environment_in_words, worker_environment
from beam_distill.runners.job_server import is_on_this_machine


def plan(settings: DistillSettings, given: BeamGiven) -> RunnerPlan:
    """With a master the job goes to the Prism that listens there."""
    environment = worker_environment(settings, given, "loopback")
    argv = ["--runner=PrismRunner", f"--sdk_worker_parallelism={settings.max_concurrency_per_instance}"]
    if settings.master is not None:
        argv.append(f"--job_endpoint={settings.master}")
    endpoint = settings.master or given.options.get("job_endpoint")
    return RunnerPlan(
        (*argv, *environment.argv),
        f"Prism {endpoint or 'of its own'}, {environment_in_words(environment)}",
        environment=environment.kind,
        same_process=environment.same_process,
        same_machine=endpoint is None or is_on_this_machine(str(endpoint), environment),
    )
