"""Values of a target's templates: documented defaults, the user's file, ``--set name=value``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from beam_distill.config.errors import SettingsError
from beam_distill.config.sources import setting_names
from beam_distill.config.suggestions import nearest, suggestion
from beam_distill.deployment.quoting import BREAKING
from beam_distill.version import VERSION

EVERY_TARGET = "every target"


def defaults_text() -> str:
    """The text of values.yaml, with comments."""
    text = (resources.files("beam_distill") / "deployment" / "templates" / "values.yaml").read_text(encoding="utf-8")
    return text.replace("{version}", VERSION)


def defaults_for(target: str) -> dict[str, Any]:
    """The default of each of a target's values."""
    sections = _defaults()
    return {**sections[EVERY_TARGET], **sections[target]}


@lru_cache(maxsize=1)
def _defaults() -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = yaml.safe_load(defaults_text())
    return sections


def documented(target: str) -> str:
    """The part of values.yaml for a target, with its comments."""
    wanted, taken = False, []
    for line in defaults_text().splitlines():
        heading = re.match(r"(\S.*):\s*\Z", line)
        if heading:
            wanted = heading.group(1) in (EVERY_TARGET, target)
        if wanted and line.startswith(" "):
            taken.append(line[2:])
    return "\n".join(taken).strip() + "\n"


def split_assignments(assignments: Iterable[str], target: str) -> tuple[dict[str, str], dict[str, str]]:
    """``name=value`` texts as (values of the target, inputs of the job). Raises SettingsError for a name that is neither."""
    known, inputs = defaults_for(target), setting_names()
    values: dict[str, str] = {}
    settings: dict[str, str] = {}
    problems = []
    for text in assignments:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            problems.append(f"--set {text}: expected name=value")
        elif name in known:
            values[name] = value
        elif name in inputs:
            settings[name] = value
        else:
            problems.append(f"--set {name}: {target} has no such value, and the job no such input{suggestion(name, [*known, *inputs])}")
    if problems:
        raise SettingsError(problems)
    return values, settings


def read_values(target: str, of_job: Mapping[str, Any], file_values: Mapping[str, Any], set_values: Mapping[str, str]) -> dict[str, Any]:
    """All values of a target: default, then the job's, then the file's, then ``--set``.

    Raises SettingsError for unknown names and wrong types.
    """
    values = {**defaults_for(target), **of_job}
    problems = []
    for origin, given in (("values file", file_values), ("--set", set_values)):
        for name, value in given.items():
            if name not in values:
                problems.append(f"{name} ({origin}): {target} has no such value{nearest(str(name), values)}")
                continue
            try:
                values[name] = _typed(value, values[name])
            except ValueError as error:
                problems.append(f"{name} ({origin}) is {value!r}: {error}")
    if problems:
        raise SettingsError(problems)
    return values


def read_values_file(path: str | None) -> dict[str, Any]:
    """The user's own values, a YAML mapping. Raises SettingsError when it is not one."""
    if path is None:
        return {}
    try:
        with open(path, encoding="utf-8-sig") as file:
            fields = yaml.safe_load(file)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError([f"values: {path} cannot be read as YAML: {error}"]) from None
    if fields is not None and not isinstance(fields, dict):
        raise SettingsError([f"values: {path} must hold a mapping of names to values"])
    return fields or {}


def _typed(value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if isinstance(value, bool):
            return value
        raise ValueError("expected true or false")
    if isinstance(default, int):
        try:
            return int(str(value))
        except ValueError:
            raise ValueError("expected a whole number") from None
    if isinstance(value, (dict, list)):
        raise ValueError("expected one text")
    text = "" if value is None else str(value)
    if BREAKING.search(text):
        raise ValueError("holds a line break or another control character")
    if "${{" in text:
        raise ValueError("contains an expression, which the service would fill in; write it into the rendered file instead")
    return text
