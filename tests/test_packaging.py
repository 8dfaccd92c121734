"""The sdist is what Beam workers install: it holds both packages and imports in a clean environment."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_sdist_installs_into_a_clean_environment(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"transforms/score_with_teacher.py", "beam_distill/cli/main.py", "beam_distill/py.typed", "LICENSE"} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "examples/"))]
    environment = tmp_path / "clean"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    # the dependencies come from the environment of the tests: the network may be off
    site = subprocess.run(
        [sys.executable, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], check=True, capture_output=True, text=True
    ).stdout.strip()
    target = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], check=True, capture_output=True, text=True
    ).stdout.strip()
    (Path(target) / "dependencies.pth").write_text(site + "\n")
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--force-reinstall", str(sdist)],
        check=True,
        capture_output=True,
    )
    shown = subprocess.run(
        [str(python), "-c", "import transforms.distill_rows, beam_distill.run.job; print(transforms.__file__, beam_distill.__file__)"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    ).stdout
    assert shown.count(str(environment)) == 2
    version = subprocess.run([str(environment / "bin" / "beam-distill"), "--version"], check=True, capture_output=True, text=True)
    assert version.stdout.startswith("beam-distill ")
