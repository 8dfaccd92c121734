"""A Spark standalone cluster on this machine: a master and workers."""

from __future__ import annotations

import os
import shutil
import signal
from functools import partial
from pathlib import Path

from clusters.distributions import spark_home
from processes import Program, Programs, children_of, free_port, listens, wait_for


def _registered(program: Program) -> bool:
    return "Successfully registered" in program.said()


class SparkCluster:
    """Master and workers of one core each, as context manager."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self._programs = Programs(folder)
        self._folder = folder
        self._wanted = workers
        self._port = free_port()
        self.master = f"spark://localhost:{self._port}"
        self.workers: list[Program] = []

    def __enter__(self) -> SparkCluster:
        spark_class = str(spark_home() / "bin" / "spark-class")
        environ = {
            **os.environ,
            "SPARK_HOME": str(spark_home()),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_PUBLIC_DNS": "localhost",
            "SPARK_NO_DAEMONIZE": "1",
            # else every application leaves 200 MB of packages at each worker
            "SPARK_WORKER_OPTS": " ".join(f"-Dspark.worker.cleanup.{name}" for name in ("enabled=true", "interval=20", "appDataTtl=20")),
        }
        master = "org.apache.spark.deploy.master.Master"
        worker = "org.apache.spark.deploy.worker.Worker"
        try:
            self._programs.start(
                "master", [spark_class, master, "--host", "localhost", "--port", str(self._port), "--webui-port", str(free_port())], environ
            )
            wait_for("the Spark master", lambda: listens(self._port))
            for number in range(self._wanted):
                command = [spark_class, worker, "-c", "1", "-m", "1G", "--host", "localhost", "--webui-port", str(free_port())]
                command += ["-d", str(self._work_of(number)), self.master]
                self.workers.append(self._programs.start(f"worker-{number}", command, environ))
            for program in self.workers:
                wait_for(program.name, partial(_registered, program))
        except BaseException:
            self._programs.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._programs.end()
        for number in range(self._wanted):
            shutil.rmtree(self._work_of(number), ignore_errors=True)

    def executors(self) -> list[int]:
        """The running executors of all workers."""
        below = [pid for worker in self.workers for pid in children_of(worker.pid)]
        return [pid for pid in below if b"CoarseGrainedExecutorBackend" in _command_line(pid)]

    def lose_executor_of(self, pid: int) -> None:
        """SIGKILL to the executor that a process belongs to, and to all of its processes."""
        (executor,) = [one for one in self.executors() if pid == one or pid in children_of(one)]
        for lost in [*children_of(executor), executor]:
            os.kill(lost, signal.SIGKILL)

    def _work_of(self, number: int) -> Path:
        return self._folder / f"work-{number}"


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""
