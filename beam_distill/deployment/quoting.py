"""Quoting of values for a shell and YAML: any value stays one value on one line."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import yaml

BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
"""Line ends and invalid characters for any reader of shell scripts and YAML."""

_NUMBER_ELSEWHERE = re.compile(r"[-+]?(\.?\d[\d_]*(\.\d*)?([eE][-+]?\d+)?|0o[0-7]+)\Z")
"""Numbers of YAML 1.2 that are text in YAML 1.1."""


def shell_word(value: object) -> str:
    """A value as one word of bash, without a line break: ``$'a\\nb'`` if it has one."""
    text = str(value)
    if not BREAKING.search(text):
        return shlex.quote(text)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + BREAKING.sub(lambda found: _bash_escape(found[0]), escaped) + "'"


def shell_words(values: list[str]) -> str:
    """Values as words of bash on one line."""
    return " ".join(shell_word(value) for value in values)


def _bash_escape(letter: str) -> str:
    return "\\n" if letter == "\n" else f"\\u{ord(letter):04x}"


def yaml_scalar(value: Any) -> str:
    """One value as a YAML scalar on one line, the same for readers of YAML 1.1 and 1.2."""
    if isinstance(value, float):
        return str(yaml.safe_dump(value)).removesuffix("\n...\n")
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if BREAKING.search(value) or _NUMBER_ELSEWHERE.match(value):
        return _double_quoted(value)
    plain: str = yaml.safe_dump(value, width=10_000, allow_unicode=True).removesuffix("\n...\n").removesuffix("\n")
    return plain if "\n" not in plain else _double_quoted(value)


def _double_quoted(value: str) -> str:
    # JSON's quoting is valid in YAML
    return BREAKING.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


class _Dumper(yaml.SafeDumper):
    """Writes texts with line ends in double quotes."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if BREAKING.search(value) else None)


_Dumper.add_representer(str, _text)


def yaml_block(value: Any, indent: int) -> str:
    """A mapping as a YAML block, each line after ``indent`` spaces."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=1_000_000, allow_unicode=True)
    return "\n".join(" " * indent + line for line in text.removesuffix("\n").split("\n"))
