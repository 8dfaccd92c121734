"""Imports inside functions: which library they keep out of the start of their module, and whether their comment says so.

A comment above the first of several imports, or behind one, reads ``# late: keeps Beam out of the start``. It is true if each import loads one
of these libraries, and its module does not load that part of the library otherwise.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from import_graph import PACKAGES, imported_names, modules

LIBRARIES = {
    "Azure's clients": "azure",
    "Beam": "apache_beam",
    "IPython": "IPython",
    "Jinja2": "jinja2",
    "NumPy": "numpy",
    "PyArrow": "pyarrow",
    "PyYAML": "yaml",
    "RapidFuzz": "rapidfuzz",
    "aiohttp": "aiohttp",
    "fastavro": "fastavro",
    "gRPC": "grpc",
    "jsonschema": "jsonschema",
    "math-verify": "math_verify",
    "matplotlib": "matplotlib",
    "protobuf": "google",
    "py3langid": "py3langid",
    "pydantic": "pydantic",
    "rensa": "rensa",
    "requests": "requests",
    "rich": "rich",
    "uvloop": "uvloop",
}
COMMENT = re.compile(r"# late: keeps (.+) out of the start$")
Import = ast.Import | ast.ImportFrom


class LateImports:
    """The imports inside functions of all modules below a folder that holds packages of ours."""

    def __init__(self, root: Path) -> None:
        self.modules = modules(root)
        self._trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in self.modules.items()}
        self._at_start = {name: set(self._imported(at_start(tree))) for name, tree in self._trees.items()}

    def problems(self) -> list[str]:
        """Every late import with a missing or false comment, as ``module:line: what is wrong``."""
        found = []
        for name, tree in self._trees.items():
            lines = self.modules[name].read_text(encoding="utf-8").splitlines()
            for block in late_blocks(tree):
                around = lines[max(0, block[0].lineno - 2) : block[-1].end_lineno]
                comments = [match[1] for line in around if (match := COMMENT.search(line))]
                found += [f"{name}:{node.lineno}: {problem}" for node in block if (problem := self._problem(name, node, comments))]
        return found

    def _problem(self, module: str, node: Import, comments: list[str]) -> str | None:
        if all(target.partition(".")[0] in sys.stdlib_module_names for target in self._imported([node])):
            return None  # a part of Python that is not on every system
        if not comments:
            return "an import inside a function, without '# late: keeps LIBRARY out of the start'"
        named = {name for comment in comments for name in re.split(", | and ", comment)}
        if not named <= LIBRARIES.keys():
            return f"{', '.join(sorted(named - LIBRARIES.keys()))}: not among the LIBRARIES of tests/late_imports.py"
        kept_out = {part.partition(".")[0] for part in self.loaded(self._imported([node])) - self.loaded([module])}
        if kept_out & {LIBRARIES[name] for name in named}:
            return None
        return f"keeps nothing of {', '.join(sorted(named))} out, for another import of {module} loads it: make that one late, or neither"

    def loaded(self, names: Iterator[str] | list[str]) -> set[str]:
        """Every part of a library that is loaded when these modules are."""
        seen: set[str] = set()
        parts = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in seen or not name:
                continue
            seen.add(name)
            waiting.append(name.rpartition(".")[0])  # a package is loaded before what is in it
            if name.partition(".")[0] not in PACKAGES:
                parts.add(name)
            waiting += self._at_start.get(name, ())
        return parts

    def _imported(self, nodes: Iterator[Import] | list[Import]) -> Iterator[str]:
        for node in nodes:
            for name in imported_names(node):
                # of ``from a import b`` both a.b and a come: a.b counts where it is a module of ours, or may be one of a library
                if isinstance(node, ast.Import) or name == node.module or name in self.modules:
                    yield name


def at_start(tree: ast.AST) -> Iterator[Import]:
    """The imports at the load of a module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Import):
            yield node
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and not for_types(node):
            yield from at_start(node)


def for_types(node: ast.AST) -> bool:
    """Whether a node is a block that only type checkers read."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def late_blocks(tree: ast.AST, is_late: bool = False) -> Iterator[list[Import]]:
    """The imports inside functions; consecutive ones are one group."""
    for field in ("body", "orelse", "finalbody", "handlers"):
        block: list[Import] = []
        statements = getattr(tree, field, [])
        for node in statements if isinstance(statements, list) else []:
            if is_late and isinstance(node, Import):
                block.append(node)
                continue
            if block:
                yield block
                block = []
            yield from late_blocks(node, is_late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
        if block:
            yield block
