"""deploy/Dockerfile: it passes its linter, its steps build a working installation, and the final image is small and unprivileged."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from builders import ROOT

from beam_distill.version import VERSION

DOCKERFILE = ROOT / "deploy" / "Dockerfile"


@dataclass
class Stage:
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def of(self, instruction: str) -> list[str]:
        return [text for name, text in self.steps if name == instruction]


def stages() -> tuple[list[str], list[Stage]]:
    """The lines before the first FROM, and the stages."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    before: list[str] = []
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            found.append(Stage(rest))
        elif name and found:
            found[-1].steps.append((name, rest.strip()))
        elif name:
            before.append(rest)
    return before, found


def test_the_linter_is_content() -> None:
    ended = subprocess.run([Path(sys.executable).parent / "hadolint", DOCKERFILE], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


def test_versions_are_pinned_and_those_of_the_package() -> None:
    arguments, found = stages()
    (beam,) = re.findall(r"^apache-beam==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert f"BEAM_VERSION={beam}" in arguments
    assert all(":" in stage.base for stage in found)
    assert f"beam-distill:{VERSION}" in DOCKERFILE.read_text()
    (install,) = [text for text in found[1].of("RUN") if "pip install" in text]
    assert "--constraint requirements.txt" in install


def test_the_image_holds_no_compiler_and_runs_as_nobody() -> None:
    last = stages()[1][-1]
    assert last.base.endswith("-slim")
    # nothing is installed in it: everything besides its base comes from earlier stages
    assert not last.of("RUN")
    assert all(text.startswith("--from=") for text in last.of("COPY"))
    (user,) = last.of("USER")
    assert int(user.partition(":")[0]) > 0
    assert last.of("ENTRYPOINT") == ['["/opt/apache/beam/boot"]']


def test_modules_that_its_steps_run_are_there() -> None:
    named = re.findall(r"-m (beam_distill[\w.]*)", DOCKERFILE.read_text())
    assert named
    assert all(importlib.util.find_spec(name) for name in named)


@pytest.mark.slow
def test_the_build_steps_make_a_working_installation(tmp_path: Path) -> None:
    """Docker's part is done here: files are copied as COPY says, and each RUN is run as written, with the stage's ENV and ARG."""
    build = stages()[1][1]
    source = tmp_path / "src"
    source.mkdir()
    environment: dict[str, str] = {}
    for name, text in build.steps:
        if name == "ENV":
            environment |= dict(re.findall(r"(\w+)=(\S*)", text))
        elif name == "ARG":
            environment |= {key: value.strip('"') for key, value in re.findall(r"(\w+)=(\S*)", text)}
        elif name == "COPY":
            *files, _ = text.split()
            for file in files:
                if (ROOT / file).is_dir():
                    shutil.copytree(ROOT / file, source / file, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / file, source / file)
        elif name == "RUN":
            environment["VENV"] = str(tmp_path / "venv")
            # the network may be off: dependencies and build tools are those of the tests' environment
            offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": _site()}
            path = f"{Path(sys.executable).parent}:{os.defpath}"
            given = {"PATH": path, "HOME": str(tmp_path), **environment, **offline}
            ended = subprocess.run(["/bin/sh", "-c", text], cwd=source, env=given, capture_output=True, text=True)
            assert ended.returncode == 0, ended.stdout + ended.stderr
    where = "import beam_distill, transforms; print(beam_distill.__file__, transforms.__file__)"
    shown = subprocess.run(
        [tmp_path / "venv" / "bin" / "python", "-c", where], cwd=tmp_path, env={"PATH": os.defpath}, capture_output=True, text=True, check=True
    ).stdout
    assert shown.count(str(tmp_path / "venv")) == 2


def _site() -> str:
    import sysconfig

    return sysconfig.get_paths()["purelib"]
