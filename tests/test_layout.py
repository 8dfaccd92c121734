"""The table of allowed imports, and of the places of each library."""

import ast
import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from import_graph import Arrow, arrows, circles, upward
from late_imports import LateImports

from beam_distill.cli.command import NAMES
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(path.relative_to(ROOT) for package in ("transforms", "beam_distill") for path in (ROOT / package).rglob("*.py"))
LAYERS = (
    # beam_distill/: what the person runs
    ("beam_distill.__main__",),
    ("beam_distill.cli",),
    ("beam_distill",),
    ("beam_distill.submit",),
    ("beam_distill.run",),
    ("beam_distill.after_run", "beam_distill.deployment"),
    ("beam_distill.before_run",),
    ("beam_distill.runners",),
    ("beam_distill.job",),
    ("beam_distill.work_dir",),
    ("beam_distill.config",),
    ("beam_distill.exit_codes", "beam_distill.version", "beam_distill.simulator"),
    # transforms/: what the workers run
    ("transforms",),
    ("transforms.distill_rows",),
    (
        "transforms.list_parts",
        "transforms.survey_parts",
        "transforms.read_parts",
        "transforms.format_prompts",
        "transforms.drop_answered",
        "transforms.batch_by_size",
        "transforms.score_with_teacher",
        "transforms.parse_replies",
        "transforms.judge_success",
        "transforms.write_parts",
        "transforms.place_dataset",
        "transforms.write_verdict",
    ),
    ("transforms.counters",),
    ("transforms.reuse", "transforms.control"),
    ("transforms.teacher", "transforms.acceptance"),
    ("transforms.intake", "transforms.prompts", "transforms.students", "transforms.ledger", "transforms.azure"),
    ("transforms.elements", "transforms.web", "transforms.files"),
)
"""The rooms of both packages, the highest layer first; ``python tools/import_graph.py`` prints the arrows between them.

A module imports from its own room and from lower layers. Rooms of one layer do not know each other, so the stages meet in the assembly alone.
A room is a folder with all that is in it, or one module; ``beam_distill`` and ``transforms`` are their ``__init__``.
"""
ROOMS = [room for layer in LAYERS for room in layer]
PLAIN_FOLDERS = tuple(room.split(".")[1] for room in ROOMS if room.startswith("transforms.") and (ROOT / room.replace(".", "/")).is_dir())
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
    "numpy": ("transforms/ledger/", "transforms/intake/repeats.py", "transforms/intake/doubles/"),
    "rensa": ("transforms/intake/doubles/sketches.py",),
    "requests": ("beam_distill/runners/flink_rest.py",),
    "pydantic": ("beam_distill/config/",),
    "jsonschema": ("transforms/acceptance/schema.py",),
    "math_verify": ("transforms/acceptance/equal_mathematics.py",),
    "py3langid": ("transforms/acceptance/language.py",),
    "rapidfuzz": ("transforms/acceptance/label.py",),
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


@functools.cache
def nodes_of(path: Path) -> list[ast.AST]:
    return [*ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))]


@functools.cache
def our_arrows() -> list[Arrow]:
    return arrows()


def imports_of(path: Path) -> Iterator[str]:
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_follow_the_table(path: Path) -> None:
    names = set(imports_of(path))
    text = path.as_posix()
    if path.parts[0] == "transforms" and len(path.parts) > 2:
        assert path.parts[1] in PLAIN_FOLDERS
        assert text == BEAM_IN_A_PLAIN_FOLDER or not [name for name in names if name.split(".")[0] == "apache_beam"]
    if text.startswith("beam_distill/simulator/"):
        ours = [name for name in names if name.split(".")[0] in ("transforms", "beam_distill")]
        assert all(name.startswith("beam_distill.simulator") for name in ours)
    for library, homes in HOMES.items():
        if library in {name.split(".")[0] for name in names}:
            assert text.startswith(homes), f"{library} has no home in {text}"


FENCE = "beam_distill/runners/beam_internals/"
"""Only this code uses what Beam does not promise; tests/test_beam_contract.py tests that with the installed Beam."""
OF_BEAM_ALONE = frozenset({"_add_argparse_args", "_artifacts_dir", "_jar", "_job_id", "_metrics", "_pipeline_options", "_state_history"})


@pytest.mark.parametrize("path", [path for path in MODULES if not path.as_posix().startswith(FENCE)], ids=str)
def test_beams_own_parts_stay_behind_the_fence(path: Path) -> None:
    assert [name for name in imports_of(path) if name.startswith("apache_beam.runners")] == []
    private = {node.attr for node in nodes_of(path) if isinstance(node, ast.Attribute) and not is_own(node.value)}
    assert private & OF_BEAM_ALONE == set()


def is_own(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def test_every_listed_library_is_imported() -> None:
    imported = {(name.split(".")[0], path.as_posix()) for path in MODULES for name in imports_of(path)}
    for library, homes in HOMES.items():
        assert [home for home in homes if not any(name == library and path.startswith(home) for name, path in imported)] == [], library


def test_no_import_goes_up() -> None:
    assert [str(arrow) for arrow in upward(our_arrows(), LAYERS)] == []


def test_no_imports_go_in_a_circle() -> None:
    assert circles(our_arrows()) == []


def test_the_command_prints_no_upward_arrow_and_no_circle() -> None:
    ended = subprocess.run([sys.executable, ROOT / "tools" / "import_graph.py"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.startswith("layer 1: beam_distill.__main__\n    beam_distill.__main__ -> beam_distill.cli  1\n")
    assert ended.stdout.endswith("upward arrows: 0\ncircles: 0\n")


IMPORTS_UPWARD = {
    "at the top": "from beam_distill.high import thing\n",
    "in a function": "def later():\n    import beam_distill.high\n",
    "for its types": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from beam_distill import high\n",
    "by its name": "from importlib import import_module\nhigh = import_module('beam_distill.high')\n",
    "by a made name": "from importlib import import_module\nhigh = import_module(f'beam_distill.h{1}')\n",
}


@pytest.mark.parametrize("how", IMPORTS_UPWARD)
def test_an_upward_import_and_a_circle_are_noticed(how: str, tmp_path: Path) -> None:
    (tmp_path / "beam_distill").mkdir()
    (tmp_path / "beam_distill" / "high.py").write_text("from beam_distill.low import thing\n")
    (tmp_path / "beam_distill" / "low.py").write_text(IMPORTS_UPWARD[how])
    found = arrows(tmp_path)
    assert [(arrow.source, arrow.target) for arrow in upward(found, (("beam_distill.high",), ("beam_distill.low",)))] == [
        ("beam_distill.low", "beam_distill.high")
    ]
    assert circles(found) == [["beam_distill.high", "beam_distill.low"]]


def test_a_module_without_a_room_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "beam_distill" / "new").mkdir(parents=True)
    (tmp_path / "beam_distill" / "new" / "thing.py").write_text("import beam_distill.low\n")
    (tmp_path / "beam_distill" / "low.py").touch()
    assert len(upward(arrows(tmp_path), (("beam_distill",), ("beam_distill.low",)))) == 1


INSIDE_THE_TRY = "beam_distill.__main__"
"""Imports the command inside a try: Ctrl-C while it is loaded is no traceback."""


def test_imports_inside_functions_say_what_they_keep_out_of_the_start() -> None:
    assert [problem for problem in LateImports(ROOT).problems() if not problem.startswith(f"{INSIDE_THE_TRY}:")] == []


LATE = {
    "from beam_distill.loads import thing": "an import inside a function, without",
    "# late: keeps Beam out of the start\n    from beam_distill.loads import thing": None,
    "from beam_distill.loads import thing  # late: keeps Beam out of the start": None,
    "import apache_beam.io  # late: keeps Beam out of the start": None,
    "import apache_beam  # late: keeps Beam out of the start": "keeps nothing of Beam out",
    "# late: keeps Beam out of the start\n    from beam_distill.light import thing": "keeps nothing of Beam out",
    "# late: keeps Beem out of the start\n    from beam_distill.loads import thing": "Beem: not among the LIBRARIES",
    "# late: keeps Beam out of the start\n    from beam_distill.loads import thing\n    import beam_distill.light": "keeps nothing of Beam out",
}


@pytest.mark.parametrize("statements", LATE)
def test_a_late_import_whose_comment_is_missing_or_not_true_is_noticed(statements: str, tmp_path: Path) -> None:
    folder = tmp_path / "beam_distill"
    folder.mkdir()
    (folder / "loads.py").write_text("import apache_beam.pipeline\n")
    (folder / "light.py").write_text("def thing():\n    import apache_beam  # late: keeps Beam out of the start\n")
    (folder / "start.py").write_text(f"import apache_beam\n\ndef work():\n    {statements}\n")
    found = LateImports(tmp_path).problems()
    expected = LATE[statements]
    assert len(found) == (expected is not None)
    assert all(expected in problem for problem in found if expected)


def table_in_the_documents(heading: str) -> list[list[str]]:
    """The cells of the table that follows a heading of docs/architecture.md, without its head."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")][2:]


def test_the_documents_have_the_same_layers() -> None:
    expected = [[str(number), ", ".join(f"`{room}`" for room in layer)] for number, layer in enumerate(LAYERS, 1)]
    assert table_in_the_documents("Who may import whom") == expected


def test_the_documents_have_the_same_homes_of_libraries() -> None:
    assert table_in_the_documents("Where libraries live") == [[f"`{name}`", ", ".join(f"`{home}`" for home in HOMES[name])] for name in HOMES]


def named_files(docstring: str) -> set[str]:
    """The files that a folder's docstring lists: names in the first column of a line, with nothing or a gap behind them."""
    columns = [re.match(r"([a-z_]+(?:, [a-z_]+)*),?(?: {2}|$)", line) for line in docstring.splitlines()[1:]]
    return {name for column in columns if column for name in column[1].split(", ")}


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=str)
def test_files_that_a_folder_lists_are_there(path: Path) -> None:
    listed = named_files(ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or "")
    there = {entry.name.partition(".")[0] for entry in (ROOT / path).parent.iterdir()}
    assert listed <= there


def test_the_files_that_a_docstring_lists_are_found() -> None:
    assert named_files("All of it.\n\nspec, registry   which one\nbase             what all do\nnumber_words\n\nMore words here.") == {
        *("spec", "registry", "base", "number_words")
    }


@pytest.mark.parametrize("path", [path for path in MODULES if len(path.parts) == 2 and path.parts[0] == "transforms"], ids=str)
def test_beam_modules_keep_their_type_hints(path: Path) -> None:
    assert "from __future__ import annotations" not in (ROOT / path).read_text(encoding="utf-8").replace("``", "").split('"""')[-1]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_file_is_longer_than_400_lines_and_no_class_than_300(path: Path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 400
    classes = [node for node in nodes_of(path) if isinstance(node, ast.ClassDef)]
    assert [node.name for node in classes if (node.end_lineno or 0) - node.lineno + 1 > 300] == []


def test_the_listing_of_beam_distill_is_short() -> None:
    entries = {path.parts[1] for path in MODULES if path.parts[0] == "beam_distill"}
    assert len(entries - {"__init__.py", "__main__.py", "version.py"}) <= 12


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


HELPS = {" ".join(arguments): arguments for arguments in (["--help"], *([name, "--help"] for name in NAMES), ["--version"])}
RUN_HELPS = """
import contextlib, io, json, os, sys
from beam_distill.cli.main import main
for arguments in json.loads(sys.argv[1]):
    child = os.fork()  # what one of them loads is not there for the next
    if child == 0:
        with contextlib.redirect_stdout(io.StringIO()) as output:
            code = main(arguments)
        print(json.dumps([code, "apache_beam" in sys.modules, output.getvalue()]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@functools.cache
def helps() -> dict[str, tuple[int, bool, str]]:
    """The exit code of each help, whether it loaded Beam, and its text."""
    command = [sys.executable, "-c", RUN_HELPS, json.dumps([*HELPS.values()])]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(zip(HELPS, map(json.loads, ended.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("arguments", HELPS)
def test_help_needs_no_beam(arguments: str) -> None:
    code, loads_beam, text = helps()[arguments]
    assert code == 0
    assert not loads_beam
    assert 1 <= len(text.splitlines()) <= 66


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
