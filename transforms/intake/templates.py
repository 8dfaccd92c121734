"""A row whose messages are made from its columns by templates. The home of Jinja2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError, nodes
from jinja2.sandbox import SandboxedEnvironment

from transforms.elements import reasons
from transforms.intake.rows import UnusableRecord

WHOLE_ROW = "row"
"""The name under which a template finds all columns, for those whose names are no identifiers: ``{{ row["full text"] }}``."""


class BadTemplate(ValueError):
    """A template that is no template; the text says where and why."""


class _MissingValue(Exception):
    """The template writes out a value that the row does not have."""


def _no_missing_value(value: object) -> object:
    if value is None:
        raise _MissingValue  # "None" in a prompt would be paid for
    return value


_MISSING_KEY = re.compile(r"^'dict object' has no attribute ('.*')$")
_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, finalize=_no_missing_value, autoescape=False)
_OWN_NAMES = frozenset(_ENVIRONMENT.globals)


class ColumnTemplate:
    """A compiled template: text with the columns of a row in it.

    Raises BadTemplate. The sandbox keeps a template from anything but the values it is given.
    """

    def __init__(self, name: str, source: str) -> None:
        self._name = name
        try:
            tree = _ENVIRONMENT.parse(source)
            self._template = _ENVIRONMENT.from_string(source)
        except TemplateSyntaxError as error:
            said = str(error.message).rstrip(".")
            raise BadTemplate(f"{name}, line {error.lineno}: {said}; columns are written {{{{ like_this }}}}") from None
        self._columns = _columns(tree)
        self._uses_row = self._columns.pop(WHOLE_ROW, None) is not None
        self._any_column = False
        if self._uses_row:
            named, self._any_column = _columns_of_row(tree)
            self._columns |= named

    @property
    def columns(self) -> frozenset[str] | None:
        """The columns that are looked at; None when the template may look at any of them."""
        return None if self._any_column else frozenset(self._columns)

    def missing(self, columns: list[str]) -> list[str]:
        """The columns that the template cannot do without and that are not among ``columns``."""
        return [name for name, needed in self._columns.items() if needed and name not in columns]

    def render(self, fields: Mapping[str, Any]) -> str:
        """The text for one row. Raises UnusableRecord, which names the columns that there are."""
        try:
            return self._template.render({**fields, WHOLE_ROW: fields} if self._uses_row else fields)
        except _MissingValue:
            empty = ", ".join(str(name) for name, value in fields.items() if value is None) or "a nested field"
            raise UnusableRecord(
                reasons.MISSING_VALUE,
                f"{self._name} writes out a column that has no value in this row (without one: {empty}); "
                "fill it in, or write {{ column or '' }} where it may be missing",
            ) from None
        except UndefinedError as error:
            said = _MISSING_KEY.sub(r"there is no \1", error.message or "")
            raise UnusableRecord(reasons.MISSING_COLUMN, f"{self._name}: {said}; {listed(list(fields))}") from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, OverflowError) as error:
            raise UnusableRecord(reasons.TEMPLATE_FAILED, f"{self._name} cannot be filled in for this row: {error}") from None


def listed(columns: list[str]) -> str:
    """The columns there are, for a person."""
    shown = ", ".join(column[:60] for column in columns[:40]) or "none"
    return f"the columns are: {shown}" + (f" and {len(columns) - 40} more" if len(columns) > 40 else "")


def _columns(tree: nodes.Template) -> dict[str, bool]:
    """The names that a template takes from the row, and whether it fails without them."""
    from jinja2.meta import find_undeclared_variables

    optional = {node.name for node in _optional(tree) if isinstance(node, nodes.Name)}
    return {name: name not in optional for name in sorted(find_undeclared_variables(tree) - _OWN_NAMES)}


def _columns_of_row(tree: nodes.Template) -> tuple[dict[str, bool], bool]:
    """The same of what is written ``row["a column"]`` or ``row.column``, and whether the row is looked at in any other way."""
    optional = {column for node in _optional(tree) if (column := _column_of_row(node)) is not None}
    found = [column for node in tree.find_all((nodes.Getitem, nodes.Getattr)) if (column := _column_of_row(node)) is not None]
    mentions = sum(node.name == WHOLE_ROW for node in tree.find_all(nodes.Name))
    return {name: name not in optional for name in sorted(found)}, len(found) < mentions


def _optional(tree: nodes.Template) -> list[nodes.Node]:
    """What a template asks for with a way out for when it is not there."""
    return [
        node.node
        for kind, names in ((nodes.Test, ("defined", "undefined")), (nodes.Filter, ("default", "d")))
        for node in tree.find_all(kind)
        if node.name in names and node.node is not None
    ]


def _column_of_row(node: nodes.Node) -> str | None:
    if not isinstance(node, (nodes.Getitem, nodes.Getattr)) or not isinstance(node.node, nodes.Name) or node.node.name != WHOLE_ROW:
        return None
    if isinstance(node, nodes.Getattr):
        return None if hasattr(dict, node.attr) else node.attr  # row.items is what every mapping has
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None
