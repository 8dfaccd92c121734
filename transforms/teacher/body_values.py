"""Secrets in the request body: a text ``${NAME}`` in extra_body means a variable of the process that sends.

So only the secret's name is passed to the workers and written to the ledger.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import orjson

from transforms.elements.variables import variables_in, with_variables
from transforms.teacher.header_values import HeaderValueMissing, only_references
from transforms.teacher.kinds.base import Kind


def variables_of_body(fields: Any) -> list[str]:
    """The variables that the texts of a JSON value name, each once."""
    if isinstance(fields, dict):
        fields = list(fields.values())
    if isinstance(fields, list):
        return list(dict.fromkeys(name for part in fields for name in variables_of_body(part)))
    return variables_in(fields) if isinstance(fields, str) and only_references(fields) else []


def filled_extra_body(extra_body_json: str, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The fields of an extra body that name variables, with the variables' values. Raises HeaderValueMissing."""
    environ = os.environ if environ is None else environ
    fields: dict[str, Any] = orjson.loads(extra_body_json)
    return {name: _filled(value, environ) for name, value in fields.items() if variables_of_body(value)}


def with_fields(body: bytes, filled: Mapping[str, Any], kind: Kind) -> bytes:
    """A request body of this kind with the fields of these names replaced."""
    request = kind.plain_request(orjson.loads(body))
    return kind.body_of({name: filled.get(name, value) for name, value in request.items()})


def _filled(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(part, environ) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, environ) for part in value]
    if not isinstance(value, str) or not only_references(value):
        return value

    def look_up(variable: str) -> str:
        found = environ.get(variable, "")
        if not found:
            raise HeaderValueMissing(f"extra_body: the environment variable {variable} is not set on this machine, or empty")
        return found

    return with_variables(value, look_up)
