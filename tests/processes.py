"""Programs that a test starts, each with a log, ended by id and never by name."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Program:
    """One running program in its own process group."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        """Its output so far."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to the program only; its child processes stay."""
        self.process.kill()
        self.process.wait()

    def vanish(self) -> None:
        """SIGKILL to it and its child processes, like the loss of a machine."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """End it and everything in its group."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                continue
            if number is signal.SIGTERM:
                time.sleep(0.2)


@dataclass
class Programs:
    """The programs of one cluster."""

    folder: Path
    running: list[Program] = field(default_factory=list)

    def start(self, name: str, command: list[str], environ: dict[str, str] | None = None) -> Program:
        """Start a program whose output goes to ``name``.log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / f"{name}.log"
        with open(log, "ab") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environ, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
            )
        program = Program(name, process, log)
        self.running.append(program)
        return program

    def end(self) -> None:
        """End all of them, the last one first."""
        while self.running:
            self.running.pop().end()


def wait_for(what: str, holds: Callable[[], bool], patience_s: float = 120.0) -> None:
    """Wait until ``holds()``. Raises TimeoutError."""
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {patience_s:.0f} s")
        time.sleep(0.1)


def listens(port: int) -> bool:
    """Whether a process accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        # a port of the range that outgoing connections take theirs from can, now and then, connect to itself
        return probe.connect_ex(("127.0.0.1", port)) == 0 and probe.getsockname() != probe.getpeername()


def children_of(pid: int) -> list[int]:
    """All current child processes of one, at any depth."""
    found, at = [], [pid]
    while at:
        parent = at.pop()
        try:
            below = [int(text) for task in Path(f"/proc/{parent}/task").iterdir() for text in (task / "children").read_text().split()]
        except OSError:
            continue
        found += below
        at += below
    return found
