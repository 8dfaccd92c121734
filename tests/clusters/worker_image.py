"""The image of deploy/Dockerfile, built and run without a Docker daemon and a registry of images.

Buildah builds it. Its two base images are made here under their names: Python's from Debian's packages, Beam's from its boot program. All
files are kept in one folder.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import apache_beam
from builders import ROOT
from clusters.go_programs import plain_boot
from made_once import CLUSTERS, run
from processes import Program, Programs

PYTHON = "3.11"
"""The version of Debian 12 and the Dockerfile's default."""

_PYTHON_IMAGE = f"docker.io/library/python:{PYTHON}-slim"
_BEAM_IMAGE = f"docker.io/apache/beam_python{PYTHON}_sdk:{apache_beam.__version__}"
_IMAGE = "localhost/beam-distill:test"
_CERTIFICATES = "/etc/ssl/certs"


def what_is_missing() -> str:
    """Why no image can be built on this machine; empty if it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "building an image without a daemon wants root on Linux"
    absent = [name for name in ("buildah", "mmdebstrap") if shutil.which(name) is None]
    return f"Debian's {' and '.join(absent)} not installed" if absent else ""


class WorkerImage:
    """The built image, as context manager; on leaving it, image and containers are gone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._buildah = ["buildah", "--storage-driver", "vfs", "--root", str(folder / "images"), "--runroot", str(folder / "runtime")]
        self._environ = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
        self._programs = Programs(folder)
        self._name = ""

    def __enter__(self) -> WorkerImage:
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._programs.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def entry_point(self) -> list[str]:
        """The command that a container starts with."""
        return list(self._config()["Entrypoint"])

    @property
    def user(self) -> str:
        """Who runs it."""
        return str(self._config()["User"])

    def container(self, shared: Path | None = None) -> list[str]:
        """The beginning of a command that runs in the container; ``shared`` is a folder with the same path inside and outside."""
        volume = ["--volume", f"{shared}:{shared}"] if shared else []
        return [*self._buildah, "run", *volume, self._name, "--"]

    def start(self, name: str, command: list[str]) -> Program:
        """Start a command of ``container``."""
        return self._programs.start(name, command, self._environ)

    def shell(self, script: str) -> str:
        """What a script prints in the container."""
        log = self.start("shell", [*self.container(), "sh", "-c", script])
        code = log.process.wait()
        assert code == 0, log.said()
        printed = log.said()
        log.log.unlink()
        return printed

    def _build(self) -> None:
        base = CLUSTERS.made("debian-12-python", _debian) / "base.tar"
        python = f"FROM scratch\nADD {base.name} /\nRUN ln -s /usr/bin/python3 /usr/local/bin/python\n"
        self._image(_PYTHON_IMAGE, base.parent, python)
        self._image(_BEAM_IMAGE, plain_boot().parent, f"FROM scratch\nCOPY {plain_boot().name} /opt/apache/beam/boot\n")
        # the machine's certificates: a proxy in front of the registries may use its own
        volume = ["--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro"]
        self._do("build", "--pull-never", *volume, "--file", str(ROOT / "deploy" / "Dockerfile"), "--tag", _IMAGE, str(ROOT))
        self._name = self._do("from", "--pull-never", _IMAGE).strip()

    def _image(self, name: str, context: Path, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "Dockerfile"
        file.write_text(text, encoding="utf-8")
        self._do("build", "--pull-never", "--file", str(file), "--tag", name, str(context))

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = json.loads(self._do("inspect", "--type", "image", _IMAGE))["OCIv1"]["config"]
        return config

    def _do(self, *arguments: str) -> str:
        return run([*self._buildah, *arguments], self._folder, self._environ)


def _debian(folder: Path) -> None:
    packages = "ca-certificates,python3,python3-venv"
    run(["mmdebstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(folder / "base.tar")], folder)
