"""The job server that the command starts: Beam's for Flink and Spark, in Java, or Prism.

Beam could start it too, but then Ctrl-C would kill it, and with it the job's status. This one does not get the terminal's signals: the
command asks the workers to stop and gets the job's status until its end.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import PortableOptions

from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.runners.beam_internals.job_servers import command_and_endpoint, job_server_wanted

START_PATIENCE_S = 180.0
GRACE_S = 10.0
LAST_WORDS = 2000


@contextmanager
def own_job_server(options: Any) -> Iterator[None]:
    """While the pipeline is made and runs: a job server, if ``options`` name none; its address is added to them.

    It starts while the pipeline is being made; Beam waits for it. Raises RunRefused when it is not available.
    """
    server = job_server_wanted(options)
    if server is None:
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="beam-distill-job-server-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        try:
            command, endpoint = command_and_endpoint(server, folder / "artifacts")
        except Exception as error:  # noqa: BLE001 - the download can raise anything
            raise RunRefused(
                ExitCode.WRONG_INPUT,
                f"Beam's job server is not available ({error}). Give its jar with --job_server_jar, or Prism's binary with --prism_location",
            ) from None
        with open(folder / "log", "wb") as log_file:
            # a separate session: a terminal's Ctrl-C goes to every process of the command
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log_file, stderr=subprocess.STDOUT, start_new_session=True)
        _wait_for(process, int(endpoint.rpartition(":")[2]), folder / "log")
        options.view_as(PortableOptions).job_endpoint = endpoint
        yield
    finally:
        if process is not None:
            _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline_s = time.monotonic() + START_PATIENCE_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("localhost", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline_s:
            said = log.read_text(errors="replace")[-LAST_WORDS:].strip()
            how = f"ended with {process.returncode}" if process.poll() is not None else f"does not listen after {START_PATIENCE_S:.0f} s"
            raise RunRefused(ExitCode.WRONG_INPUT, f"Beam's job server {how}. Its last output:\n{said}")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(GRACE_S)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return
