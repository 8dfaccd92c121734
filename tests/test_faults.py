"""Every listed fault has a test with its number, or a reason why it has no test."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent


def listed_faults() -> dict[str, str]:
    """Number to the reason why there is no test, which is empty for most."""
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in (TESTS / "faults.md").open() if line.startswith("| ")]
    return {row[0]: row[2] for row in rows if row[0] != "fault"}


def marked_faults() -> Iterator[str]:
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fault":
                yield from (str(argument.value) for argument in node.args if isinstance(argument, ast.Constant))


def test_every_fault_has_a_test_or_a_reason() -> None:
    marked = set(marked_faults())
    without = {number for number, reason in listed_faults().items() if not reason}
    assert without - marked == set()


def test_no_test_names_a_fault_that_is_not_listed() -> None:
    assert set(marked_faults()) - set(listed_faults()) == set()
