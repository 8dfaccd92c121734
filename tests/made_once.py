"""Things made once for several tests or test processes: for one run of the tests, or kept between runs outside the repository."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class ToolMissing(Exception):
    """A program that the set-up needs is not on this machine."""


def made_once(folder: Path, make: Callable[[Path], None], announced: str = "") -> Path:
    """``folder``. The first process fills it with ``make(folder)``, others wait for it; if that fails nothing is left."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f"{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            if announced:
                print(announced, flush=True)
            make(partial)
            partial.rename(folder)
    return folder


@dataclass(frozen=True)
class Store:
    """The folder of one kind of things: ``beam-distill-KIND`` in the user's cache folder, unless the variable ``variable`` names another."""

    kind: str
    variable: str

    @property
    def root(self) -> Path:
        own = os.environ.get(self.variable)
        if own:
            return Path(own).absolute()
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"beam-distill-{self.kind}"

    def made(self, name: str, make: Callable[[Path], None]) -> Path:
        """The folder ``name``. ``make(folder)`` fills it the first time."""
        return made_once(self.root / name, make, f"{self.kind}: making {name} (once, kept in {self.root})")


CLUSTERS = Store("clusters", "CLUSTER_TESTS_CACHE")
SERVERS = Store("servers", "SERVER_TESTS_CACHE")


def tool(name: str, why: str) -> str:
    """The path of a program. Raises ToolMissing with what it is needed for."""
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(f"{name} is not on this machine; it is needed {why}")
    return found


def run(command: list[str], cwd: Path, environ: dict[str, str] | None = None, timeout_s: float | None = None) -> str:
    """The output of a step of the set-up. Raises RuntimeError with its end if the step fails or takes longer than ``timeout_s``."""
    try:
        ended = subprocess.run(command, cwd=cwd, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{' '.join(command)} had not ended after {timeout_s:.0f} s") from None
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout[-4000:]}")
    return ended.stdout
