"""The portable jar: a job's pipeline, settings and package with Beam's runner for Flink or Spark.

It is made from Beam's job server jar, without Java: a pod with only Python makes it before the runner starts. Submitting it
needs no Python.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from beam_distill.config.settings import DistillSettings
from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.beam_options import BeamGiven, beam_given
from beam_distill.job.pipeline import build
from beam_distill.run.prepare import PreparedJob, prepare_job
from beam_distill.runners.base import RunnerPlan, options_of
from beam_distill.runners.beam_internals.jar_runner import JarRunner
from beam_distill.runners.beam_internals.own_pipeline import OwnPipeline
from beam_distill.runners.environment import environment_in_words, worker_environment
from beam_distill.runners.job_server import is_on_this_machine
from beam_distill.runners.registry import jar_of
from beam_distill.submit.hand_over import handing_over, submission_of
from beam_distill.submit.job_server_jar import DEFAULT_FLINK_VERSION, job_server_jar
from beam_distill.work_dir.submission import Submission, submitted
from transforms.files.paths import is_remote


def write_jar(resolved: ResolvedSettings, output: str, beam_argv: list[str] | None = None) -> Submission:
    """Make the jar as ``output``, on any filesystem, and record it in the work_dir; a jar is one run, whose id is inside.

    Makes the checks of ``beam-distill run``, and moves datasets of an earlier run aside. Raises RunRefused.
    """
    prepared = prepare_jar(resolved, beam_argv)
    with handing_over(prepared), packed(prepared) as jar:
        copy_file(str(jar), output)
        return submitted(submission_of(prepared, resolved.settings.runner))


def prepare_jar(resolved: ResolvedSettings, beam_argv: list[str] | None = None, ask_again: tuple[str, ...] = ()) -> PreparedJob:
    """A checked job for a jar. Raises RunRefused."""
    plan = jar_plan(resolved.settings, beam_given(resolved, beam_argv or []))
    return prepare_job(resolved, beam_argv, ask_again, plan=plan)


@contextmanager
def packed(prepared: PreparedJob, flink_version: str = DEFAULT_FLINK_VERSION) -> Iterator[Path]:
    """The jar in a folder that is removed after the block. ``flink_version`` is the cluster's, if Beam must fetch its runner."""
    runner, given = prepared.resolved.settings.runner, prepared.given.options
    named = prepared.resolved.settings.job_server_jar or given.get(f"{runner}_job_server_jar")
    runner_jar = job_server_jar(runner, given.get("flink_version") or flink_version, named)
    with tempfile.TemporaryDirectory(prefix="beam-distill-jar-") as folder:
        jar = Path(folder) / "beam-distill.jar"
        pipeline = OwnPipeline(runner=JarRunner(runner_jar, jar, jar_of(runner).passed_on), options=options_of(prepared.plan, prepared.given))
        build(pipeline, prepared.job)
        pipeline.run().wait_until_finish()
        yield jar


def jar_plan(settings: DistillSettings, given: BeamGiven) -> RunnerPlan:
    """Beam's options for a jar: the cluster is where the jar is run. Raises RunRefused for settings that a jar cannot have."""
    options = jar_of(settings.runner).options(settings)
    environment = worker_environment(settings, given, "docker")
    if environment.kind == "loopback":
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            "worker_environment: loopback workers run in the command, and a jar runs without it. Write external:host:port (a worker pool), "
            "docker:image or process:/path/of/boot",
        )
    master = str(settings.master or given.options.get("flink_master") or "")
    return RunnerPlan(
        (*options, *environment.argv),
        f"{settings.runner.capitalize()}, {environment_in_words(environment)}",
        environment=environment.kind,
        same_machine=bool(master) and is_on_this_machine(master, environment),
    )


def copy_file(source: str, target: str) -> None:
    """Copy a file between any two filesystems. Raises RunRefused when it does not exist."""
    try:
        if not is_remote(target):
            os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
        kind = "application/octet-stream"
        with FileSystems.open(source, mime_type=kind) as taken, FileSystems.create(target, mime_type=kind) as given:
            shutil.copyfileobj(taken, given, 1 << 20)
    except OSError as error:
        raise RunRefused(ExitCode.STORAGE_FAILED, f"{source} cannot be copied to {target}: {error}") from None
