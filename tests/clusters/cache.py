"""Where what the clusters are made of is kept between runs: outside the repository, one folder per thing and version."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path


class ToolMissing(Exception):
    """A program that the set-up needs is not on this machine."""


def cache_root() -> Path:
    """``CLUSTER_TESTS_CACHE``, else ``beam-distill-clusters`` in the user's cache folder."""
    own = os.environ.get("CLUSTER_TESTS_CACHE")
    if own:
        return Path(own).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beam-distill-clusters"


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """The folder ``name`` of the cache. ``make(folder)`` fills it the first time; a making that fails leaves nothing behind."""
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / name
    with open(root / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            partial = root / f"{name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            print(f"clusters: making {name} (once, kept in {root})", flush=True)
            make(partial)
            partial.rename(folder)
    return folder


def tool(name: str, why: str) -> str:
    """The path of a program. Raises ToolMissing with what it is needed for."""
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(f"{name} is not on this machine; make test-clusters needs it {why}. docs/clusters.md lists what it needs")
    return found


def run(command: list[str], cwd: Path, environ: dict[str, str] | None = None) -> str:
    """What a step of the set-up prints. Raises RuntimeError with the end of that when the step fails."""
    ended = subprocess.run(command, cwd=cwd, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout[-4000:]}")
    return ended.stdout
