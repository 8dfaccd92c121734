"""Apache Flink, as a batch job: on a cluster, or inside Beam's job server when no master is given.

Parallelism is ``instance_count`` x ``max_concurrency_per_instance``: one slot for each scoring process, and
``max_concurrency_per_instance`` harness processes on each TaskManager. Elements between operators are encoded bytes that nobody changes,
so object reuse is safe.
"""

from __future__ import annotations

from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.beam_options import BeamGiven
from beam_distill.runners.base import PortableJar, RunnerPlan, processes_in_all
from beam_distill.runners.environment import ENVIRONMENT_CACHE, environment_in_words, worker_environment
from beam_distill.runners.flink_rest import FlinkRest, FlinkUnreachable
from beam_distill.runners.job_server import is_on_this_machine, job_server_argv

EMBEDDED = "[local]"


def job_options(settings: DistillSettings) -> list[str]:
    """Beam's options for the job itself, for every way of submission."""
    per_machine = settings.max_concurrency_per_instance
    options = [f"--parallelism={processes_in_all(settings)}", f"--sdk_worker_parallelism={per_machine}", "--object_reuse"]
    if per_machine > 1:
        # a stage begins when the one before has ended: if all start at once, Beam assigns a machine's processes to tasks of any stage in
        # order, and two tasks of the scoring stage may get one process while another is idle
        options.append("--execution_mode_for_batch=BATCH")
    return options


JAR = PortableJar(
    "org.apache.beam.runners.flink.FlinkPipelineRunner",
    "flink:{flink_version}",
    # [auto]: the cluster that runs the jar
    lambda settings: ["--flink_master=[auto]", *job_options(settings)],
)


def master_of(settings: DistillSettings, given: BeamGiven) -> str:
    """The JobManager's address, or EMBEDDED."""
    return str(settings.master or given.options.get("flink_master") or EMBEDDED)


def plan(settings: DistillSettings, given: BeamGiven) -> RunnerPlan:
    """Raises RunRefused when the JobManager does not answer or there is no job server."""
    master = master_of(settings, given)
    processes = processes_in_all(settings)
    argv = [
        "--runner=FlinkRunner",
        f"--flink_master={master}",
        *job_options(settings),
    ]
    notes: list[str] = []
    if master == EMBEDDED:
        argv.append(ENVIRONMENT_CACHE)
        argv.append(f"--flink_version={given.options.get('flink_version', '1.19')}")
        cancel = None
    else:
        rest = FlinkRest(master)
        version, notes = ask_cluster(rest, processes)
        argv.append(f"--flink_version={version}")
        cancel = f"flink cancel -m {rest.url.split('//')[1]} JOB, or the Cancel button of the job on {rest.url}"
    argv += job_server_argv(settings, given, "flink_job_server_jar", "Flink")
    environment = worker_environment(settings, given, "loopback" if master == EMBEDDED else "docker")
    return RunnerPlan(
        (*argv, *environment.argv),
        f"Flink {master}, {environment_in_words(environment)}",
        environment=environment.kind,
        same_process=environment.same_process,
        same_machine=is_on_this_machine(master, environment),
        cancel=cancel,
        notes=tuple(notes),
    )


def ask_cluster(rest: FlinkRest, processes: int) -> tuple[str, list[str]]:
    """The cluster's version, and a note if it has too few slots. Raises RunRefused when no JobManager answers."""
    try:
        version = rest.version()
        slots = rest.slots()
    except FlinkUnreachable as error:
        raise RunRefused(ExitCode.WRONG_INPUT, f"master: no Flink JobManager answers at {rest.url}: {error}") from None
    if processes > slots:
        return version, [
            f"the cluster has {slots} slots now and the job asks for {processes} (instance_count x max_concurrency_per_instance): "
            "Flink waits for more TaskManagers, then gives up"
        ]
    return version, []
