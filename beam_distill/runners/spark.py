"""Apache Spark, as a batch job: on a standalone cluster, or inside Beam's job server when no master is given, or a local one (``local[4]``).

Spark schedules by cores: ``instance_count`` x ``max_concurrency_per_instance`` partitions, one core each, and
``max_concurrency_per_instance`` harness processes for each executor. The driver is in Beam's job server, which ends with the command.
An external one (``--job_endpoint``) has the properties that it was started with. Metrics count attempts: a task
that ran twice counts twice in them, never in the verdict.
"""

from __future__ import annotations

from beam_distill.config.settings import DistillSettings
from beam_distill.job.beam_options import BeamGiven
from beam_distill.runners.base import PortableJar, RunnerPlan, processes_in_all
from beam_distill.runners.environment import ENVIRONMENT_CACHE, environment_in_words, worker_environment
from beam_distill.runners.job_server import is_local_spark, is_on_this_machine, job_server_argv
from beam_distill.runners.spark_properties import driver_properties, jvm_arguments

JAR = PortableJar(
    "org.apache.beam.runners.spark.SparkPipelineRunner",
    "spark:3",
    lambda settings: [f"--sdk_worker_parallelism={settings.max_concurrency_per_instance}", ENVIRONMENT_CACHE],
    # Spark's runner asks for it where none is set by default
    {"beam:option:runner:v1": "org.apache.beam.runners.spark.SparkRunner"},
)


def plan(settings: DistillSettings, given: BeamGiven) -> RunnerPlan:
    """Raises RunRefused when there is no job server."""
    each, processes = settings.max_concurrency_per_instance, processes_in_all(settings)
    endpoint = given.options.get("job_endpoint")
    master = str(settings.master or given.options.get("spark_master_url") or f"local[{processes}]")
    local = endpoint is None and is_local_spark(master)
    argv = ["--runner=SparkRunner", f"--spark_master_url={master}", f"--sdk_worker_parallelism={each}"]
    argv.append(ENVIRONMENT_CACHE)
    argv += job_server_argv(settings, given, "spark_job_server_jar", "Spark")
    notes = []
    if endpoint is None and not local:
        reported = given.options.get("job_server_jvm_properties") or []
        argv += jvm_arguments(driver_properties(settings.instance_count, each), reported)
        if each > 1:
            notes.append(
                f"Spark is asked for executors of {each} cores (max_concurrency_per_instance): a worker with fewer starts none, and where "
                "all have fewer the job waits"
            )
    environment = worker_environment(settings, given, "loopback" if local else "docker")
    return RunnerPlan(
        (*argv, *environment.argv),
        f"Spark {endpoint or master}, {environment_in_words(environment)}",
        environment=environment.kind,
        same_process=environment.same_process,
        same_machine=is_on_this_machine(str(endpoint or master), environment),
        cancel=f"the job server at {endpoint}, or Kill beside the application on the Spark master's page" if endpoint else None,
        notes=tuple(notes),
    )
