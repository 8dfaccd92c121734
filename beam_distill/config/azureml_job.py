"""Azure ML job files as config files: ``type: distillation``, and ``type: pipeline`` with a step that uses the distillation component.

Every key becomes one of our inputs, a warning that names it, or an error that says what to do.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beam_distill.config.azureml_step import distillation_step
from beam_distill.config.errors import SettingsError
from beam_distill.config.fields import NOT_TO_OVERWRITE, literal_secret
from beam_distill.config.sampling import SETTING_OF_FIELD
from beam_distill.config.settings import DistillSettings
from transforms.files.paths import is_remote
from transforms.teacher.kinds.registry import KINDS, kind_of

KEY_VARIABLE = "AZUREML_JOB_FILE_API_KEY"
"""The environment variable of this process with the key of a job file: workers get only its name."""

HEADER_VARIABLE = "AZUREML_JOB_FILE_HEADER_"
"""Prefix of the variables for secret headers of a job file, in the same way."""

_OUTPUTS = {"generated_batch_train_file_path": "train.jsonl", "generated_batch_validation_file_path": "validation.jsonl"}
_SEQUENTIAL_OUTPUTS = {name.replace("_batch", ""): name for name in _OUTPUTS}
"""The output names of the component that asks one row after another."""

_PATHS = frozenset({"train_file_path", "validation_file_path", "ca_bundle", *_OUTPUTS})
_REQUESTS = {"request_batch_size": "initial_worker_count", "min_endpoint_success_ratio": "min_endpoint_success_ratio"}
_PROMPTS = {name: name for name in ("enable_chain_of_thought", "enable_chain_of_density", "max_len_summary")}
_TRAINING = {
    "n_epochs": "num_train_epochs",
    "num_train_epochs": "num_train_epochs",
    "batch_size": "per_device_train_batch_size",
    "per_device_train_batch_size": "per_device_train_batch_size",
    "learning_rate": "learning_rate",
    "learning_rate_multiplier": "learning_rate_multiplier",
}
_RESOURCES = {"instance_type": "instance_type_data_generation", "instance_count": "instance_count"}
_COMPONENT = {"request_batch_size": "initial_worker_count", "summary_word_count": "max_len_summary", "model_asset_id": "student_model"}
"""Other names of our inputs in related components."""

_MODES = frozenset({"ro_mount", "rw_mount", "mount", "download", "upload", "direct"})
_DATA = {"type": frozenset({"uri_file"}), "mode": _MODES}
_STUDENT = {"type": frozenset({"mlflow_model"}), "mode": _MODES}
"""Types and modes that match our behaviour: files are read and written in place, the training takes and registers MLflow models."""

_VALUE = {"type": _DATA["type"] | {"string", "number", "integer", "boolean"}, "mode": _MODES}
_KINDS = {kind.connection_type: name for name, kind in KINDS.items() if kind.connection_type is not None}
"""Types of connections, without their underscores, as kinds of endpoints."""

_DECLARED = frozenset({"description", "optional", "enum"})
"""A pipeline's keys about an input, other than its value."""

_PARENT_INPUT = re.compile(r"\$\{\{\s*(?:parent\.)?inputs\.(\w+)\s*\}\}")
_PARENT_OUTPUT = re.compile(r"\$\{\{\s*(?:parent\.)?outputs\.(\w+)\s*\}\}")


@dataclass(slots=True)
class JobFile:
    """The content of a job file: inputs by our names, keys without effect here, and secrets.

    ``secret_headers`` has these by their variables in ``additional_headers``; ``from_elsewhere`` has the inputs from another
    step, with the expression that names it.
    """

    path: str
    inputs: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    key: str | None = field(default=None, repr=False)
    secret_headers: dict[str, str] = field(default_factory=dict, repr=False)
    from_elsewhere: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, value: Any) -> None:
        """Set one input; paths are relative to the file, as in Azure ML."""
        if value is None:
            return
        self.inputs[name] = self.resolve_path(value) if name in _PATHS and isinstance(value, str) else value

    def resolve_path(self, path: str) -> str:
        """A path in the file, relative to this process."""
        path = path.removeprefix("file://").removeprefix("file:")
        if os.path.isabs(path) or is_remote(path) or path.startswith("azureml:"):
            return path
        return os.path.normpath(os.path.join(os.path.dirname(self.path), path))

    def map(self, section: str, values: Any, names: Mapping[str, str]) -> None:
        """Read a section whose keys are other names of our inputs; keys not in ``names`` are ignored, with a warning."""
        for key, value in self.mapping(section, values).items():
            if key in names:
                self.take(names[key], value)
            else:
                self.ignored.append(f"{section}.{key}")

    def ignore(self, section: str, values: Mapping[str, Any], done_anyway: Mapping[str, frozenset[str]]) -> None:
        """Add keys to the ignored ones, except values in ``done_anyway``."""
        for key, value in values.items():
            if key not in done_anyway:
                self.ignored.append(f"{section}.{key}")
            elif value is not None and str(value).strip().lower() not in done_anyway[key]:
                self.ignored.append(f"{section}.{key} ({value})")

    def mapping(self, section: str, values: Any) -> dict[str, Any]:
        """A section as a mapping; empty for an empty section. Raises SettingsError."""
        if values is None:
            return {}
        if not isinstance(values, dict):
            raise SettingsError([f"{section} ({self.path}): expected keys and values, found {type(values).__name__}"])
        return {str(key): value for key, value in values.items()}


def is_job(fields: Mapping[str, Any]) -> bool:
    """Whether a config file is an Azure ML job."""
    return str(fields.get("type", "")).strip().lower() in ("distillation", "pipeline")


def read_job(fields: dict[str, Any], path: str) -> JobFile:
    """A job file as inputs. Raises SettingsError for unsupported content."""
    job = JobFile(path)
    if str(fields["type"]).strip().lower() == "distillation":
        _read_distillation(job, fields)
    else:
        _read_pipeline(job, fields)
    _default_outputs(job, str(fields.get("name") or os.path.splitext(os.path.basename(path))[0]))
    if job.ignored:
        job.warnings.append(f"{path}: these keys have no effect here: {', '.join(dict.fromkeys(job.ignored))}")
    return job


def _read_distillation(job: JobFile, fields: dict[str, Any]) -> None:
    kind = str(fields.get("data_generation_type", "label_generation")).strip().lower()
    if kind != "label_generation":
        raise SettingsError(
            [f"data_generation_type ({job.path}): {kind!r} is not supported; label_generation is, which answers the given prompts"]
        )
    for key, value in fields.items():
        if key in ("type", "name", "$schema", "data_generation_type"):
            continue
        if key == "data_generation_task_type":
            job.take(key, value)
        elif key in ("training_data", "validation_data"):
            job.take("train_file_path" if key == "training_data" else "validation_file_path", _path_of(job, key, value))
        elif key == "teacher_model_endpoint_connection":
            _read_connection(job, job.mapping(key, value))
        elif key == "teacher_model_settings":
            for name, section in job.mapping(key, value).items():
                if name == "inference_parameters":
                    _read_inference(job, job.mapping(f"{key}.{name}", section))
                elif name == "endpoint_request_settings":
                    job.map(f"{key}.{name}", section, _REQUESTS)
                else:
                    job.ignored.append(f"{key}.{name}")
        elif key == "prompt_settings":
            job.map(key, value, _PROMPTS)
        elif key == "hyperparameters":
            job.map(key, value, _TRAINING)
        elif key == "resources":
            job.map(key, value, _RESOURCES)
        elif key == "student_model":
            job.take(key, _path_of(job, key, value, _STUDENT))
        elif key == "outputs":
            _read_outputs(job, job.mapping(key, value))
        else:
            job.ignored.append(str(key))


def _path_of(job: JobFile, name: str, value: Any, done_anyway: Mapping[str, frozenset[str]] = _DATA) -> str | None:
    """The path of a data or model input: text, or an object with a path."""
    if isinstance(value, dict):
        job.ignore(name, {key: rest for key, rest in value.items() if key != "path"}, done_anyway)
        value = value.get("path")
    return None if value is None else str(value)


def _read_connection(job: JobFile, connection: dict[str, Any]) -> None:
    credentials = job.mapping("teacher_model_endpoint_connection.credentials", connection.pop("credentials", None))
    url = next((connection.pop(name) for name in ("endpoint", "target", "azure_endpoint") if name in connection), None)
    key = connection.pop("api_key", None) or credentials.pop("key", None) or credentials.pop("api_key", None)
    job.take("teacher_model_endpoint_url", url)
    if key is not None:
        job.key = str(key)
    else:
        job.take("connection_name", connection.pop("name", None))  # the workspace has the key, and the address if it is not given
    kind = _KINDS.get(re.sub(r"[\W_]", "", str(connection.get("type")).lower()))
    is_decided = kind is not None and KINDS[kind].is_known_by_connection
    if kind is not None and is_decided and not (url and kind_of(str(url)) is kind):
        job.take("endpoint_kind", kind.value)
    if is_decided or (kind is not None and (not url or kind_of(str(url)) is kind)):
        del connection["type"]
    job.ignore("teacher_model_endpoint_connection", connection, {"type": frozenset()})
    keys = frozenset({"api_key", "account_key"}) if key is not None else frozenset[str]()
    job.ignore("teacher_model_endpoint_connection.credentials", credentials, {"type": keys})


def _read_inference(job: JobFile, parameters: dict[str, Any]) -> None:
    """Parameters for which there is no setting go into every request unchanged."""
    further = {}
    for key, value in parameters.items():
        if key in SETTING_OF_FIELD:
            job.take(SETTING_OF_FIELD[key], value)
        elif key in NOT_TO_OVERWRITE:
            job.ignored.append(f"teacher_model_settings.inference_parameters.{key}")
        else:
            further[key] = value
    if further:
        job.take("extra_body", further)


def _read_outputs(job: JobFile, outputs: dict[str, Any]) -> None:
    """The one output of a distillation job is the student, which the training registers."""
    for name, output in outputs.items():
        rest = job.mapping(f"outputs.{name}", output)
        student = name == "registered_model"
        if student:
            job.take("registered_model_name", rest.pop("name", None))
        job.ignore(f"outputs.{name}", rest, {"type": _STUDENT["type"]} if student else {})


def _read_pipeline(job: JobFile, fields: dict[str, Any]) -> None:
    steps = job.mapping("jobs", fields.get("jobs"))
    name, step = distillation_step(job.path, steps)
    given = job.mapping("inputs", fields.get("inputs"))
    used: set[str] = set()
    for key, value in job.mapping(f"jobs.{name}.inputs", step.get("inputs")).items():
        where = f"jobs.{name}.inputs.{key}"
        _take_step_input(job, where, _COMPONENT.get(key, key), _filled_in(job, where, value, given, used))
    named = job.mapping("outputs", fields.get("outputs"))
    for their_name, value in job.mapping(f"jobs.{name}.outputs", step.get("outputs")).items():
        key = _SEQUENTIAL_OUTPUTS.get(their_name, their_name)
        if key not in _OUTPUTS:
            job.ignored.append(f"jobs.{name}.outputs.{key}")
            continue
        path = _output_path(job, f"jobs.{name}.outputs.{key}", value, named)
        if path is not None and (path.startswith("azureml:") or "${{" in path):
            job.warnings.append(f"{job.path}: the output {key} is a path in Azure ML, which is not written to from here; see the path below")
        elif path is not None:
            job.take(key, path)
    job.ignored += [f"inputs.{key}" for key in given if key not in used]
    job.ignored += [f"outputs.{key}" for key in named]
    job.ignored += [f"jobs.{name}.{key}" for key in step if key not in ("type", "component", "inputs", "outputs")]
    job.ignored += [f"jobs.{other}" for other in steps if other != name]
    job.ignored += [str(key) for key in fields if key not in ("type", "name", "$schema", "inputs", "outputs", "jobs")]


def _filled_in(job: JobFile, where: str, value: Any, given: dict[str, Any], used: set[str]) -> Any:
    """A step's input with ``${{parent.inputs.x}}`` replaced by the pipeline's inputs."""

    def plain(where: str, found: Any) -> Any:
        if isinstance(found, dict):
            taken = next((key for key in ("path", "value", "default") if key in found), None)
            job.ignore(where, {str(key): rest for key, rest in found.items() if key != taken and key not in _DECLARED}, _VALUE)
            return None if taken is None else found[taken]
        return found

    def parent(match: re.Match[str]) -> Any:
        name = match[1]
        if name not in given:
            raise SettingsError([f"inputs ({job.path}): ${{{{parent.inputs.{name}}}}} is used, but the pipeline has no input {name!r}"])
        used.add(name)
        return plain(f"inputs.{name}", given[name])

    value = plain(where, value)
    if not isinstance(value, str):
        return value
    whole = _PARENT_INPUT.fullmatch(value.strip())
    return parent(whole) if whole else _PARENT_INPUT.sub(lambda match: str(parent(match)), value)


def _take_step_input(job: JobFile, where: str, name: str, value: Any) -> None:
    if value is None or (isinstance(value, str) and not (value if name == "teacher_model_stop" else value.strip())):
        return
    if name == "teacher_model_endpoint_key":
        job.key = str(value)
    elif name not in DistillSettings.model_fields:
        job.ignored.append(where)
    elif isinstance(value, str) and "${{" in value:
        job.from_elsewhere[name] = value
        job.warnings.append(f"{job.path}: {name} comes from {value}, which is not run here; give its result as --{name}")
    elif name == "additional_headers":
        job.take(name, _without_literal_secrets(job, value))
    else:
        job.take(name, value)


def _without_literal_secrets(job: JobFile, value: Any) -> Any:
    """The headers, with each literal secret replaced by a variable."""
    try:
        headers = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value  # refused with its position when inputs are read
    if not isinstance(headers, dict):
        return value
    for name, content in headers.items():
        if isinstance(name, str) and isinstance(content, str) and content.strip() and literal_secret(name, content):
            variable = HEADER_VARIABLE + re.sub(r"\W", "_", name).upper()
            job.secret_headers[variable] = content.strip()
            headers = {**headers, name: f"${{{variable}}}"}
    return headers


def _output_path(job: JobFile, where: str, value: Any, named: dict[str, Any]) -> str | None:
    """The path of a step's output, or of the pipeline's output, which is removed from ``named``."""
    match = _PARENT_OUTPUT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match:
        where, value = f"outputs.{match[1]}", named.pop(match[1], None)
    if isinstance(value, dict):
        job.ignore(where, {str(key): rest for key, rest in value.items() if key != "path"}, _DATA)
        value = value.get("path")
    return value if isinstance(value, str) else None


def _default_outputs(job: JobFile, name: str) -> None:
    """Default paths of datasets: in a folder with the job's name next to the file."""
    folder = re.sub(r"[^\w.-]+", "_", name).strip(".") or "distilled"
    for output, file in _OUTPUTS.items():
        if output not in job.inputs and ("train" in output or "validation_file_path" in job.inputs):
            job.take(output, os.path.join(folder, file))
