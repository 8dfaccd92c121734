"""A Flink session cluster on this machine: one JobManager and any number of TaskManagers. Started with java; the wheel has no scripts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import requests
from clusters.distributions import flink_home
from made_once import tool
from processes import Program, Programs, free_port, wait_for

_OPENS = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.util", "java.lang", "java.time", "java.nio")]

# the distribution's scripts would compute some of these values; without them each one is needed
_CONFIG = """
jobmanager.rpc.address: localhost
jobmanager.rpc.port: {rpc}
jobmanager.bind-host: localhost
jobmanager.memory.heap.size: 512m
jobmanager.memory.off-heap.size: 128m
jobmanager.memory.jvm-metaspace.size: 256m
jobmanager.memory.jvm-overhead.min: 192m
jobmanager.memory.jvm-overhead.max: 192m
rest.address: localhost
rest.bind-address: localhost
rest.port: {rest}
taskmanager.host: localhost
taskmanager.bind-host: localhost
taskmanager.numberOfTaskSlots: {slots}
taskmanager.cpu.cores: {slots}.0
taskmanager.memory.task.heap.size: 512m
taskmanager.memory.task.off-heap.size: 64m
taskmanager.memory.framework.heap.size: 64m
taskmanager.memory.framework.off-heap.size: 64m
taskmanager.memory.managed.size: 128m
taskmanager.memory.network.min: 256m
taskmanager.memory.network.max: 256m
taskmanager.network.sort-shuffle.min-buffers: 64
# without it the slots of one TaskManager are all taken before those of the next
taskmanager.load-balance.mode: SLOTS
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
# a lost TaskManager's tasks run again only with a strategy for it
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 5
restart-strategy.fixed-delay.delay: 1 s
heartbeat.interval: 1000
heartbeat.timeout: 8000
io.tmp.dirs: {folder}/tmp
web.upload.dir: {folder}/uploads
"""


class FlinkCluster:
    """JobManager and TaskManagers, as context manager."""

    def __init__(self, folder: Path, task_managers: int = 2, slots: int = 2, environ: dict[str, str] | None = None) -> None:
        self._environ = {**os.environ, **(environ or {})}
        self._folder = folder
        self._slots = slots
        self._wanted = task_managers
        self._started = 0
        self._java = tool("java", "to run Flink, Spark and Beam's job servers")
        self._programs = Programs(folder)
        self.rest_port = free_port()
        self.master = f"localhost:{self.rest_port}"
        self.job_manager: Program
        self.task_managers: list[Program] = []
        for name in ("tmp", "uploads", "conf"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "conf" / "config.yaml").write_text(_CONFIG.format(rpc=free_port(), rest=self.rest_port, slots=slots, folder=folder))
        (folder / "conf" / "log4j.properties").write_text(
            "rootLogger.level = INFO\nrootLogger.appenderRef.out.ref = out\nappender.out.name = out\nappender.out.type = CONSOLE\n"
            "appender.out.layout.type = PatternLayout\nappender.out.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} %m%n\n"
        )

    def __enter__(self) -> FlinkCluster:
        try:
            self.start_job_manager()
            for _ in range(self._wanted):
                self.start_task_manager()
            self.wait_for_slots(self._wanted * self._slots)
        except BaseException:
            self._programs.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._programs.end()
        for name in ("tmp", "uploads"):
            shutil.rmtree(self._folder / name, ignore_errors=True)

    def start_job_manager(self) -> None:
        """Start it, also again after it was killed."""
        self.job_manager = self._start("jobmanager", "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint", ["-Xmx512m"])
        wait_for("the JobManager", lambda: self._overview() is not None)

    def start_task_manager(self) -> Program:
        """One more TaskManager."""
        self._started += 1
        memory = ["-Xmx576m", "-XX:MaxDirectMemorySize=448m", "-XX:MaxMetaspaceSize=256m"]
        program = self._start(f"taskmanager-{self._started}", "org.apache.flink.runtime.taskexecutor.TaskManagerRunner", memory)
        self.task_managers.append(program)
        return program

    def wait_for_slots(self, count: int) -> None:
        """Wait until ``slots`` slots are registered."""
        wait_for(f"{count} slots", lambda: ((self._overview() or {}).get("slots-total") or 0) >= count)

    def _overview(self) -> dict[str, int] | None:
        try:
            overview: dict[str, int] = requests.get(f"http://{self.master}/overview", timeout=5).json()
        except (requests.RequestException, ValueError):
            return None
        return overview

    def _start(self, name: str, main_class: str, memory: list[str]) -> Program:
        command = [
            self._java,
            *memory,
            *_OPENS,
            f"-Dlog.file={self._folder / name}.file.log",
            f"-Dlog4j.configurationFile={self._folder}/conf/log4j.properties",
            "-cp",
            f"{flink_home()}/lib/*",
            main_class,
            "--configDir",
            str(self._folder / "conf"),
        ]
        return self._programs.start(name, command, self._environ)
