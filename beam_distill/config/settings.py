"""All inputs as one flat, frozen value, and what follows from them together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beam_distill.config.azure import AzureSettings
from beam_distill.config.data import DataSettings
from beam_distill.config.handoff import HandoffSettings
from beam_distill.config.limits import GateSettings, LimitSettings
from beam_distill.config.prompts import PromptSettings
from beam_distill.config.runner import RunnerSettings
from beam_distill.config.sampling import SamplingSettings
from beam_distill.config.teacher import TeacherSettings
from beam_distill.config.teachers import each_teacher, pool_contradictions
from beam_distill.config.view import ViewSettings
from transforms.elements.rows import TaskType
from transforms.files.paths import is_remote
from transforms.teacher.kinds.base import EndpointKind
from transforms.teacher.kinds.registry import kind_of

DEFAULT_MAX_NEW_TOKENS = 128
DEFAULT_MAX_NEW_TOKENS_SUMMARIZATION = 1024
DEFAULT_MAX_LEN_SUMMARY = 80
PATHS = frozenset(
    {
        "train_file_path",
        "validation_file_path",
        "generated_batch_train_file_path",
        "generated_batch_validation_file_path",
        "work_dir",
        "api_key_file",
        "ca_bundle",
        "azure_ca_bundle",
        "workspace_config",
        "job_server_jar",
    }
)
"""Inputs that name files, whose names may hold any bytes."""


_PRICES_OF_ALL = ("price_per_million_input_tokens", "price_per_million_output_tokens")


@dataclass(frozen=True, slots=True)
class Authentication:
    """How the endpoint is opened, and why that way."""

    kind: str
    reason: str


class DistillSettings(
    HandoffSettings,
    ViewSettings,
    RunnerSettings,
    GateSettings,
    LimitSettings,
    PromptSettings,
    SamplingSettings,
    AzureSettings,
    TeacherSettings,
    DataSettings,
):
    """Every input under the name that the component, the flags, the environment and the config file use."""

    @property
    def effective_max_new_tokens(self) -> int:
        """The token limit that is sent. As in the component its default, spelled out or not, means more for SUMMARIZATION."""
        limit = self.teacher_model_max_new_tokens or DEFAULT_MAX_NEW_TOKENS
        summarizing = self.data_generation_task_type is TaskType.SUMMARIZATION
        return DEFAULT_MAX_NEW_TOKENS_SUMMARIZATION if summarizing and limit == DEFAULT_MAX_NEW_TOKENS else limit

    @property
    def effective_initial_worker_count(self) -> int:
        """Where the search for the right concurrency begins: ``max_worker_count`` overrides it."""
        return min(self.initial_worker_count, self.max_worker_count)

    @property
    def resolved_work_dir(self) -> str:
        """The work_dir, by default beside the training dataset."""
        if self.work_dir is not None:
            return self.work_dir
        return os.path.splitext(self.generated_batch_train_file_path)[0] + ".beam_distill"

    @property
    def storage_paths(self) -> tuple[str, ...]:
        """Every path or glob that is read or written, as it was given."""
        outputs = (self.generated_batch_train_file_path, self.generated_batch_validation_file_path)
        named = (self.train_file_path, self.validation_file_path, *outputs, self.resolved_work_dir)
        return tuple(path for path in named if path is not None)

    @property
    def resolved_authentication(self) -> Authentication:
        """How the endpoint is opened."""
        if self.authentication_type is not None and not self.authentication_by_default:
            return Authentication(self.authentication_type, "authentication_type says so")
        if self.connection_name is not None:
            return Authentication("azureml_workspace_connection", "a connection_name is given")
        if self.api_key_env is not None:
            return Authentication("api_key", f"the key is in the environment variable {self.api_key_env}")
        if self.api_key_file is not None:
            return Authentication("api_key", f"the key is in the file {self.api_key_file}")
        if self.teacher_model_endpoint_name is not None:
            return Authentication("by_endpoint", "the endpoint's authMode decides: its key, its token or an identity")
        return Authentication("none", "no key, no connection and no authentication_type is given")

    @property
    def authentication_by_default(self) -> bool:
        """Whether authentication_type is the component's default, spelled out: without a connection it is as if it were not given. (The
        component makes a connection of its own, from the endpoint's address or name and its key.)"""
        return self.authentication_type == "azureml_workspace_connection" and self.connection_name is None

    @property
    def endpoint_is_given(self) -> bool:
        """Whether the address is given, that of every endpoint, and nothing that opens it has to be looked up."""
        if self.teachers is not None:
            return all(alone.endpoint_is_given for alone in each_teacher(self))
        return self.teacher_model_endpoint_url is not None and self.resolved_authentication.kind in ("api_key", "none")

    @property
    def endpoint_to_look_up(self) -> str | None:
        """The name that Azure is asked about; None where there is nothing to ask."""
        return None if self.endpoint_is_given else self.teacher_model_endpoint_name

    def public_view(self) -> dict[str, Any]:
        """All settings as JSON values without secrets: header values are masked."""
        return self.model_dump(mode="json")

    def __repr__(self) -> str:
        return f"DistillSettings({self.public_view()})"

    __str__ = __repr__  # pydantic's own would show header values


def contradictions(settings: DistillSettings, given: Mapping[str, str]) -> list[str]:
    """What the inputs say against each other; ``given`` has the names that were set, with their origins."""
    problems: list[str] = []
    task = settings.data_generation_task_type
    if settings.enable_chain_of_thought and task in (TaskType.CONVERSATION, TaskType.SUMMARIZATION):
        problems.append(f"enable_chain_of_thought: not for {task.value}; it is for NLI, NLU_QA and MATH")
    if settings.enable_chain_of_density and task is not TaskType.SUMMARIZATION:
        problems.append(f"enable_chain_of_density: only for SUMMARIZATION, not for {task.value}")
    if settings.max_len_summary != DEFAULT_MAX_LEN_SUMMARY and task is not TaskType.SUMMARIZATION:
        problems.append(f"max_len_summary: only for SUMMARIZATION, not for {task.value}; leave it out, or at {DEFAULT_MAX_LEN_SUMMARY}")
    problems.extend(missing_endpoint(settings.model_dump()))
    if settings.validation_file_path and not settings.generated_batch_validation_file_path:
        problems.append("generated_batch_validation_file_path: missing; validation_file_path is given, so say where its dataset goes")
    if settings.share_identical_answers and settings.teacher_model_temperature != 0:
        problems.append(
            "share_identical_answers: needs teacher_model_temperature 0; above it the teacher would answer each of the rows differently"
        )
    missing = [name for name in _PRICES_OF_ALL if getattr(settings, name) is None]
    if settings.max_cost is not None and missing:
        problems.append(
            f"max_cost: needs {' and '.join(missing)}, in the same currency; give 0 for tokens that cost nothing. Without prices, "
            "max_total_tokens and max_requests limit a job"
        )
    problems.extend(_column_contradictions(settings))
    problems.extend(pool_contradictions(settings))
    for number, alone in enumerate(each_teacher(settings), start=1):
        problems.extend(f"teachers, entry {number}, {found}" if settings.teachers else found for found in _access_contradictions(alone))
    problems.extend(_path_contradictions(settings))
    return problems


def missing_endpoint(values: Mapping[str, Any]) -> list[str]:
    """What to say when nothing names the teacher."""
    if any(values.get(name) for name in ("teacher_model_endpoint_url", "teacher_model_endpoint_name", "connection_name", "teachers")):
        return []
    return [
        "teacher_model_endpoint_url: missing; give the teacher's address, e.g. http://127.0.0.1:8000/v1 "
        "(or teacher_model_endpoint_name, connection_name, or teachers for several)"
    ]


def _column_contradictions(settings: DistillSettings) -> list[str]:
    if settings.user_template is not None and settings.messages_column is not None:
        return ["user_template, messages_column: a row's chat comes from one or the other; keep one"]
    if settings.system_template is not None and settings.user_template is None:
        return ["system_template: goes with user_template, which is missing"]
    return []


def _access_contradictions(settings: DistillSettings) -> list[str]:
    references = [name for name in ("api_key_env", "api_key_file") if getattr(settings, name) is not None]
    kind = None if settings.authentication_by_default else settings.authentication_type
    if len(references) == 2:
        return ["api_key_env, api_key_file: both are given; keep one"]
    if kind == "api_key" and not references:
        return ["authentication_type: api_key needs --api_key_env NAME or --api_key_file PATH"]
    if references and kind not in (None, "api_key"):
        return [f"{references[0]}: a key reference contradicts authentication_type {kind}; drop one of them"]
    if references and settings.connection_name is not None:
        return [f"{references[0]}: a key reference contradicts connection_name; drop one of them"]
    if kind is not None and kind != "azureml_workspace_connection" and settings.connection_name is not None:
        return [f"connection_name: contradicts authentication_type {kind}; drop one of them"]
    if kind == "managed_identity" and not (settings.teacher_model_endpoint_url or settings.teacher_model_endpoint_name):
        return ["authentication_type: managed_identity needs teacher_model_endpoint_url or teacher_model_endpoint_name"]
    return []


def _path_contradictions(settings: DistillSettings) -> list[str]:
    def same(first: str | None, second: str | None) -> bool:
        return first is not None and second is not None and _real(first) == _real(second)

    problems = []
    outputs = ("generated_batch_train_file_path", "generated_batch_validation_file_path")
    for output in outputs:
        for source in ("train_file_path", "validation_file_path"):
            if same(getattr(settings, output), getattr(settings, source)):
                problems.append(f"{output}: is the same file as {source}; the input would be lost. Name another output")
    if same(*(getattr(settings, output) for output in outputs)):
        problems.append(f"{outputs[1]}: is the same file as {outputs[0]}; name another")
    return problems


def _real(path: str) -> str:
    return path if is_remote(path) else os.path.realpath(path)


OTHER_FORMATS = (".parquet", ".pq", ".csv", ".tsv", ".zip", ".json", ".arrow", ".avro", ".txt", ".xlsx", ".tar")


def advice(settings: DistillSettings, given: Mapping[str, str]) -> list[str]:
    """What is legal but probably not meant."""
    warnings = [*_advice_on_length(settings), *_advice_on_access(settings), *_advice_on_outputs(settings)]
    for step in ("pipeline_validation", "data_generation", "data_import", "finetune"):
        compute = getattr(settings, f"compute_{step}")
        name = f"instance_type_{step}"
        if name in given and compute != "serverless" and getattr(settings, name) != DistillSettings.model_fields[name].default:
            warnings.append(f"instance_type_{step} is ignored: compute_{step} is {compute}, not serverless")
    if "initial_worker_count" in given and settings.initial_worker_count > settings.max_worker_count:
        warnings.append(
            f"initial_worker_count ({given['initial_worker_count']}) is {settings.initial_worker_count}, more than max_worker_count, which "
            f"wins: the search begins at {settings.max_worker_count} requests at a time. Raise max_worker_count if the endpoint takes more "
            "(job files call the first request_batch_size)"
        )
    prices = {"input": settings.price_per_million_input_tokens, "output": settings.price_per_million_output_tokens}
    reported = [kind for kind, price in prices.items() if price is not None]
    if len(reported) == 1:
        (missing,) = set(prices) - set(reported)
        warnings.append(
            f"price_per_million_{missing}_tokens is not given: cost is shown for {reported[0]} tokens only; "
            f"give 0 if {missing} tokens cost nothing"
        )
    if settings.log_prompts and not settings.debug_mode:
        warnings.append("log_prompts does nothing without debug_mode")
    return warnings


def _advice_on_outputs(settings: DistillSettings) -> list[str]:
    """Names that promise another format than the dataset has."""
    warnings = []
    for name in ("generated_batch_train_file_path", "generated_batch_validation_file_path"):
        path = (getattr(settings, name) or "").lower()
        bare = path.removesuffix(".gz").removesuffix(".zst").removesuffix(".bz2").removesuffix(".xz")
        parquet = settings.output_format == "parquet" or (settings.output_format is None and path.endswith((".parquet", ".pq")))
        if (not parquet and bare.endswith(OTHER_FORMATS)) or (parquet and path and not path.endswith((".parquet", ".pq"))):
            written = "Parquet" if parquet else "JSON lines"
            warnings.append(f"{name}: {os.path.basename(path)} will hold {written}, which its suffix does not say; .jsonl and .parquet do")
    return warnings


def _advice_on_length(settings: DistillSettings) -> list[str]:
    limit, summarizing = settings.teacher_model_max_new_tokens, settings.data_generation_task_type is TaskType.SUMMARIZATION
    warnings = []
    if limit is None and not summarizing:
        why = "step-by-step reasoning" if settings.enable_chain_of_thought else "a reasoning teacher or a long answer"
        warnings.append(
            f"teacher_model_max_new_tokens is unset: answers end after {DEFAULT_MAX_NEW_TOKENS} tokens, which is too little for {why}; "
            "cut-off answers are paid for and become rejects. Set it, e.g. to 1024"
        )
    if limit == DEFAULT_MAX_NEW_TOKENS and settings.enable_chain_of_thought:
        warnings.append(
            f"teacher_model_max_new_tokens is {limit}, which is too little for step-by-step reasoning; cut-off answers are paid for and become "
            "rejects. Set it, e.g. to 1024"
        )
    if limit is not None and limit != settings.effective_max_new_tokens:
        warnings.append(
            f"teacher_model_max_new_tokens is {limit}, the component's default, which means {settings.effective_max_new_tokens} for "
            f"SUMMARIZATION there and here; give {limit - 1} or {limit + 1} for a limit of about {limit}"
        )
    if summarizing and not settings.enable_chain_of_density and settings.max_len_summary != DEFAULT_MAX_LEN_SUMMARY:
        warnings.append("max_len_summary has no effect without enable_chain_of_density: the rows' own prompts say how long a summary is")
    return warnings


def _advice_on_access(settings: DistillSettings) -> list[str]:
    access = settings.resolved_authentication
    warnings = []
    if settings.authentication_by_default and access.kind == "none":
        warnings.append(
            "authentication_type azureml_workspace_connection has no effect without a connection_name: requests carry no credential. Name the "
            "connection, or the key's place with api_key_env or api_key_file, if the endpoint wants one"
        )
    if settings.teacher_model_endpoint_name is not None and settings.endpoint_to_look_up is None:
        warnings.append(
            "teacher_model_endpoint_name is not used, because there is nothing to look up: teacher_model_endpoint_url is given, and "
            f"{access.reason}"
        )
    if access.kind != "none":
        both = [name for name in settings.additional_headers or {} if name.lower() in ("authorization", "api-key")]
        warnings += [f"additional_headers: {name} is replaced where the credential sends one of its own ({access.reason})" for name in both]
    if settings.teacher_model_asset_id is not None and settings.endpoint_to_look_up is None and _is_plain(settings):
        warnings.append(
            "teacher_model_asset_id has no effect: what is deployed can be read from Azure's endpoints only, by teacher_model_endpoint_name "
            "or at an address of Azure's (endpoint_kind says so where the host's name does not)"
        )
    return warnings


def _is_plain(settings: DistillSettings) -> bool:
    address = settings.teacher_model_endpoint_url
    return address is not None and settings.endpoint_kind in (None, "openai") and kind_of(address) is EndpointKind.OPENAI
