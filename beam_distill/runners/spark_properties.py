"""What Spark's driver gets to know about a job: how many cores it takes, and what becomes of an executor whose scoring process died."""

from __future__ import annotations


def driver_properties(executors: int, processes_each: int) -> dict[str, str]:
    """As many cores in all as there are scoring processes, and in an executor as many as it has of them: a core is a task, and each
    task wants a process of its own. With them what ``replacement_properties`` says."""
    return {
        "spark.default.parallelism": str(executors * processes_each),
        "spark.cores.max": str(executors * processes_each),
        "spark.executor.cores": str(processes_each),
        **replacement_properties(executors),
    }


def replacement_properties(executors: int) -> dict[str, str]:
    """Tasks that fail twice on an executor go to another, and an executor where tasks keep failing is replaced.

    Beam keeps the address of a Python process that died and hands it to every further try on that executor; without this the fourth
    fails the job. Nothing where there is one executor: a task that it failed twice would have nowhere to go.
    """
    if executors < 2:
        return {}
    return {
        "spark.excludeOnFailure.enabled": "true",
        "spark.excludeOnFailure.killExcludedExecutors": "true",
        "spark.excludeOnFailure.task.maxTaskAttemptsPerExecutor": "2",
        # executors of one machine fail apart from each other; Spark allows at most one less than spark.task.maxFailures
        "spark.excludeOnFailure.task.maxTaskAttemptsPerNode": "3",
    }


def jvm_arguments(properties: dict[str, str], reported: list[str]) -> list[str]:
    """The properties as Beam's options for the job server's Java, without those in ``reported``, which a person gave as ``-DNAME=VALUE``."""
    named = {argument.removeprefix("-D").partition("=")[0] for argument in reported}
    return [f"--job_server_jvm_properties=-D{name}={value}" for name, value in properties.items() if name not in named]
