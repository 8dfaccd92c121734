"""The answer is JSON that fits a JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from transforms.acceptance.base import CheckRefused, Sample, WrongSetting
from transforms.elements import reasons

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_LONGEST_FINDING = 300
_FENCE = re.compile(r"```[^\n`]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_ALONE = "ask for JSON alone in the prompt, or with response_format in extra_body"


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """Every answer of a row is one JSON value, without anything around it, that fits the schema. ``schema`` is the schema's JSON text."""

    schema: str

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> SchemaCheck:
        """Raises WrongSetting without a schema, or for one that cannot be used."""
        schema = settings.get("answer_schema")
        if schema is None:
            raise WrongSetting("needs answer_schema, a JSON Schema: --answer_schema @schema.json")
        # late: keeps jsonschema out of the start
        from jsonschema.exceptions import SchemaError

        try:
            read = json.loads(schema)
        except ValueError as error:
            raise WrongSetting(f"needs a JSON Schema, and answer_schema is not JSON ({error})") from None
        if not isinstance(read, (dict, bool)):
            raise WrongSetting("needs a JSON Schema, an object; answer_schema is another JSON value")
        try:
            type(_validator(schema)).check_schema(read)
        except SchemaError as error:
            raise WrongSetting(f"cannot use answer_schema: {error.json_path}: {error.message[:_LONGEST_FINDING]}") from None
        for problem in _problems(read, read):
            raise WrongSetting(f"cannot use answer_schema: {problem}")
        return cls(schema)

    def examine(self, sample: Sample) -> None:
        """Raises CheckRefused."""
        for turn in sample.turns():
            finding = _finding(self.schema, turn.answer)
            if finding is not None:
                raise CheckRefused(reasons.SCHEMA_MISMATCH, finding[:_LONGEST_FINDING], turn.number)


def _finding(schema: str, answer: str) -> str | None:
    # late: keeps jsonschema out of the start
    from jsonschema.exceptions import best_match

    try:
        value = json.loads(answer, parse_constant=_refuse_constant)
        error = best_match(_validator(schema).iter_errors(value))
    except ValueError as not_json:
        return _finding_inside(schema, answer) or f"the answer is not JSON ({not_json})"
    except RecursionError:
        return "the answer is nested too deeply"
    except Exception as error:  # noqa: BLE001 - a reference that only some answers reach; a row never ends the run
        return f"the schema cannot be applied: {error}"
    return None if error is None else f"{error.json_path}: {error.message}"


def _finding_inside(schema: str, answer: str) -> str | None:
    """What is wrong with an answer that has JSON with more around it, which would be in the dataset too; None if it has none."""
    fence = _FENCE.search(answer)
    if fence is not None:
        inside, around = fence[1], "a code fence (```)" if fence[0] == answer.strip() else "a code fence (```) and text"
    else:
        start = re.search(r"[{\[]", answer)
        end = max(answer.rfind("}"), answer.rfind("]"))
        if start is None or end < start.start():
            return None
        inside, around = answer[start.start() : end + 1], "text"
    try:
        json.loads(inside, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    finding = _finding(schema, inside)
    return f"JSON that fits, with {around} around it: {_ALONE}" if finding is None else f"JSON with {around} around it, and {finding}"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _problems(schema: Any, whole: Any) -> Iterator[str]:
    """What a schema's own check does not look at: references that fail when an answer reaches them."""
    if isinstance(schema, dict):
        for name, value in schema.items():
            if name in ("$ref", "$dynamicRef") and isinstance(value, str):
                if not value.startswith("#"):
                    yield f"it refers to {value}, and nothing but the schema itself is read; put that under its $defs"
                elif value.startswith("#/") and not _holds(whole, value):
                    yield f"it refers to {value}, which it does not have"
            else:
                yield from _problems(value, whole)
    elif isinstance(schema, list):
        for value in schema:
            yield from _problems(value, whole)


def _holds(whole: Any, pointer: str) -> bool:
    found = whole
    for step in unquote(pointer[2:]).split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            return False
    return True


@lru_cache(maxsize=8)
def _validator(schema: str) -> Validator:
    # late: keeps jsonschema out of the start
    from jsonschema.validators import Draft202012Validator, validator_for

    read = json.loads(schema)
    found: Any = validator_for(read, default=Draft202012Validator)
    return found(read)
