"""The house's table of who may import whom, and which library lives where."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from beam_distill.cli.command import NAMES
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(path.relative_to(ROOT) for package in ("transforms", "beam_distill") for path in (ROOT / package).rglob("*.py"))
TRANSFORMS_LAYERS = (
    ("elements", "web", "files"),
    ("intake", "prompts", "students", "ledger", "azure"),
    ("teacher",),
    ("reuse", "control"),
    ("counters",),
    ("read_rows", "format_prompts", "drop_answered", "batch_by_size", "score_with_teacher", "parse_replies"),
    ("judge_success", "write_dataset", "write_verdict"),
    ("distill_rows",),
)
"""Each knows itself and what is in the lines above its own; the stages, which are in two lines, do not know one another at all."""
STAGES = {name for line in TRANSFORMS_LAYERS[-3:-1] for name in line}
PLAIN_FOLDERS = tuple(name for line in TRANSFORMS_LAYERS[:4] for name in line)
BEAM_IN_A_PLAIN_FOLDER = "transforms/files/beam.py"
"""Loaded by the first path that is not on this machine."""
HOMES = {
    "azure": ("transforms/azure/",),
    "aiohttp": ("transforms/teacher/", "transforms/azure/", "beam_distill/simulator/"),
    "fastavro": ("transforms/ledger/", "transforms/intake/formats/avro.py"),
    "pyarrow": ("transforms/intake/", "transforms/students/"),
    "jinja2": (
        "transforms/intake/templates.py",
        "transforms/intake/template_sandbox.py",
        "beam_distill/after_run/report/",
        "beam_distill/deployment/render.py",
    ),
    "numpy": ("transforms/ledger/",),
    "requests": ("beam_distill/runners/flink_rest.py",),
    "pydantic": ("beam_distill/config/",),
    "rich": ("beam_distill/run/progress/",),
    "matplotlib": ("beam_distill/after_run/report/",),
    "apache_beam": (
        "transforms/",
        "beam_distill/job/",
        "beam_distill/run/",
        "beam_distill/work_dir/",
        "beam_distill/after_run/handoff/write.py",
        "beam_distill/runners/",
        "beam_distill/submit/",
    ),
}


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _upward(path: Path, names: set[str]) -> list[str]:
    """What a module of transforms/ imports that is not below it, imports inside functions counted."""
    level = {name: number for number, line in enumerate(TRANSFORMS_LAYERS) for name in line}
    own = path.parts[1].removesuffix(".py")
    if own == "__init__":
        return sorted(name for name in names if name.startswith("transforms."))
    others = {name.split(".")[1] for name in names if name.startswith("transforms.")} - {own}
    return sorted(other for other in others if level[other] >= level[own] or (own in STAGES and other in STAGES))


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_follow_the_house(path: Path) -> None:
    names = set(imports_of(path))
    text = path.as_posix()
    if text.startswith("transforms/"):
        assert not [name for name in names if name.split(".")[0] == "beam_distill"]
    if path.parts[0] == "transforms" and len(path.parts) > 2:
        assert path.parts[1] in PLAIN_FOLDERS
        assert text == BEAM_IN_A_PLAIN_FOLDER or not [name for name in names if name.split(".")[0] == "apache_beam"]
    if path.parts[0] == "transforms":
        assert not _upward(path, names)
    if text.startswith("beam_distill/simulator/"):
        ours = [name for name in names if name.split(".")[0] in ("transforms", "beam_distill")]
        assert all(name.startswith("beam_distill.simulator") for name in ours)
    for library, homes in HOMES.items():
        if library in {name.split(".")[0] for name in names}:
            in_cli = library == "apache_beam" and text == "beam_distill/cli/beam_arguments.py"  # Beam's option names, on demand
            assert in_cli or text.startswith(homes), f"{library} has no home in {text}"


@pytest.mark.parametrize("path", [path for path in MODULES if len(path.parts) == 2 and path.parts[0] == "transforms"], ids=str)
def test_beam_modules_keep_their_type_hints(path: Path) -> None:
    assert "from __future__ import annotations" not in (ROOT / path).read_text(encoding="utf-8").replace("``", "").split('"""')[-1]


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "misc"])
def test_no_file_without_a_subject(name: str) -> None:
    assert not [path for path in MODULES if path.stem == name]


def test_every_module_imports_alone_with_warnings_as_errors() -> None:
    names = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in MODULES if path.stem != "__main__"]
    plain = [name for name in names if name.split(".")[0] == "beam_distill" and name.split(".")[1:2] in (["config"], ["simulator"])]
    plain += [name for name in names if name.split(".")[1:2] and name.split(".")[1] in PLAIN_FOLDERS]
    plain += [name for name in names if name.startswith("beam_distill.before_run")]
    plain.remove("transforms.files.beam")
    code = (
        "import importlib, sys\n"
        f"for name in {plain!r}:\n"
        "    importlib.import_module(name)\n"
        "assert 'apache_beam' not in sys.modules, 'a plain module imported Beam'\n"
    )
    ended = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


HELPS = [[name, "--help"] for name in NAMES]


@pytest.mark.parametrize("arguments", [["--help"], *HELPS, ["--version"]], ids=" ".join)
def test_help_needs_no_beam(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom beam_distill.cli.main import main\n"
        f"code = main({arguments!r})\n"
        "assert 'apache_beam' not in sys.modules\nsys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) <= 60


def test_plan_needs_no_beam() -> None:
    code = (
        "import sys\nfrom beam_distill.cli.main import main\n"
        "code = main(['plan', '--train_file_path', 'a', '--generated_batch_train_file_path', 'b',"
        " '--data_generation_task_type', 'math', '--teacher_model_endpoint_url', 'http://localhost'])\n"
        "assert 'apache_beam' not in sys.modules\nsys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "at most 200 requests at a time" in ended.stdout


def test_checking_files_of_this_machine_and_sending_some_rows_needs_no_beam(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"messages": [{"role": "user", "content": "2+2"}]}\n' * 3)
    with start_simulator(SimulatorSettings()) as simulator:
        arguments = ["check", "--pilot", "2", "--train_file_path", str(tmp_path / "in.jsonl")]
        arguments += ["--generated_batch_train_file_path", str(tmp_path / "out.jsonl"), "--work_dir", str(tmp_path / "work")]
        arguments += ["--data_generation_task_type", "SUMMARIZATION", "--teacher_model_endpoint_url", simulator.base_url]
        code = (
            "import sys\nfrom beam_distill.cli.main import main\n"
            f"code = main({arguments!r})\n"
            "assert 'apache_beam' not in sys.modules\nsys.exit(code)"
        )
        ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
        sent = simulator.stats()["requests"]
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert sent >= 2


def test_rendering_needs_no_beam(tmp_path: Path) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(
        "train_file_path: a.jsonl\ngenerated_batch_train_file_path: b.jsonl\ndata_generation_task_type: MATH\n"
        "teacher_model_endpoint_url: http://localhost\n"
    )
    code = (
        "import sys\nfrom beam_distill.cli.main import main\n"
        f"code = main(['render', 'github-actions', '--config', {str(job)!r}, '-o', {str(tmp_path / 'out')!r}])\n"
        "assert 'apache_beam' not in sys.modules\nsys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
