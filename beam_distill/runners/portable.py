"""Any runner with an external job server."""

from __future__ import annotations

from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.beam_options import BeamGiven
from beam_distill.runners.base import RunnerPlan, processes_in_all
from beam_distill.runners.environment import environment_in_words, worker_environment
from beam_distill.runners.job_server import is_on_this_machine


def plan(settings: DistillSettings, given: BeamGiven) -> RunnerPlan:
    """Raises RunRefused without the job server's address."""
    endpoint = settings.master or given.options.get("job_endpoint")
    if endpoint is None:
        raise RunRefused(ExitCode.WRONG_INPUT, "master: missing; runner portable needs the job server's address, e.g. --master localhost:8099")
    environment = worker_environment(settings, given, "docker")
    argv = (
        "--runner=PortableRunner",
        f"--job_endpoint={endpoint}",
        f"--parallelism={processes_in_all(settings)}",
        f"--sdk_worker_parallelism={settings.max_concurrency_per_instance}",
    )
    return RunnerPlan(
        (*argv, *environment.argv),
        f"the job server {endpoint}, {environment_in_words(environment)}",
        environment=environment.kind,
        same_process=environment.same_process,
        same_machine=is_on_this_machine(str(endpoint), environment),
        cancel=f"the runner behind the job server {endpoint}",
    )
