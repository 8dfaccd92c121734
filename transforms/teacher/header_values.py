"""The user's additional headers: ``${NAME}`` in a value means an environment variable of the process that sends.

So only the secret's name is passed to the workers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial

from transforms.elements.variables import variables_in, with_variables

_SCHEMES = frozenset({"basic", "bearer", "token", "apikey", "key"})


class HeaderValueMissing(Exception):
    """A header's value names a variable that is not set, or whose value is not valid in a header."""


def referenced_variables(values: Iterable[str]) -> list[str]:
    """The environment variables that header values name."""
    return [name for value in values for name in variables_in(value)]


def only_references(value: str) -> bool:
    """Whether a value has only references, perhaps after the name of an authentication scheme, so that it cannot contain a secret."""
    rest = with_variables(value, lambda name: " ").split()
    return bool(variables_in(value)) and all(word.lower() in _SCHEMES for word in rest)


def filled_in(headers: Iterable[tuple[str, str]], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Names and final values. Raises HeaderValueMissing."""
    return {header: with_variables(text, partial(value_of, f"header {header}", environ=environ)) for header, text in headers}


def value_of(where: str, variable: str, environ: Mapping[str, str] | None = None) -> str:
    """The value of a variable for a header; ``where`` names it in messages. Raises HeaderValueMissing."""
    value = (os.environ if environ is None else environ).get(variable, "").strip()
    if not value:
        raise HeaderValueMissing(f"{where}: the environment variable {variable} is not set on this machine, or empty")
    if any(ord(letter) < 32 or ord(letter) > 126 for letter in value):
        raise HeaderValueMissing(f"{where}: the environment variable {variable} holds characters that no header can carry")
    return value
