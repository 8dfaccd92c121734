"""A clean environment that has this package from its own wheel, as a user's machine would after installing it."""

import subprocess
import sys
from pathlib import Path

import pytest
from builders import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
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
