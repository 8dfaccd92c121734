"""Beam's job server: whether it is available, whether it answers, and whether a master's address is local."""

from __future__ import annotations

import os
import re
import shutil
from ipaddress import ip_address
from urllib.parse import urlsplit

import grpc
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.beam_options import BeamGiven
from beam_distill.runners.environment import WorkerEnvironment
from transforms.files.paths import is_remote

PATIENCE_S = 10.0
_HERE = frozenset({"localhost", "127.0.0.1", "::1", "[local]", "[auto]"})
_LOCAL_SPARK = re.compile(r"local(\[.+\])?")
_WITHIN_THE_COMMAND = "embed"


def job_server_argv(settings: DistillSettings, given: BeamGiven, jar_option: str, runner: str) -> list[str]:
    """Beam's options for the job server. Raises RunRefused when there is neither one to connect to nor one to start."""
    if given.options.get("job_endpoint") is not None:
        return []
    launcher = given.options.get("job_server_java_launcher") or "java"
    if shutil.which(launcher) is None:
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"Beam's job server for {runner} needs Java, and {launcher} is not on this machine. Install a Java runtime, or start a job "
            "server elsewhere and give its address with --job_endpoint host:port",
        )
    jar = settings.job_server_jar or given.options.get(jar_option)
    if jar is None:
        return []
    if not is_remote(jar) and not os.path.isfile(jar):
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"job_server_jar: {jar} does not exist. Leave it out and Beam downloads the jar of its own version, or give the path of one",
        )
    return [f"--{jar_option}={jar}"]


def ask_job_server(options: PipelineOptions, given: BeamGiven) -> None:
    """Raises RunRefused if the options name a job server and it does not answer.

    Waits for one that is starting only as long as the user allows (Beam's ``job_server_timeout``).
    """
    endpoint = options.view_as(PortableOptions).job_endpoint
    if not endpoint or endpoint == _WITHIN_THE_COMMAND:
        return
    name = "job_endpoint" if given.options.get("job_endpoint") is not None else "master"
    patience_s = given.options.get("job_server_timeout")
    try:
        with grpc.insecure_channel(endpoint) as channel:
            # Beam's own first request
            beam_job_api_pb2_grpc.JobServiceStub(channel).DescribePipelineOptions(
                beam_job_api_pb2.DescribePipelineOptionsRequest(),
                timeout=PATIENCE_S if patience_s is None else float(patience_s),
                wait_for_ready=patience_s is not None,
            )
    except grpc.RpcError as error:
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"{name}: no Beam job server answers at {endpoint} ({error.code().name}: {error.details()}). Start one there, or give the address "
            f"of one that runs with --{name} host:port; --job_server_timeout SECONDS waits for one that is starting",
        ) from None


def is_local_spark(master: str) -> bool:
    """Whether a Spark master is ``local``, ``local[4]`` or ``local[*]``: threads of the job server instead of a cluster."""
    return _LOCAL_SPARK.fullmatch(master) is not None


def is_on_this_machine(master: str, environment: WorkerEnvironment) -> bool:
    """Whether workers certainly share this machine's disk: with a forwarded port, a pool or a container may run elsewhere.

    Raises RunRefused for a master that is not an address.
    """
    if is_local_spark(master):
        return environment.kind in ("loopback", "process")
    try:
        host = master if master in _HERE else urlsplit(master if "//" in master else f"//{master}").hostname or ""
        if "[" in master and master not in _HERE:
            ip_address(host)  # brackets contain an IPv6 address; Python 3.10 accepts anything between them
    except ValueError:
        said = f"master: {master} is not an address; write host:port, spark://host:7077, or for Spark local[4]"
        raise RunRefused(ExitCode.WRONG_INPUT, said) from None
    return environment.kind == "loopback" or (host in _HERE and environment.kind == "process")
