"""Runs templates: the same row gives the same text each time, and no row's data can build more text than allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import date, time
from functools import wraps
from itertools import islice
from typing import Any

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment, SandboxedFormatter
from jinja2.visitor import NodeTransformer

from transforms.elements import reasons
from transforms.intake.formats.base import UnreadableValue
from transforms.intake.printed_lists import list_in
from transforms.intake.template_growth import (
    FILTERS,
    METHODS,
    percent_size,
    product_size,
    spec_size,
    too_many_bits,
    written_size,
)
from transforms.intake.unusable import UnusableRecord

NOT_REPEATABLE = frozenset({"random", "lipsum", "cycler"})
"""Jinja's own names that a prompt must not use: a row is rendered once to be sent and again to be written, and both must be the same."""

_LOCAL_TIME = frozenset({"now", "today", "utcnow", "astimezone", "timestamp", "fromtimestamp", "utcfromtimestamp"})
"""Methods of dates whose result depends on when or where they are called."""
_CONCATENATED = "_concatenated"
_ITEMS = "_items"
_PRINTED = "_printed"
_TAKE_ITEMS = frozenset(
    {"join", "map", "select", "reject", "selectattr", "rejectattr", "sort", "unique", "batch", "slice", "groupby", "sum", "min", "max"}
)
"""Filters that would go through a text letter by letter, which nobody means: a text must be a list."""
_TAKE_TEXT_TOO = frozenset({"list", "first", "last", "length", "count"})
"""Filters that are of use for a text as well: they take its items if it is a list."""
_LEAST_BUDGET = 1_000_000


class MissingValue(Exception):
    """The template prints a value that the row does not have."""


class PromptEnvironment(SandboxedEnvironment):
    """A sandbox for one template. Values may be ``allowed_chars`` long, all intermediate text of a row 16 times that."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, allowed_chars: int) -> None:
        self._allowed_chars = allowed_chars
        self._budget_chars = self._left_chars = max(16 * allowed_chars, _LEAST_BUDGET)
        super().__init__(undefined=StrictUndefined, finalize=self._written, autoescape=False)
        for name in NOT_REPEATABLE:
            self.globals.pop(name, None)
            self.filters.pop(name, None)
        self.filters = {name: self._bounded(name, function) for name, function in self.filters.items()}
        self.filters["attr"] = self.getitem  # getitem refuses methods
        self.filters[_CONCATENATED] = self._concatenated
        self.filters[_ITEMS] = self._items
        self.filters[_PRINTED] = self._printed
        self._blank: list[str] = []
        self._has_text = False
        self._lists: dict[str, list[Any] | None] = {}

    def next_row(self) -> None:
        """Reset the count of built text for the next row."""
        self._left_chars = self._budget_chars
        self._lists.clear()
        self._blank = []
        self._has_text = False

    @property
    def only_blank(self) -> list[str]:
        """The values that the row's text writes out, if all of them are blank: then nothing of the row is in it."""
        return [] if self._has_text else self._blank

    def concat(self, pieces: Iterable[str]) -> str:
        """The pieces as one text; raises UnusableRecord if it is too long."""
        kept = []
        size = 0
        for piece in pieces:
            size += len(piece)
            self._allow(size)
            kept.append(piece)
        return "".join(kept)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The value under a name. A method that is not called is refused: as text it would be different each time."""
        if isinstance(argument, int) and isinstance(obj, str):
            obj = self._list_in(obj) or obj
        value = super().getitem(obj, argument)
        if isinstance(argument, str) and not isinstance(value, Undefined) and callable(value):
            raise SecurityError(f"{argument!r} is a method of a {type(obj).__name__}, not one of its values; to call it, write {argument}()")
        return value

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may use it."""
        if attr in _LOCAL_TIME and isinstance(obj, (date, time)):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: B902, N805 - as the base class has it
        """Call what a template calls, with a bounded result."""
        owner = getattr(__obj, "__self__", None)
        name = getattr(__obj, "__name__", "")
        if name == "join" and isinstance(owner, str) and args:
            args = (__self._items(args[0], "the argument of join"), *args[1:])
        __self._measure((*args, *kwargs.values()))
        if isinstance(owner, (list, dict)):
            __self._measure((owner,))
        if name in METHODS and isinstance(owner, (str, int)):
            __self._allow(METHODS[name](owner, *args, **kwargs))
        return __self._spent(super().call(__context, __obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """An operator between two values."""
        if operator in ("*", "**") and too_many_bits(operator, left, right):
            raise self._too_large()
        if operator == "*":
            self._allow(product_size(left, right))
        elif operator == "%" and isinstance(left, str):
            self._allow(percent_size(left, right, self._allowed_chars))
        elif operator == "+" and isinstance(left, (str, list, tuple)) and isinstance(right, (str, list, tuple)):
            self._allow(len(left) + len(right))
        return self._spent(super().call_binop(context, operator, left, right))

    def wrap_str_format(self, value: Any) -> Any:
        """``str.format`` and ``str.format_map``, with bounded widths."""
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None
        text = value.__self__
        formatter = _BoundedFormatter(self, self._allow)
        if value.__name__ == "format":
            return lambda *args, **kwargs: self._spent(formatter.vformat(text, args, kwargs))
        return lambda mapping: self._spent(formatter.vformat(text, (), mapping))

    def _bounded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        grows = FILTERS.get(name)
        own_first = 1 if hasattr(function, "jinja_pass_arg") else 0

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            own, given = args[:own_first], args[own_first:]
            if given and isinstance(given[0], str):
                if name in _TAKE_ITEMS:
                    given = (self._items(given[0], f"the value before |{name}"), *given[1:])
                elif name in _TAKE_TEXT_TOO and (items := self._list_in(given[0])) is not None:
                    given = (items, *given[1:])
            self._measure((*given, *kwargs.values()))
            if grows is not None:
                self._allow(grows(*given, **kwargs))
            return self._spent(function(*own, *given, **kwargs))

        return run

    def _concatenated(self, values: list[Any]) -> str:
        text = self.concat(map(str, self._measure(values)))
        self._spent(text)
        return text

    def _items(self, value: Any, name: str) -> Any:
        """What a loop goes through: the items of a text that is a list, any other value itself. Raises UnusableRecord for other text."""
        if not isinstance(value, str):
            return value
        items = self._list_in(value)
        if items is None and value.strip():
            raise UnusableRecord(
                reasons.TEMPLATE_FAILED,
                f"{name} is text that is not a list ({value[:60]!r}), so going through its items would give single letters. Store it as a list, "
                'in a CSV file as JSON such as ["red", "green"], or take it apart in the template: {% for x in column.split(";") %}. '
                "If letters are meant, write column|list",
            )
        return items or []

    def _printed(self, value: Any, name: str) -> Any:
        """A value that is written out without an alternative for a blank one."""
        if value == "" or (isinstance(value, str) and value.isspace()):
            self._blank.append(name)
        return value

    def _list_in(self, text: str) -> list[Any] | None:
        if text not in self._lists:
            self._lists[text] = self._spent(list_in(text))
        return self._lists[text]

    def _measure(self, values: Any) -> Any:
        for value in values:
            if isinstance(value, (list, tuple, dict)):
                self._allow(written_size(value, self._allowed_chars))
            else:
                _refuse_function(value)
        return values

    def _spent(self, result: Any) -> Any:
        if isinstance(result, Iterator):
            # the text of an iterator contains its memory address
            result = list(islice(result, self._allowed_chars + 1))
        if isinstance(result, (str, list, tuple, bytes)):
            self._allow(len(result))
            self._left_chars -= len(result)
            if self._left_chars < 0:
                raise self._too_large()
        return result

    def _allow(self, size: int) -> None:
        if size > self._allowed_chars:
            raise self._too_large()

    def _too_large(self) -> UnusableRecord:
        return UnusableRecord(
            reasons.ROW_TOO_LARGE,
            f"the template builds more than the {self._allowed_chars:,} characters that a row may have from this row's values; "
            "look at the numbers and widths in it",
        )

    def _written(self, value: Any) -> Any:
        """The text to print. Raises MissingValue, or UnusableRecord for a value without a text form."""
        if isinstance(value, str):
            self._has_text = self._has_text or not (value == "" or value.isspace())
            return value
        self._has_text = True
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            raise MissingValue  # we would pay for "None" or "nan" in a prompt
        if isinstance(value, UnreadableValue):
            raise value.refusal()
        if isinstance(value, (list, tuple, dict)):
            self._allow(written_size(value, self._allowed_chars))
            return value
        if isinstance(value, Undefined):
            return value
        _refuse_function(value)
        kind: Any = type(value)
        says_its_address = kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__
        if says_its_address or isinstance(value, (bytes, bytearray)):
            raise SecurityError(f"a {type(value).__name__} is written out, which is not text")
        return value


def _refuse_function(value: Any) -> None:
    if callable(value) and not isinstance(value, Undefined):
        raise SecurityError(f"a {type(value).__name__} is used as if it were a value")


def _name_of(node: nodes.Node) -> str:
    """The column that an expression is, for an error message."""
    if isinstance(node, nodes.Name):
        return repr(node.name)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        return repr(node.arg.value)
    return "a value"


class _BoundedFormatter(SandboxedFormatter):
    def __init__(self, environment: PromptEnvironment, allow: Callable[[int], None]) -> None:
        super().__init__(environment)
        self._allow = allow
        self._size = 0

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        value, first = super().get_field(field_name, args, kwargs)
        _refuse_function(value)
        return value, first

    def format_field(self, value: Any, format_spec: str) -> Any:
        self._allow(self._size + spec_size(format_spec))
        text = super().format_field(value, format_spec)
        self._size += len(text)
        self._allow(self._size)
        return text


class Repeatable(NodeTransformer):
    """Rewrites a template so that names mean columns rather than methods, and joined texts are bounded.

    ``a.items`` that is not called becomes ``a["items"]``; ``a ~ b`` and what a loop goes through become filters, because the sandbox does not
    see them.
    """

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        """A call: the called method stays a method."""
        callee = node.node
        if isinstance(callee, nodes.Getattr):
            callee.node = self.visit(callee.node)
            rest = nodes.Call(nodes.Const(None), node.args, node.kwargs, node.dyn_args, node.dyn_kwargs)
            self.generic_visit(rest)
            node.args, node.kwargs, node.dyn_args, node.dyn_kwargs = rest.args, rest.kwargs, rest.dyn_args, rest.dyn_kwargs
            return node
        self.generic_visit(node)
        return node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:
        """An attribute that is not called."""
        self.generic_visit(node)
        return nodes.Getitem(node.node, nodes.Const(node.attr, lineno=node.lineno), node.ctx, lineno=node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        """A loop: over the items of a text that is a list. One over a constant of the template, ``for letter in "ABCD"``, means its letters."""
        self.generic_visit(node)
        if not isinstance(node.iter, nodes.Const):
            name = nodes.Const(_name_of(node.iter), lineno=node.lineno)
            node.iter = nodes.Filter(node.iter, _ITEMS, [name], [], None, None, lineno=node.lineno)
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        """``{{ column }}`` and ``{{ column.field }}``: marked, to see when nothing of a row is in its text."""
        self.generic_visit(node)
        for place, printed in enumerate(node.nodes):
            if isinstance(printed, (nodes.Name, nodes.Getitem)):
                name = nodes.Const(_name_of(printed), lineno=node.lineno)
                node.nodes[place] = nodes.Filter(printed, _PRINTED, [name], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        """``a ~ b``."""
        self.generic_visit(node)
        return nodes.Filter(nodes.List(node.nodes, lineno=node.lineno), _CONCATENATED, [], [], None, None, lineno=node.lineno)
