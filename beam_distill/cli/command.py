"""The protocol of commands: one file in ``commands/`` with its name, its help, its flags and its function."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from beam_distill.config.settings import DistillSettings
from beam_distill.config.sources import ResolvedSettings, resolve

NAMES = ("run", "check", "plan", "jar", "status", "report", "ledger", "retry", "simulate", "render", "launch")
"""The commands, in the order of the help; each file has its command's name."""
WORK_DIR = "earlier_work_dir"
"""The parser's name for the work_dir of an earlier run, which is not the input of that name."""


class Takes(Enum):
    """What a command gets besides its own flags."""

    NOTHING = "nothing"
    WORK_DIR = "work_dir"
    """The work_dir of an earlier run, and Beam's options for its storage."""
    SETTINGS = "settings"
    """The inputs of a job, and Beam's options; also a work_dir if the command declares one."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a command.

    ``leftovers`` are the arguments that the command does not declare: all are options of Beam, unless it takes NOTHING. ``given`` are
    the resolved settings.
    """

    namespace: argparse.Namespace
    environ: Mapping[str, str]
    leftovers: list[str]
    given: ResolvedSettings | None = None

    @property
    def resolved(self) -> ResolvedSettings:
        """The job's settings, for a command that takes them."""
        assert self.given is not None
        return self.given

    @property
    def has_work_dir(self) -> bool:
        """Whether the work_dir of an earlier run was given."""
        return getattr(self.namespace, WORK_DIR, None) is not None

    @property
    def work_dir(self) -> str:
        """The work_dir of an earlier run."""
        return str(getattr(self.namespace, WORK_DIR))

    @property
    def config(self) -> str | None:
        """The config file, or None."""
        return getattr(self.namespace, "config", None)

    @property
    def inputs(self) -> dict[str, object]:
        """The inputs of the job among the flags."""
        return {name: value for name, value in vars(self.namespace).items() if name in DistillSettings.model_fields}


def settings_given(call: Call) -> ResolvedSettings:
    """The settings from flags, environment and config file. Raises SettingsError."""
    return resolve(call.inputs, call.config, call.environ)


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    ``help`` is its line in the list of commands. ``declare`` adds its flags to a parser, and all inputs to the help if its second argument
    is true; it may also set usage, description, epilog and formatter_class. ``run`` returns the exit code, or raises SettingsError or
    RunRefused. ``resolve`` makes the settings of a command that takes them. ``rewrite`` changes the arguments after the command's name before
    argparse parses them. Without ``lists_help`` the help does not list -h.
    """

    name: str
    help: str
    takes: Takes
    declare: Callable[[argparse.ArgumentParser, bool], None]
    run: Callable[[Call], int]
    resolve: Callable[[Call], ResolvedSettings] = settings_given
    rewrite: Callable[[list[str]], list[str]] = list
    lists_help: bool = True
