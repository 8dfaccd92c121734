"""A clean environment with this package installed from its wheel, as on a user's machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builders import ROOT
from made_once import made_once


def source_copy(folder: Path) -> Path:
    """The project's files in ``folder``: a build leaves files in its folder and uses those of an earlier build."""
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", "*.egg-info", ".*_cache")
    return shutil.copytree(ROOT, folder, ignore=ignored)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built once for all processes of a test run."""

    def build(folder: Path) -> None:
        source = source_copy(folder / "source")
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
        subprocess.run([*command, str(folder), str(source)], check=True, capture_output=True)

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # one of several processes, each with its folder below that of the run
        folder = folder.parent
    (built,) = made_once(folder / "wheel", build).glob("*.whl")
    return built


def empty_environment(folder: Path) -> Path:
    """A virtual environment with our dependencies and without us; its ``bin``.

    The dependencies are those of the tests' environment, by reference: the network may be off.
    """
    # pip comes by reference too
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    shown = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site, target = (
        subprocess.run([str(python), "-c", shown], check=True, capture_output=True, text=True).stdout.strip()
        for python in (sys.executable, folder / "bin" / "python")
    )
    (Path(target) / "dependencies.pth").write_text(site + "\n", encoding="utf-8")
    return folder / "bin"
