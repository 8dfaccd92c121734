"""The sdist is what Beam workers install: it holds both packages and imports in a clean environment."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from clean_environment import empty_environment, source_copy


@pytest.mark.slow
def test_sdist_installs_into_a_clean_environment(tmp_path: Path) -> None:
    source = source_copy(tmp_path / "source")
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"transforms/score_with_teacher.py", "beam_distill/cli/main.py", "beam_distill/py.typed", "LICENSE"} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "examples/"))]
    programs = empty_environment(tmp_path / "clean")
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--no-index", "--force-reinstall", str(sdist)], check=True, capture_output=True)
    shown = subprocess.run(
        [programs / "python", "-c", "import transforms.distill_rows, beam_distill.run.job; print(transforms.__file__, beam_distill.__file__)"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    ).stdout
    assert shown.count(str(programs.parent)) == 2
    version = subprocess.run([programs / "beam-distill", "--version"], check=True, capture_output=True, text=True)
    assert version.stdout.startswith("beam-distill ")
