"""Beam's job server started by hand, as for frequent submissions: the JVM starts only once."""

from __future__ import annotations

from pathlib import Path

from apache_beam.runners.portability.spark_runner import SPARK_JAR_JOB_SERVER_JVM_ARGS
from clusters.job_servers import JobServer
from made_once import tool
from processes import Programs, free_port, listens, wait_for


class StandingJobServer:
    """A job server in front of one cluster, as context manager. ``endpoint`` is for ``--job_endpoint``."""

    def __init__(self, folder: Path, server: JobServer, master: str) -> None:
        self._programs = Programs(folder)
        self._folder = folder
        self._server = server
        self._master = master
        self._port = free_port()
        self.endpoint = f"localhost:{self._port}"

    def __enter__(self) -> StandingJobServer:
        opens = SPARK_JAR_JOB_SERVER_JVM_ARGS if self._server.name == "spark" else []
        option = "--spark-master-url" if self._server.name == "spark" else "--flink-master"
        command = [tool("java", "to run Beam's job servers"), "-Dspark.driver.host=localhost", *opens]
        command += ["-jar", str(self._server.jar())]
        command += [f"{option}={self._master}", f"--job-port={self._port}", "--artifact-port=0", "--expansion-port=0"]
        command += [f"--artifacts-dir={self._folder / 'artifacts'}"]
        try:
            self._programs.start(f"{self._server.name}-job-server", command)
            wait_for("the job server", lambda: listens(self._port))
        except BaseException:
            self._programs.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._programs.end()
