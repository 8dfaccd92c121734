"""Headers that a person adds: ``${NAME}`` in a value stands for an environment variable of the process that sends.

So a secret in a header travels as its name, like every other (docs/architecture.md, laws).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial

from transforms.elements.references import variables_in, with_variables

_SCHEMES = frozenset({"basic", "bearer", "token", "apikey", "key"})


class HeaderValueMissing(Exception):
    """A header's value names a variable that is not there, or one that no header can carry."""


def referenced_variables(values: Iterable[str]) -> list[str]:
    """The environment variables that header values name."""
    return [name for value in values for name in variables_in(value)]


def only_references(value: str) -> bool:
    """Whether a value says where a secret is and can hold none itself: references, and before them the name of an authentication scheme."""
    rest = with_variables(value, lambda name: " ").split()
    return bool(variables_in(value)) and all(word.lower() in _SCHEMES for word in rest)


def filled_in(headers: Iterable[tuple[str, str]], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Names and values as they are sent. Raises HeaderValueMissing."""
    return {header: with_variables(text, partial(value_of, f"header {header}", environ=environ)) for header, text in headers}


def value_of(where: str, variable: str, environ: Mapping[str, str] | None = None) -> str:
    """The value of a variable that ``where`` names, fit for a header. Raises HeaderValueMissing."""
    value = (os.environ if environ is None else environ).get(variable, "").strip()
    if not value:
        raise HeaderValueMissing(f"{where}: the environment variable {variable} is not set on this machine, or empty")
    if any(ord(letter) < 32 or ord(letter) > 126 for letter in value):
        raise HeaderValueMissing(f"{where}: the environment variable {variable} holds characters that no header can carry")
    return value
