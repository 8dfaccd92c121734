"""Templates make a row's messages from its columns. Only this file and the sandbox use Jinja2."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from jinja2 import TemplateSyntaxError, UndefinedError, nodes
from jinja2.meta import find_undeclared_variables

from transforms.elements import reasons
from transforms.intake.content import readable
from transforms.intake.formats.base import UnreadableValue
from transforms.intake.template_growth import NESTED_MOST, nested_deeper
from transforms.intake.template_sandbox import NOT_REPEATABLE, MissingValue, PromptEnvironment, Repeatable
from transforms.intake.unusable import UnusableRecord

WHOLE_ROW = "row"
"""The name under which a template finds all columns, for those whose names are not identifiers: ``{{ row["full text"] }}``."""


class BadTemplate(ValueError):
    """An invalid template; the text says where and why."""


_MISSING_KEY = re.compile(r"^'dict object' has no attribute ('.*')$")
_NO_FILTER = re.compile(r"^No filter named '(.*)'$")
_EACH_TIME = " gives another text each time, and a row's prompt must be the same whenever it is made; leave it out"
MOST_ROW_BYTES = 8 * 1024 * 1024


class ColumnTemplate:
    """A compiled template: text with the columns of a row in it.

    Raises BadTemplate. In the sandbox a template can use only the values it is given.
    """

    def __init__(self, name: str, source: str, allowed_bytes: int = MOST_ROW_BYTES) -> None:
        self._name = name
        self._allowed_bytes = allowed_bytes
        self._environment = PromptEnvironment(allowed_bytes)
        try:
            tree = Repeatable().visit(self._environment.parse(source))
            self._columns = _columns(tree, self._environment)
            self._template = self._environment.from_string(tree)
        except TemplateSyntaxError as error:
            raise BadTemplate(f"{name}, line {error.lineno}: {_said(error)}") from None
        except (RecursionError, MemoryError):
            raise BadTemplate(f"{name}: the template is nested too deeply") from None
        self._uses_row = self._columns.pop(WHOLE_ROW, None) is not None
        self._any_column = False
        if self._uses_row:
            named, self._any_column = _columns_of_row(tree)
            self._columns |= named

    @property
    def columns(self) -> frozenset[str] | None:
        """The columns in use; None when the template may use any of them."""
        return None if self._any_column else frozenset(self._columns)

    def missing(self, columns: list[str]) -> list[str]:
        """The columns that the template requires and that are not among ``columns``."""
        return [name for name, needed in self._columns.items() if needed and name not in columns]

    def render(self, fields: Mapping[str, Any]) -> str:
        """The text for one row. Raises UnusableRecord, which lists the row's columns."""
        for name in fields if self._any_column else self._columns:
            value = fields.get(name)
            if isinstance(value, UnreadableValue):
                raise value.refusal()
            if isinstance(value, (list, dict)) and nested_deeper(value):
                raise UnusableRecord(
                    reasons.TEMPLATE_FAILED, f"{self._name}: the column {name!r} holds values nested deeper than {NESTED_MOST} levels"
                )
        self._environment.next_row()
        try:
            text = self._template.render({**fields, WHOLE_ROW: fields} if self._uses_row else fields)
        except UnusableRecord as unusable:
            raise UnusableRecord(unusable.reason, f"{self._name}: {unusable.detail}") from None
        except MissingValue:
            raise self._missing_value(fields) from None
        except UndefinedError as error:
            said = _MISSING_KEY.sub(r"there is no \1", error.message or "")
            raise UnusableRecord(reasons.MISSING_COLUMN, f"{self._name}: {said}; {listed(list(fields))}") from None
        except Exception as error:  # noqa: BLE001 - a row's values can make a template raise anything; only that row is rejected
            what = {RecursionError: "it goes too deep", MemoryError: "it takes more memory than there is"}.get(type(error), error)
            raise UnusableRecord(reasons.TEMPLATE_FAILED, f"{self._name} cannot be filled in for this row: {str(what)[:300]}") from None
        if len(readable(text, self._name).encode("utf-8")) > self._allowed_bytes:
            raise UnusableRecord(
                reasons.ROW_TOO_LARGE, f"{self._name} gives more than the {self._allowed_bytes:,} bytes that a row may have; shorten the row"
            )
        return text

    @property
    def only_blank(self) -> list[str]:
        """The columns that the latest text writes out, if all of them are blank."""
        return self._environment.only_blank

    def _missing_value(self, fields: Mapping[str, Any]) -> UnusableRecord:
        empty = [str(name) for name, value in fields.items() if value is None or (isinstance(value, float) and not math.isfinite(value))]
        return UnusableRecord(
            reasons.MISSING_VALUE,
            f"{self._name} writes out a column that has no value in this row (without one: {', '.join(empty) or 'a nested field'}); "
            "fill it in, or write {{ column or '' }} where it may be missing",
        )


def _said(error: TemplateSyntaxError) -> str:
    said = str(error.message).rstrip(".")
    unknown = _NO_FILTER.match(said)
    if unknown is not None and unknown[1] in NOT_REPEATABLE:
        return unknown[1] + _EACH_TIME
    if said.endswith(_EACH_TIME):
        return said
    return f'{said}; columns are written {{{{ like_this }}}}, those with spaces {{{{ row["like this"] }}}}'


def listed(columns: list[str]) -> str:
    """The columns, for an error message."""
    shown = ", ".join(column[:60] for column in columns[:40]) or "none"
    return f"the columns are: {shown}" + (f" and {len(columns) - 40} more" if len(columns) > 40 else "")


def _columns(tree: nodes.Template, environment: PromptEnvironment) -> dict[str, bool]:
    """The names that a template takes from the row, and whether it fails without them. Jinja's own functions, when called, do not count."""
    optional = {node.name for node in _optional(tree) if isinstance(node, nodes.Name)}
    own, environment.globals = environment.globals, {}  # find the row's names, also if Jinja has the same
    try:
        names = find_undeclared_variables(tree)
    finally:
        environment.globals = own
    called = [call.node for call in tree.find_all(nodes.Call) if isinstance(call.node, nodes.Name)]
    for callee in called:
        if callee.name in names & NOT_REPEATABLE:
            raise TemplateSyntaxError(callee.name + _EACH_TIME, callee.lineno)
    times_called = Counter(callee.name for callee in called)
    mentioned = Counter(node.name for node in tree.find_all(nodes.Name))
    functions = {name for name in own.keys() & names if mentioned[name] == times_called[name]}
    return {name: name not in optional for name in sorted(names - functions)}


def _columns_of_row(tree: nodes.Template) -> tuple[dict[str, bool], bool]:
    """The same for ``row["a column"]`` and ``row.column``, and whether the row is used in any other way."""
    optional = {column for node in _optional(tree) if (column := _column_of_row(node)) is not None}
    found = [column for node in tree.find_all((nodes.Getitem, nodes.Getattr)) if (column := _column_of_row(node)) is not None]
    mentions = sum(node.name == WHOLE_ROW for node in tree.find_all(nodes.Name))
    return {name: name not in optional for name in sorted(found)}, len(found) < mentions


def _optional(tree: nodes.Template) -> list[nodes.Node]:
    """Names that a template uses with an alternative for a missing value."""
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
        return None if hasattr(dict, node.attr) else node.attr  # every mapping has row.items
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None
