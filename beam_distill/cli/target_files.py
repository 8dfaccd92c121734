"""A target and a job's files for it, for ``render`` and ``launch``. Needs no Beam."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from beam_distill.cli.command import Call
from beam_distill.config.errors import SettingsError
from beam_distill.config.sources import ENVIRONMENT_PREFIX, ResolvedSettings, resolve, setting_names
from beam_distill.config.suggestions import nearest
from beam_distill.deployment.targets import TARGETS
from beam_distill.deployment.values import read_values_file, split_assignments

if TYPE_CHECKING:
    from beam_distill.deployment.render import Rendered

log = logging.getLogger("beam_distill")

_EPILOG = "NAME is a value of the target (--list-values shows them) or any input of the job; a job's BEAM_DISTILL_* variables count too."


def declare_target(parser: argparse.ArgumentParser, targets: Mapping[str, str]) -> None:
    """Declare the target argument and its flags; ``targets`` has a description of each."""
    width = max(map(len, targets)) + 2
    listed = "\n".join(f"  {target:<{width}}{what}" for target, what in targets.items())
    parser.description = f"{parser.description} TARGET is one of\n{listed}"
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("target", metavar="TARGET")
    parser.add_argument("--config", metavar="FILE", help="YAML or JSON file of the job's inputs (required)")
    parser.add_argument("--set", metavar="NAME=VALUE", dest="assignments", action="append", default=[], help="may be repeated")
    parser.add_argument("--values", metavar="FILE", help="YAML file of the target's values")
    parser.add_argument("-o", "--output", metavar="DIR", dest="folder", help="folder to write to (beam-distill-TARGET)")
    parser.add_argument("--list-values", action="store_true", help="show the target's values with their defaults, and end")


def render_files(call: Call) -> tuple[str, Rendered, ResolvedSettings]:
    """Render the target. Returns the folder, its files, and the job's settings. Raises SettingsError."""
    # late: keeps Jinja2 out of the start
    from beam_distill.deployment.render import RenderRequest, render, write

    namespace, environ = call.namespace, call.environ
    target = known(namespace.target)
    if namespace.config is None:
        raise SettingsError(["--config: missing; name the YAML or JSON file of the job's inputs"])
    set_values, set_inputs = split_assignments(namespace.assignments, target)
    from_environment = {name: value for name in setting_names() if (value := environ.get(ENVIRONMENT_PREFIX + name.upper())) is not None}
    inputs = from_environment | set_inputs
    resolved = resolve(inputs, namespace.config, {})
    for name in TARGETS[target].of_job(resolved.settings):
        if from_environment.get(name) and name not in set_values:
            set_values[name] = inputs.pop(name)  # read it like the same --set
    folder = namespace.folder or f"beam-distill-{target}"
    request = RenderRequest(target, namespace.config, folder, set_values, inputs, read_values_file(namespace.values), namespace.values)
    rendered = render(request, resolved)
    for warning in (*resolved.warnings, *rendered.warnings):
        log.warning("%s", warning)
    for path in write(rendered, folder):
        print(path)
    return folder, rendered, resolved


def known(target: str) -> str:
    """The target's name, if it exists. Raises SettingsError that suggests the nearest."""
    if target not in TARGETS:
        raise SettingsError([f"{target}: no such target{nearest(target, TARGETS)}; there are {', '.join(TARGETS)}"])
    return target


def refuse(leftovers: list[str]) -> None:
    """Raises SettingsError for unknown arguments."""
    if leftovers:
        raise SettingsError([f"unexpected argument {leftovers[0]!r}; an input of the job is set with --set name=value or in the config file"])
