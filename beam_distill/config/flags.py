"""The inputs as flags of a command."""

from __future__ import annotations

import argparse
import re
from typing import Any

from beam_distill.config.base import GROUPS
from beam_distill.config.settings import DistillSettings

_CONFIG_FILE_ONLY = frozenset({"beam_options", "teachers"})
SHORT = {
    "data_generation_task_type": "task",
    "train_file_path": "train",
    "validation_file_path": "validation",
    "generated_batch_train_file_path": "train_output",
    "generated_batch_validation_file_path": "validation_output",
    "teacher_model_endpoint_url": "endpoint",
    "teacher_model_max_new_tokens": "max_tokens",
}
"""Short names of flags with the long names of Azure ML's component."""


def add_setting_flags(
    parser: argparse.ArgumentParser,
    show_all: bool,
    without: frozenset[str] = frozenset(),
    required: bool = True,
    groups_shown: tuple[str, ...] = GROUPS,
) -> None:
    """Declare a flag per input except ``without``, with underscores or hyphens.

    Without ``show_all`` the help has only the common ones of ``groups_shown``; without ``required`` it marks none as required. Values stay
    text; an input that was not given is not in the namespace.
    """
    groups = {name: parser.add_argument_group(name) for name in GROUPS}
    groups["data"].add_argument("--config", metavar="FILE", default=None, help="YAML or JSON file of inputs")
    for name, field in DistillSettings.model_fields.items():
        if name in _CONFIG_FILE_ONLY or name in without:
            continue
        extra: Any = field.json_schema_extra
        shown = show_all or (extra["everyday"] and extra["group"] in groups_shown)
        _add_flag(groups[extra["group"]], name, field, _help(name, field, required) if shown else argparse.SUPPRESS)


def with_values_that_look_like_flags(arguments: list[str]) -> list[str]:
    """The arguments, with a stop text that begins with a hyphen (``---``) as its flag's value and not as another flag."""
    flags = {spelling for name in DistillSettings.model_fields for spelling in _spellings(name)} | {"--config", "--help", "--help-all", "-h"}
    joined: list[str] = []
    for argument in arguments:
        meant = argument.startswith("-") and argument.partition("=")[0] not in flags
        if meant and joined and joined[-1] in _spellings("teacher_model_stop"):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _spellings(name: str) -> tuple[str, ...]:
    names = (name, SHORT[name]) if name in SHORT else (name,)
    return tuple(dict.fromkeys(text for each in names for text in (f"--{each}", f"--{each.replace('_', '-')}")))


def add_flags_of(parser: argparse.ArgumentParser, names: tuple[str, ...], help_text: str) -> None:
    """Declare the flags of some inputs on a command that takes no others; ``help_text`` is added to their help."""
    for name in names:
        field = DistillSettings.model_fields[name]
        _add_flag(parser, name, field, f"{_help(name, field, required=False)}; {help_text}")


def _add_flag(place: Any, name: str, field: Any, help_text: str) -> None:
    short = SHORT.get(name)
    spellings = _spellings(name)
    if short is not None and help_text != argparse.SUPPRESS:
        help_text += f"; or --{short}"
    flag = field.annotation is bool
    value: dict[str, Any] = {"nargs": "?", "const": "true", "metavar": ""} if flag else {"metavar": _metavar(field.annotation)}
    if name == "teacher_model_endpoint_url":
        value["action"] = _Repeated
    place.add_argument(*spellings, dest=name, default=argparse.SUPPRESS, **value, help=help_text)


class _Repeated(argparse.Action):
    """A flag that may be given several times: text once, a list of texts otherwise."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None) -> None:
        earlier = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, values if earlier is None else [*([earlier] if isinstance(earlier, str) else earlier), values])


class SettingsHelp(argparse.HelpFormatter):
    """One line per input: the spelling with hyphens is accepted but not listed."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=47, width=118)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{action.option_strings[0]} {action.metavar or ''}".rstrip()

    def _format_usage(self, usage: Any, actions: Any, groups: Any, prefix: Any) -> str:
        return f"usage: {usage or f'{self._prog} [--config FILE] [inputs] [Beam options]'}\n"


def _metavar(annotation: Any) -> str:
    text = str(annotation)
    if re.search(r"\bint\b", text) and "dict" not in text:
        return "N"
    if "float" in text:
        return "X"
    return "JSON" if "dict" in text else "TEXT"


def _help(name: str, field: Any, required: bool) -> str:
    text = (field.description or "").replace("%", "%%")
    if field.is_required():
        return f"{text} (required)" if required else text
    if field.default in (None, ()) or field.annotation is bool:
        return text
    return f"{text} ({field.default})"
