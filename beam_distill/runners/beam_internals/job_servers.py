"""Beam's job servers as Beam describes them: which command starts them, and where their jars are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import FlinkRunnerOptions, PortableOptions, SparkRunnerOptions, StandardOptions


def job_server_wanted(options: Any) -> Any:
    """Beam's own description of the job server that ``options`` ask for, None when there is one or the runner needs none."""
    if options.view_as(PortableOptions).job_endpoint:
        return None
    runner = options.view_as(StandardOptions).runner
    if runner == "FlinkRunner":
        # late: keeps Beam out of the start
        from apache_beam.runners.portability.flink_runner import FlinkJarJobServer, FlinkRunner

        flink = options.view_as(FlinkRunnerOptions)
        flink.flink_master = FlinkRunner.add_http_scheme(flink.flink_master)
        return None if flink.flink_submit_uber_jar else FlinkJarJobServer(options)
    if runner == "SparkRunner":
        # late: keeps Beam out of the start
        from apache_beam.runners.portability.spark_runner import SparkJarJobServer

        return None if options.view_as(SparkRunnerOptions).spark_submit_uber_jar else SparkJarJobServer(options)
    if runner == "PrismRunner":
        # late: keeps Beam out of the start
        from apache_beam.runners.portability.prism_runner import PrismJobServer

        return PrismJobServer(options)
    return None


def command_and_endpoint(server: Any, artifacts: Path) -> tuple[list[str], str]:
    """The command that starts the server, with ``artifacts`` for a folder of its own, and the address where it will listen.

    Raises what the download of the server says.
    """
    server._artifacts_dir = str(artifacts)
    command, endpoint = server.subprocess_cmd_and_endpoint()
    return [str(word) for word in command], str(endpoint)


def path_to_runner_jar(part: str) -> str:
    """Where the jar of a runner (``flink:1.19``, ``spark:3``) of Beam's own version is, on this machine or to be downloaded."""
    # late: keeps Beam out of the start
    from apache_beam.runners.portability.job_server import JavaJarJobServer

    return str(JavaJarJobServer.path_to_beam_jar(f":runners:{part}:job-server:shadowJar"))


def local_jar(jar: str) -> str:
    """A path on this machine of a jar, which Beam downloads once where it is elsewhere. Raises what the download says."""
    # late: keeps Beam out of the start
    from apache_beam.runners.portability.job_server import JavaJarJobServer

    return str(JavaJarJobServer.local_jar(jar))
