"""Who imports whom: layers, arrows between rooms, arrows that run upward, circles of modules.

    python tools/import_graph.py [--modules ROOM ...] [--dot]

Every import counts: at the top of a module, inside functions, under TYPE_CHECKING, and ``import_module`` with a literal name. If only the
beginning of the name is literal, every module with that beginning counts. The table of layers is LAYERS in tests/test_layout.py; that test
fails if the code or docs/architecture.md differs from it.
Exit code: 0 the imports follow LAYERS and have no circle, 1 otherwise.
"""

import argparse
import ast
import fnmatch
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("beam_distill", "transforms")

Layers = tuple[tuple[str, ...], ...]


def layers() -> Layers:
    """The table LAYERS of tests/test_layout.py: rooms by their dotted names, the highest layer first."""
    for node in ast.parse((ROOT / "tests" / "test_layout.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LAYERS":
            table: Layers = ast.literal_eval(node.value)
            return table
    raise LookupError("tests/test_layout.py has no table LAYERS")


@dataclass(frozen=True)
class Arrow:
    """One import of one of our modules: who imports whom, in which line, and whether inside a function."""

    source: str
    target: str
    line: int
    is_late: bool

    def __str__(self) -> str:
        return f"{self.source}:{self.line} -> {self.target}{' (inside a function)' if self.is_late else ''}"


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module of both packages by its dotted name. A package's own name means its ``__init__``."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            found[".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


def imports(tree: ast.AST, is_late: bool = False) -> Iterator[tuple[ast.stmt | ast.Call, bool]]:
    """Every import below a node, and whether it is inside a function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) or (isinstance(node, ast.Call) and _named(node.func).endswith("import_module")):
            yield node, is_late
        yield from imports(node, is_late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))


def _named(function: ast.expr) -> str:
    """The last part of a function's name."""
    return getattr(function, "attr", "") or getattr(function, "id", "")


def imported_names(node: ast.stmt | ast.Call) -> Iterator[str]:
    """The dotted names that an import may mean; of ``from a import b`` both ``a.b`` and ``a``."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield node.module
    elif isinstance(node, ast.Call) and node.args:
        name = node.args[0]
        if isinstance(name, ast.Constant):
            yield str(name.value)
        elif isinstance(name, ast.JoinedStr) and isinstance(name.values[0], ast.Constant):
            yield str(name.values[0].value) + "*"


def _matching(known: dict[str, Path], asked: str) -> Iterable[str]:
    return fnmatch.filter(known, asked) if "*" in asked else {asked} & known.keys()


def arrows(root: Path = ROOT) -> list[Arrow]:
    """Every import of one of our modules by another."""
    known = modules(root)
    found = []
    for source, path in known.items():
        for node, is_late in imports(ast.parse(path.read_text(encoding="utf-8"))):
            names = [name for asked in imported_names(node) for name in _matching(known, asked)]
            if isinstance(node, ast.ImportFrom):  # the package itself counts only if the name is its own
                of_package = [alias for alias in node.names if f"{node.module}.{alias.name}" not in known]
                names = [name for name in names if name != node.module or of_package]
            found += [Arrow(source, target, node.lineno, is_late) for target in names if target != source]
    return found


def room_of(module: str, table: Layers) -> str | None:
    """The module's room: the module itself or its nearest parent in the table; None if the table has neither."""
    rooms = {room for layer in table for room in layer}
    while module not in rooms:
        module = module.rpartition(".")[0]
        if module in PACKAGES or not module:  # their names mean their __init__ only
            return None
    return module


def upward(found: Iterable[Arrow], table: Layers) -> list[Arrow]:
    """The arrows to a room that is not below the importing one, and those from or to a module without a room."""
    height = {room: -number for number, layer in enumerate(table) for room in layer}
    wrong = []
    for arrow in found:
        source, target = room_of(arrow.source, table), room_of(arrow.target, table)
        if source is None or target is None or (source != target and height[target] >= height[source]):
            wrong.append(arrow)
    return wrong


def circles(found: Iterable[Arrow]) -> list[list[str]]:
    """The groups of modules in which each one reaches every other."""
    below: dict[str, set[str]] = {}
    for arrow in found:
        below.setdefault(arrow.source, set()).add(arrow.target)
    reached = {module: _reached(module, below) for module in below}
    rings = {tuple(sorted(other for other in seen if module in reached.get(other, ()))) for module, seen in reached.items() if module in seen}
    return [list(ring) for ring in sorted(rings)]


def _reached(start: str, below: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for target in below.get(waiting.pop(), set()) - reached:
            reached.add(target)
            waiting.append(target)
    return reached


def main() -> int:
    """Print the graph. Returns 1 when it breaks the rules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", metavar="ROOM", nargs="+", default=[], help="print each import that these rooms make")
    parser.add_argument("--dot", action="store_true", help="print the rooms for graphviz instead")
    given = parser.parse_args()
    found, table = arrows(), layers()
    rooms = [(room_of(arrow.source, table) or arrow.source, room_of(arrow.target, table) or arrow.target) for arrow in found]
    between = Counter((source, target) for source, target in rooms if source != target)
    if given.dot:
        print("digraph rooms {", *(f'  "{source}" -> "{target}" [label={count}];' for (source, target), count in between.items()), "}", sep="\n")
        return 0
    for number, layer in enumerate(table, 1):
        print(f"layer {number}: {', '.join(layer)}")
        for room in layer:
            for target in sorted(target for source, target in between if source == room):
                print(f"    {room} -> {target}  {between[room, target]}")
    for arrow in found:
        if room_of(arrow.source, table) in given.modules:
            print(arrow)
    wrong, rings = upward(found, table), circles(found)
    print(f"\n{len(found)} imports, {sum(arrow.is_late for arrow in found)} of them inside functions; {len(between)} arrows between rooms")
    print(f"upward arrows: {len(wrong)}", *wrong, sep="\n    ")
    print(f"circles: {len(rings)}", *(" <-> ".join(ring) for ring in rings), sep="\n    ")
    return 1 if wrong or rings else 0


if __name__ == "__main__":
    sys.exit(main())
