"""The scoring processes of a runner that calls the command back: a pool in the command that starts them at the runner's request.

Beam's own pool starts the first ``python`` on the path; if that has no Beam, the job waits for ever. This one starts the
Python that runs the command, and its processes leave Ctrl-C and SIGTERM to the command and end with it (local_worker.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc, endpoints_pb2
from apache_beam.utils import thread_pool_executor
from google.protobuf import text_format  # type: ignore[import-untyped]

from beam_distill.runners.base import RunnerPlan
from beam_distill.runners.local_worker import ENDS_ONE
from beam_distill.runners.unused_storage import left_out

GRACE_S = 10.0
STDERR = 2  # the number, because sys.stderr may be an object without one


@contextmanager
def called_back(plan: RunnerPlan, options: PipelineOptions) -> Iterator[None]:
    """While the pipeline is made and runs: serve the runner's requests for scoring processes, at the address in ``options``."""
    if plan.environment != "loopback" or plan.same_process:
        yield
        return
    pool = _Pool(options)
    # pings: as in Beam's own servers, a long silent connection is valid
    server = grpc.server(
        thread_pool_executor.shared_unbounded_instance(),
        options=[("grpc.http2.max_pings_without_data", 0), ("grpc.http2.max_ping_strikes", 0)],
    )
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    portable = options.view_as(PortableOptions)
    portable.environment_type, portable.environment_config = "EXTERNAL", f"127.0.0.1:{port}"
    try:
        yield
    finally:
        server.stop(1)
        pool.end()


class _Pool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    def __init__(self, options: PipelineOptions) -> None:
        quiet = {"default_sdk_harness_log_level": "ERROR"}  # the command reports what the user should know
        self._options = json.dumps({**options.get_all_options(drop_default=True), **quiet}, default=str)
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._changing = threading.Lock()

    def StartWorker(self, request: Any, context: Any) -> Any:  # noqa: N802 - the service's name
        """Start a process for the runner's worker."""
        control = endpoints_pb2.ApiServiceDescriptor(url=request.control_endpoint.url)
        environ = {
            **os.environ,
            "WORKER_ID": request.worker_id,
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(control),
            "PIPELINE_OPTIONS": self._options,
        }
        command = [sys.executable, "-m", "beam_distill.runners.local_worker", *left_out()]
        try:
            with self._changing:
                self._workers[request.worker_id] = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=STDERR)
        except OSError as error:
            return beam_fn_api_pb2.StartWorkerResponse(error=f"{sys.executable} cannot be started: {error}")
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, request: Any, context: Any) -> Any:  # noqa: N802 - the service's name
        """End the process of the runner's worker."""
        with self._changing:
            worker = self._workers.pop(request.worker_id, None)
        if worker is not None:
            _end(worker)
        return beam_fn_api_pb2.StopWorkerResponse()

    def end(self) -> None:
        """End every process that is left."""
        with self._changing:
            left, self._workers = list(self._workers.values()), {}
        for worker in left:
            _end(worker)


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(ENDS_ONE)
    try:
        worker.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
