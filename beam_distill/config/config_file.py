"""Reads a config file, YAML or JSON: names with values, each once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from beam_distill.config.errors import SettingsError
from beam_distill.config.fields import plainly

_UNQUOTED = re.compile(r"\s*(\w+): +([{%@*&`!\[].*|[^'\"#].*: .*)")
"""A name and a value that YAML does not read as text."""


def read_config_file(path: str) -> dict[str, Any]:
    """The settings in the file; empty for an empty one. Raises SettingsError."""
    try:
        with open(path, "rb") as file:
            text = _text(file.read())
        fields = _from_json(text) if path.endswith(".json") else _from_yaml(text)
    except UnicodeDecodeError:
        raise SettingsError([f"config: {path} is not UTF-8; save it as UTF-8"]) from None
    except OSError as error:
        raise SettingsError([f"config: {path} cannot be read: {plainly(error)}"]) from None
    except RecursionError:
        raise SettingsError([f"config: {path} is nested too deeply; expected names with values"]) from None
    except ValueError as error:
        raise SettingsError([f"config: {path} is not valid {'JSON' if path.endswith('.json') else 'YAML'}: {error}"]) from None
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        other = " (TOML is not read; write name: value)" if path.endswith(".toml") else ""
        raise SettingsError(
            [f"config: {path} must hold names with values, as in 'train_file_path: data/train.jsonl'; it holds something else{other}"]
        )
    return fields


def _text(data: bytes) -> str:
    """UTF-8, or UTF-16 with its mark, which Windows' PowerShell writes."""
    return data.decode("utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else data.decode("utf-8-sig")


def _from_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    pairs = list(pairs)
    _refuse_repeats([name for name, _ in pairs])
    return dict(pairs)


def _refuse_repeats(names: list[Any]) -> None:
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} is there more than once; keep one")


def _from_yaml(text: str) -> Any:
    # late: keeps PyYAML out of the start
    import yaml

    class Loader(yaml.SafeLoader):
        """The safe loader, which would take the last of several values with the same name."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            if isinstance(node, yaml.MappingNode):
                _refuse_repeats([key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"])
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error)
        if mark is None:
            raise ValueError(said) from None
        raise ValueError(f"line {mark.line + 1}, column {mark.column + 1}: {said}{_in_quotes(text.splitlines()[mark.line :][:1])}") from None


def _in_quotes(line: list[str]) -> str:
    """Advice about the line with the error, if it has a text that YAML reads as something else: a template, ``@FILE``, "Q: A"."""
    found = _UNQUOTED.match(line[0]) if line else None
    if found is None:
        return ""
    name, value = found[1], found[2].rstrip().replace("'", "''")
    return f"; if this is a text, write it in quotes: {name}: '{value}'"
