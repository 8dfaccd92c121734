"""The properties of a job for Spark's driver: its cores, and the replacement of an executor whose scoring process died."""

from __future__ import annotations


def driver_properties(executors: int, processes_each: int) -> dict[str, str]:
    """In total one core per scoring process, and in an executor as many as it has processes: a core is a task, and each task needs its own
    process. Includes ``replacement_properties``."""
    return {
        "spark.default.parallelism": str(executors * processes_each),
        "spark.cores.max": str(executors * processes_each),
        "spark.executor.cores": str(processes_each),
        **replacement_properties(executors),
    }


def replacement_properties(executors: int) -> dict[str, str]:
    """Tasks that fail twice on an executor go to another, and an executor where tasks keep failing is replaced.

    Beam keeps the address of a dead Python process and assigns it to every further try on that executor; without this the fourth try
    fails the job. Empty for a single executor: a task that failed twice there could not go elsewhere.
    """
    if executors < 2:
        return {}
    return {
        "spark.excludeOnFailure.enabled": "true",
        "spark.excludeOnFailure.killExcludedExecutors": "true",
        "spark.excludeOnFailure.task.maxTaskAttemptsPerExecutor": "2",
        # executors of one machine fail independently; Spark allows at most one less than spark.task.maxFailures
        "spark.excludeOnFailure.task.maxTaskAttemptsPerNode": "3",
    }


def jvm_arguments(properties: dict[str, str], reported: list[str]) -> list[str]:
    """The properties as Beam's options for the job server's Java, without those in ``reported``, which the user gave as ``-DNAME=VALUE``."""
    named = {argument.removeprefix("-D").partition("=")[0] for argument in reported}
    return [f"--job_server_jvm_properties=-D{name}={value}" for name, value in properties.items() if name not in named]
