"""Templates, values and a job's facts to files."""

from __future__ import annotations

import dataclasses
import json
import os
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from beam_distill.config.errors import SettingsError
from beam_distill.config.secrets import holds_mask
from beam_distill.config.sources import ResolvedSettings
from beam_distill.deployment.azureml import Carried
from beam_distill.deployment.job_facts import HEADERS, JobFacts, component_inputs, component_outputs, headers_shown, job_facts, left_out
from beam_distill.deployment.quoting import BREAKING, shell_word, shell_words, yaml_block, yaml_scalar
from beam_distill.deployment.targets import TARGETS, Target
from beam_distill.deployment.values import read_values
from beam_distill.version import VERSION


@dataclasses.dataclass(frozen=True, slots=True)
class RenderRequest:
    """The user's request: target, the config file's path, other settings, and the output folder."""

    target: str
    config: str
    folder: str
    set_values: dict[str, str]
    set_inputs: dict[str, str]
    file_values: dict[str, Any] = dataclasses.field(default_factory=dict)
    values_file: str | None = None

    @property
    def command(self) -> str:
        """The command line that makes these files."""
        words = ["beam-distill", "render", self.target, "--config", self.config]
        if self.values_file is not None:
            words += ["--values", self.values_file]
        for name, value in (self.set_inputs | self.set_values).items():
            words += ["--set", f"{name}={value}"]
        return shell_words([*words, "-o", self.folder])


@dataclasses.dataclass(frozen=True, slots=True)
class Rendered:
    """File names with their text, and their values; ``warnings`` say what was left out."""

    target: Target
    files: dict[str, str]
    values: dict[str, Any]
    warnings: tuple[str, ...] = ()


def render(request: RenderRequest, resolved: ResolvedSettings, templates: Path | None = None) -> Rendered:
    """The files of a target; ``templates`` is a folder that replaces our own templates.

    Raises SettingsError when the target does not support the settings, jinja2's UndefinedError for an unknown name in a template.
    """
    target = TARGETS[request.target]
    _refuse_names(request)
    objection = target.objection(resolved.settings)
    if objection is not None:
        raise SettingsError([f"{target.name} cannot be rendered: {objection}"])
    values = read_values(target.name, target.of_job(resolved.settings), request.file_values, request.set_values)
    secret = {name for name, value in resolved.settings.public_view().items() if holds_mask(value)}
    inputs = {name: value for name, value in request.set_inputs.items() if name != HEADERS and name not in secret}
    if HEADERS in request.set_inputs and target.headers and (safe := headers_shown(resolved.settings)):
        inputs[HEADERS] = json.dumps(safe)  # the others may be secrets: the command in the file is without them
    shown = dataclasses.replace(request, set_inputs=inputs)
    job = job_facts(resolved, shown.command, request.config, shown.set_inputs, request.folder, target.headers)
    environment = _environment(templates)
    carried = target.carry(resolved, values) if target.carry is not None else None
    files = {name: _fill(environment, f"{target.name}/{name}.j2", job, values, carried) for name in target.files}
    warnings = [*left_out(resolved, target.headers), *(carried.warnings if carried is not None else ())]
    return Rendered(target, files, values, tuple(warnings))


def _refuse_names(request: RenderRequest) -> None:
    """Refuse file names, which become part of commands, with line ends or a service's placeholders."""
    for flag, name in (("--config", request.config), ("-o", request.folder), ("--values", request.values_file or "")):
        if BREAKING.search(name):
            raise SettingsError([f"{flag}: the name holds a line break or another character that rendered files cannot carry; rename it"])
        if "${{" in name:
            raise SettingsError([f"{flag}: {name!r} contains an expression, which the service would fill in; rename it"])


def write(rendered: Rendered, folder: str) -> list[Path]:
    """Write the files into ``folder``; scripts are executable. Raises SettingsError when it is not writable."""
    written = []
    try:
        os.makedirs(folder, exist_ok=True)
        for name, text in rendered.files.items():
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8")
            if name.endswith(".sh"):
                path.chmod(0o755)
            written.append(path)
    except OSError as error:
        raise SettingsError([f"-o {folder}: cannot be written: {error.strerror or error}"]) from None
    return written


@lru_cache(maxsize=2)  # it keeps the compiled templates
def _environment(folder: Path | None) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template) if folder is None else jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML and shell, each value through the filter of its language
    )
    environment.filters["yaml"] = yaml_scalar
    environment.filters["sh"] = shell_word
    environment.filters["yaml_block"] = yaml_block
    return environment


def _template(name: str) -> str:
    return (resources.files("beam_distill") / "deployment" / "templates" / name).read_text(encoding="utf-8")


def _fill(environment: jinja2.Environment, name: str, job: JobFacts, values: dict[str, Any], carried: Carried | None) -> str:
    text = environment.get_template(name).render(
        job=job,
        values=values,
        carried=carried,
        version=VERSION,
        component_inputs=component_inputs(),
        component_outputs=component_outputs(),
    )
    return text.rstrip("\n") + "\n"
