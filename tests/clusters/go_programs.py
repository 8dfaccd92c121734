"""Prism and the boot program of Beam's Python workers, built from the Go modules of the installed SDK's version."""

from __future__ import annotations

import os
from pathlib import Path

import apache_beam
from made_once import CLUSTERS, run, tool

_MODULE = "github.com/apache/beam/sdks/v2"
_PYTHON = """#!/bin/sh
PATH="${PATH#*:}"
case "$*" in
  "-m pip freeze --all" | "-m pip show apache-beam") ;;
  *) exec python "$@" ;;
esac
"""


def prism() -> Path:
    """The Prism runner."""
    return _built("prism", f"{_MODULE}/go/cmd/prism")


def plain_boot() -> Path:
    """Beam's boot program as it is in the worker image."""
    return _built("container", f"{_MODULE}/python/container")


def boot() -> Path:
    """The program that a runner starts for each Python worker in a PROCESS environment.

    It asks pip three times what is installed, once to see Beam and twice for its log: 1.5 s of CPU for each worker. Here these are answered at
    once.
    """
    program = plain_boot()
    # by its place beside this one: a kept folder may be restored at another place
    beside = f'"$(dirname "$0")/../{program.parent.name}/{program.name}"'

    def make(folder: Path) -> None:
        for name, text in (("python", _PYTHON), ("boot", f'#!/bin/sh\nPATH="$(dirname "$0"):$PATH" exec {beside} "$@"\n')):
            (folder / name).write_text(text, encoding="utf-8")
            (folder / name).chmod(0o755)

    return CLUSTERS.made(f"boot-{apache_beam.__version__}-pip-answered", make) / "boot"


def _built(name: str, package: str) -> Path:
    version = apache_beam.__version__

    def make(folder: Path) -> None:
        go = tool("go", "to build Prism and the workers' boot program")
        # without C, as Beam builds it: it runs on any Linux, also for a user without an entry in passwd
        run([go, "install", f"{package}@v{version}"], folder, {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"})

    return CLUSTERS.made(f"{name}-{version}-static", make) / name
