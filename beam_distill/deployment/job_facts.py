"""A job's settings in the form of a target."""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass
from typing import Any

from beam_distill.config.component import COMPONENT, COMPONENT_INPUTS, COMPONENT_OUTPUTS
from beam_distill.config.secrets import holds_mask
from beam_distill.config.settings import OUTPUTS, DistillSettings, as_judge
from beam_distill.config.sources import ResolvedSettings
from beam_distill.config.table import described
from beam_distill.deployment.quoting import shell_word
from beam_distill.job.handoff_folder import handoff_folder
from beam_distill.runners.spark_properties import driver_properties, replacement_properties
from transforms.files.paths import is_remote
from transforms.teacher.body_values import variables_of_body
from transforms.teacher.header_values import only_references, referenced_variables

SERVERLESS = "serverless"
HEADERS = "additional_headers"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a step runs: in a ``pool`` (node pool, agent pool, runner label, compute), or on machines of an ``instance_type``; None
    if not set."""

    pool: str | None
    instance_type: str | None


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A job for its templates. ``config`` is the config file's path as given; ``overrides`` are other inputs, as text;
    ``settings`` has every input that may be shown. ``azure``: the job uses an Azure identity."""

    command: str
    config: str
    overrides: dict[str, str]
    settings: dict[str, Any]
    given: frozenset[str]
    work_dir: str
    folder: str
    azure: bool
    generation: Placement
    validation: Placement

    @property
    def secret_variables(self) -> list[str]:
        """The environment variables with the workers' secrets."""
        holders = [self.settings, *(self.settings["teachers"] or ())]
        keys = [*(holder.get("api_key_env") for holder in holders), self.settings["judge_api_key_env"]]
        key = list(dict.fromkeys(name for name in keys if name))
        in_bodies = [name for body in ("extra_body", "judge_extra_body") for name in variables_of_body(self.settings[body])]
        named = [*referenced_variables(self.settings.get(HEADERS, {}).values()), *in_bodies]
        return key + [name for name in dict.fromkeys(named) if name not in key]

    @property
    def processes(self) -> int:
        """Scoring processes over all machines."""
        return int(self.settings["instance_count"]) * int(self.settings["max_concurrency_per_instance"])

    @property
    def spark_properties(self) -> dict[str, str]:
        """The properties of Spark's driver."""
        return driver_properties(self.settings["instance_count"], self.settings["max_concurrency_per_instance"])

    @property
    def spark_replacement(self) -> dict[str, str]:
        """The properties for replacing executors where tasks fail."""
        return replacement_properties(self.settings["instance_count"])

    @property
    def remote_work_dir(self) -> bool:
        """Whether the ledger outlives the machine that runs the job."""
        return is_remote(self.work_dir)

    @property
    def override_flags(self) -> str:
        """The overrides as shell arguments, with a space before each."""
        return "".join(f" --{name} {shell_word(value)}" for name, value in self.overrides.items())

    @property
    def kubernetes_config(self) -> dict[str, Any]:
        """Every given input, as a config file."""
        return {name: value for name, value in self.settings.items() if name in self.given and value is not None}

    @property
    def local_outputs(self) -> list[str]:
        """The datasets on the machine's disk, and the hand-off next to the first."""
        paths = [path for name in OUTPUTS if (path := self.settings[name]) is not None and not is_remote(path)]
        train = self.settings[COMPONENT_OUTPUTS[0]]
        return [*paths, handoff_folder(train)] if train in paths else paths

    @property
    def local_results(self) -> list[str]:
        """All results on the machine's disk that are worth keeping."""
        return [*self.local_outputs, *([] if self.remote_work_dir else [self.work_dir])]

    def azureml_path(self, path: str) -> str:
        """An input's path in an Azure ML job file: a local file relative to the job file's folder, a blob by its storage account."""
        if path.startswith("azfs://"):
            account, _, rest = path.removeprefix("azfs://").partition("/")
            container, _, blob = rest.partition("/")
            return f"wasbs://{container}@{account}.blob.core.windows.net/{blob}"
        return path if is_remote(path) or posixpath.isabs(path) else posixpath.relpath(path, self.folder)

    def dataset_name(self, output: str) -> str:
        """The file name of a dataset, also if the job has no such output."""
        path = self.settings[output]
        return posixpath.basename(path) if path else "validation.jsonl"

    def as_parameter(self, name: str) -> str:
        """An input as the default of a form's field: empty if unset."""
        value = self.settings[name]
        return "" if value is None else str(value)

    @property
    def component_values(self) -> dict[str, Any]:
        """The given inputs of the Azure ML component, in its form."""
        return component_values(self.settings, self.given)

    @property
    def key_file_folder(self) -> str | None:
        """The folder where the teacher's key is mounted, None without a key file."""
        path = self.settings["api_key_file"]
        return posixpath.dirname(path) if path else None

    @property
    def key_file_name(self) -> str | None:
        """The key's file in ``key_file_folder``."""
        path = self.settings["api_key_file"]
        return posixpath.basename(path) if path else None


def job_facts(resolved: ResolvedSettings, command: str, config: str, overrides: dict[str, str], folder: str, headers: bool = True) -> JobFacts:
    """The facts of a job; ``headers``: its target can give workers the variables that headers name."""
    settings = resolved.settings
    shown = settings.public_view()
    del shown[HEADERS]
    if holds_mask(shown["extra_body"]):
        shown["extra_body"] = None
    if shown["beam_options"]:
        shown["beam_options"] = {name: value for name, value in shown["beam_options"].items() if not holds_mask(value)}
    if headers and (safe := headers_shown(settings)):
        shown[HEADERS] = safe
    return JobFacts(
        command=command,
        config=config,
        overrides=overrides,
        settings=shown,
        given=frozenset(resolved.origins),
        work_dir=settings.resolved_work_dir,
        folder=folder,
        azure=_azure(settings),
        generation=_placement(resolved, "data_generation"),
        validation=_placement(resolved, "pipeline_validation"),
    )


def headers_shown(settings: DistillSettings) -> dict[str, str]:
    """The headers whose values are only references to environment variables, so not secret."""
    return {name: value for name, value in (settings.additional_headers or {}).items() if only_references(value)}


def left_out(resolved: ResolvedSettings, headers: bool = True) -> list[str]:
    """Warnings about given headers and secrets that are not rendered."""
    view = resolved.settings.public_view()
    said = []
    if holds_mask(view["extra_body"]):
        said.append("extra_body left out of the rendered files: it contains a secret. Keep it in the config file that the job reads")
    shown = headers_shown(resolved.settings) if headers else {}
    names = [name for name in resolved.settings.additional_headers or {} if name not in shown]
    if not names:
        return said
    why = "their values may be secrets" if headers else "the component cannot access a variable of its machine"
    return [
        *said,
        f"additional_headers: {', '.join(names)} left out of the rendered files: {why}. "
        + ("Write ${NAME} for a secret, or keep them in the config file that the job reads" if headers else "Use a connection_name instead"),
    ]


def component_inputs() -> list[dict[str, Any]]:
    """The original component's inputs in Azure ML's form: name, type, optional, default, choices, description."""
    return [_component_input(name) for name in COMPONENT_INPUTS]


def component_outputs() -> list[str]:
    """The original component's outputs."""
    return list(COMPONENT_OUTPUTS)


def _component_input(name: str) -> dict[str, Any]:
    declared = COMPONENT[name]
    fields = {"type": declared.type, "optional": declared.optional, "default": declared.default, "choices": list(declared.choices)}
    return {"name": name, **fields, "description": described(name).strip().rstrip(".") + "."}


def component_values(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """The given inputs of the component, in its form; values that it does not support are left out."""
    found = {}
    for name, declared in COMPONENT.items():
        value = settings.get(name)
        if name not in given or value is None:
            continue
        if declared.type == "integer" and isinstance(value, float):
            if not value.is_integer():
                continue
            value = int(value)
        if declared.type == "string" and not isinstance(value, str):
            value = json.dumps(value)
        if not declared.choices or value in declared.choices:
            found[name] = value
    return found


def _placement(resolved: ResolvedSettings, step: str) -> Placement:
    compute = getattr(resolved.settings, f"compute_{step}")
    if compute != SERVERLESS:
        return Placement(compute, None)
    # a default instance type is Azure's; elsewhere only an explicit one chooses machines
    asked = f"instance_type_{step}" in resolved.origins
    return Placement(None, getattr(resolved.settings, f"instance_type_{step}") if asked else None)


def _azure(settings: DistillSettings) -> bool:
    paths = (settings.train_file_path, settings.validation_file_path, settings.generated_batch_train_file_path, settings.work_dir)
    asked = [settings, *([as_judge(settings)] if settings.has_judge else [])]
    by_identity = [each.resolved_authentication.kind in ("azureml_workspace_connection", "managed_identity") for each in asked]
    return any(by_identity) or any(path is not None and path.startswith("azfs://") for path in paths)
