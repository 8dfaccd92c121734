"""The package for workers without it: a setup.py over a copy of it, for Beam's ``setup_file``."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import transforms
from beam_distill.version import VERSION

_SETUP = '''"""Made by beam-distill for its workers."""
from setuptools import find_packages, setup

setup(name="beam-distill-workers", version="{version}", packages=find_packages(), install_requires={requires!r})
'''


@lru_cache(maxsize=1)
def workers_setup_file() -> str:
    """The path of a setup.py whose source distribution is this package with its dependencies, also if it was installed from a wheel.

    The folder is removed when the process ends.
    """
    folder = Path(tempfile.mkdtemp(prefix="beam-distill-workers-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for source in (Path(__file__).parents[1], Path(transforms.__path__[0])):
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    # without extras: a worker needs only the package's own dependencies
    requires = [line for line in metadata.requires("beam-distill") or () if "extra ==" not in line]
    setup_file = folder / "setup.py"
    setup_file.write_text(_SETUP.format(version=VERSION, requires=requires), encoding="utf-8")
    return str(setup_file)
