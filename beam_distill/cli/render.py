"""``beam-distill render``: a job as ready files for the place that will run it. Needs no Beam."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from beam_distill.config.errors import SettingsError
from beam_distill.config.sources import ENVIRONMENT_PREFIX, ResolvedSettings, resolve, setting_names
from beam_distill.config.suggestions import nearest
from beam_distill.deployment.targets import TARGETS
from beam_distill.deployment.values import documented, read_values_file, split_assignments

if TYPE_CHECKING:
    from beam_distill.deployment.render import Rendered

log = logging.getLogger("beam_distill")

EPILOG = "NAME is a value of the target (--list-values shows them) or any input of the job; a job's BEAM_DISTILL_* variables count too."


def add_command(commands: Any) -> None:
    """Declare the subcommand."""
    targets = {target.name: target.what for target in TARGETS.values()}
    add_target_command(commands, "render", "write the job as ready files for a cluster or CI", targets)


def add_target_command(commands: Any, name: str, does: str, targets: Mapping[str, str]) -> None:
    """Declare a subcommand that takes a target, with the flags that render and launch share; ``targets`` says what each one is."""
    width = max(map(len, targets)) + 2
    listed = "\n".join(f"  {target:<{width}}{what}" for target, what in targets.items())
    command = commands.add_parser(
        name,
        help=does,
        description=f"{does[0].upper()}{does[1:]}. TARGET is one of\n{listed}",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("target", metavar="TARGET")
    command.add_argument("--config", metavar="FILE", help="YAML or JSON file of the job's inputs (required)")
    command.add_argument("--set", metavar="NAME=VALUE", dest="assignments", action="append", default=[], help="may be repeated")
    command.add_argument("--values", metavar="FILE", help="YAML file of the target's values")
    command.add_argument("-o", "--output", metavar="DIR", dest="folder", help="folder to write to (beam-distill-TARGET)")
    command.add_argument("--list-values", action="store_true", help="show the target's values with their defaults, and end")


def run(namespace: argparse.Namespace, leftovers: list[str]) -> int:
    """Write the files and say what to do with them. Raises SettingsError."""
    refuse(leftovers)
    if namespace.list_values:
        print(documented(known(namespace.target)), end="")
        return 0
    folder, rendered, _ = render_files(namespace, os.environ)
    next_step = rendered.target.next_for(folder, rendered.values["package"])
    print(f"next: {next_step}")
    return 0


def render_files(namespace: argparse.Namespace, environ: Mapping[str, str]) -> tuple[str, Rendered, ResolvedSettings]:
    """Render what the command line asks for; the folder, what is in it, and the job's settings. Raises SettingsError."""
    from beam_distill.deployment.render import RenderRequest, render, write

    target = known(namespace.target)
    if namespace.config is None:
        raise SettingsError(["--config: missing; name the YAML or JSON file of the job's inputs"])
    set_values, set_inputs = split_assignments(namespace.assignments, target)
    from_environment = {name: value for name in setting_names() if (value := environ.get(ENVIRONMENT_PREFIX + name.upper())) is not None}
    inputs = from_environment | set_inputs
    resolved = resolve(inputs, namespace.config, {})
    for name in TARGETS[target].of_job(resolved.settings):
        if from_environment.get(name) and name not in set_values:
            set_values[name] = inputs.pop(name)  # as the same --set is read
    folder = namespace.folder or f"beam-distill-{target}"
    request = RenderRequest(target, namespace.config, folder, set_values, inputs, read_values_file(namespace.values), namespace.values)
    rendered = render(request, resolved)
    for warning in (*resolved.warnings, *rendered.warnings):
        log.warning("%s", warning)
    for path in write(rendered, folder):
        print(path)
    return folder, rendered, resolved


def known(target: str) -> str:
    """The target's name when there is such a one. Raises SettingsError with the nearest."""
    if target not in TARGETS:
        raise SettingsError([f"{target}: no such target{nearest(target, TARGETS)}; there are {', '.join(TARGETS)}"])
    return target


def refuse(leftovers: list[str]) -> None:
    """Raises SettingsError for arguments that nothing takes."""
    if leftovers:
        raise SettingsError([f"unexpected argument {leftovers[0]!r}; an input of the job is set with --set name=value or in the config file"])
