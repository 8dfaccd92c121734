"""Rules for every command: one file, found by its name, independent of the others."""

import argparse
import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from builders import ROOT

import beam_distill.cli.commands
from beam_distill.cli.command import NAMES, Call, Command, Takes
from beam_distill.cli.main import load

FOLDER = Path(beam_distill.cli.commands.__file__).parent


def test_each_command_is_one_file_of_its_name() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__") == sorted(NAMES)
    assert [load(name).name for name in NAMES] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is_called_what_it_takes_and_runs(name: str) -> None:
    module = importlib.import_module(f"beam_distill.cli.commands.{name}")
    assert isinstance(module.COMMAND, Command)
    assert module.COMMAND.run is module.run
    assert module.COMMAND.help
    assert not module.COMMAND.help.endswith(".")


LEAST = {"report": ["w"], "ledger": ["w"], "retry": ["w", "--reason", "no_json"]}
"""The arguments that a command cannot do without."""


@pytest.mark.parametrize("name", [name for name in NAMES if load(name).takes is not Takes.NOTHING])
def test_what_is_not_given_is_not_an_input(name: str) -> None:
    """A command's own flag with the name of an input would be read as that input."""
    parser = argparse.ArgumentParser(add_help=False)
    load(name).declare(parser, True)
    try:
        namespace = parser.parse_args(LEAST.get(name, []))
    except SystemExit:
        pytest.fail(f"add the arguments that {name} cannot do without to LEAST in this file")
    assert Call(namespace, {}, []).inputs == {}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_no_command_imports_another(path: Path) -> None:
    imported = [node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imported if name.startswith("beam_distill.cli.commands")]


def test_main_knows_no_command_by_name() -> None:
    tree = ast.parse((FOLDER.parent / "main.py").read_text())
    assert not {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)} & set(NAMES)


def test_a_command_loads_no_other() -> None:
    code = (
        "import sys\nfrom beam_distill.cli.main import main\nmain(['ledger', '--help'])\n"
        "print([name.rpartition('.')[2] for name in sys.modules if name.startswith('beam_distill.cli.commands.')])"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1] == "['ledger']", ended.stderr
