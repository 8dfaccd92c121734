"""All inputs as one flat, frozen value, and derived values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from beam_distill.config.acceptance import AcceptanceSettings
from beam_distill.config.azure import AzureSettings
from beam_distill.config.data import DataSettings
from beam_distill.config.doubles import DoublesSettings
from beam_distill.config.handoff import HandoffSettings
from beam_distill.config.judge import JudgeSettings
from beam_distill.config.limits import GateSettings, LimitSettings
from beam_distill.config.prompts import PromptSettings
from beam_distill.config.runner import RunnerSettings
from beam_distill.config.sampling import SamplingSettings
from beam_distill.config.teacher import TeacherSettings
from beam_distill.config.teachers import TeacherEntry
from beam_distill.config.view import ViewSettings
from transforms.acceptance.registry import JUDGE
from transforms.elements.tasks import DEFAULT_MAX_NEW_TOKENS

DEFAULT_MAX_LEN_SUMMARY = 80
OUTPUTS = (
    "generated_batch_train_file_path",
    "generated_batch_validation_file_path",
    "preference_train_file_path",
    "preference_validation_file_path",
)
PATHS = frozenset(
    {
        "train_file_path",
        "validation_file_path",
        "decontaminate_against",
        *OUTPUTS,
        "work_dir",
        "api_key_file",
        "judge_api_key_file",
        "ca_bundle",
        "azure_ca_bundle",
        "workspace_config",
        "job_server_jar",
    }
)
"""Inputs with file names, which may contain any bytes."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """The authentication for the endpoint, and the reason for the choice."""

    kind: str
    reason: str


class DistillSettings(
    HandoffSettings,
    ViewSettings,
    RunnerSettings,
    GateSettings,
    LimitSettings,
    JudgeSettings,
    AcceptanceSettings,
    PromptSettings,
    SamplingSettings,
    AzureSettings,
    TeacherSettings,
    DoublesSettings,
    DataSettings,
):
    """Every input, with the name in component, flags, environment and config file."""

    @property
    def effective_max_new_tokens(self) -> int:
        """The token limit that is sent. As in the component, its default, explicit or not, means more for some tasks."""
        limit = self.teacher_model_max_new_tokens or DEFAULT_MAX_NEW_TOKENS
        return self.data_generation_task_type.default_max_new_tokens if limit == DEFAULT_MAX_NEW_TOKENS else limit

    @property
    def effective_initial_worker_count(self) -> int:
        """The start of the search for the right concurrency, at most ``max_worker_count``."""
        return min(self.initial_worker_count, self.max_worker_count)

    @property
    def has_metadata(self) -> bool:
        """Whether the examples have the field ``metadata``."""
        return self.metadata or self.keep_columns is not None

    @property
    def resolved_work_dir(self) -> str:
        """The work_dir, by default next to the training dataset."""
        if self.work_dir is not None:
            return self.work_dir
        return os.path.splitext(self.generated_batch_train_file_path)[0] + ".beam_distill"

    @property
    def outputs(self) -> dict[str, str]:
        """The paths of the datasets and of their pairs, by the names of their settings."""
        paths = ((name, getattr(self, name)) for name in OUTPUTS)
        return {name: path for name, path in paths if path is not None}

    @property
    def storage_paths(self) -> tuple[str, ...]:
        """Every path or glob that is read or written, unchanged."""
        named = (self.train_file_path, self.validation_file_path, self.decontaminate_against, *self.outputs.values(), self.resolved_work_dir)
        return tuple(path for path in named if path is not None)

    @property
    def has_judge(self) -> bool:
        """Whether a judge is asked."""
        return JUDGE in self.checks

    @property
    def resolved_authentication(self) -> Authentication:
        """The authentication for the endpoint."""
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
        """Whether authentication_type is explicitly the component's default: without a connection it counts as not given. (The
        component makes its own connection, from the endpoint's address or name and its key.)"""
        return self.authentication_type == "azureml_workspace_connection" and self.connection_name is None

    @property
    def endpoint_is_given(self) -> bool:
        """Whether all endpoints' addresses are given, and no credential must be looked up."""
        if self.teachers is not None:
            return all(alone.endpoint_is_given for alone in each_teacher(self))
        return self.teacher_model_endpoint_url is not None and self.resolved_authentication.kind in ("api_key", "none")

    @property
    def endpoint_to_look_up(self) -> str | None:
        """The name to look up in Azure; None without one."""
        return None if self.endpoint_is_given else self.teacher_model_endpoint_name

    def public_view(self) -> dict[str, Any]:
        """All settings as JSON values without secrets: header values are masked."""
        return self.model_dump(mode="json")

    def __repr__(self) -> str:
        return f"DistillSettings({self.public_view()})"

    __str__ = __repr__  # pydantic's own would show header values


def as_judge(settings: DistillSettings) -> DistillSettings:
    """The settings with the judge's endpoint as the only teacher, for what is the same with both: look-ups, checks, limits."""
    return settings.model_copy(
        update={
            "teachers": None,
            "teacher_model_endpoint_url": settings.judge_model_endpoint_url,
            "model": settings.judge_model,
            "api_key_env": settings.judge_api_key_env,
            "api_key_file": settings.judge_api_key_file,
            "max_worker_count": settings.judge_max_worker_count,
            "max_requests_per_minute": settings.judge_max_requests_per_minute,
            "teacher_model_max_new_tokens": settings.judge_max_new_tokens,
            "teacher_model_endpoint_name": settings.judge_model_endpoint_name,
            "connection_name": settings.judge_connection_name,
            "authentication_type": settings.judge_authentication_type,
            "endpoint_kind": settings.judge_endpoint_kind,
            "extra_body": settings.judge_extra_body,
            "teacher_model_temperature": settings.judge_temperature,
            "strict_model_list": False,
            **dict.fromkeys(("teacher_model_asset_id", "additional_headers", "teacher_model_top_p", "teacher_model_stop")),
        }
    )


ACCESS = ("api_key_env", "api_key_file", "authentication_type", "connection_name")


def each_teacher(settings: DistillSettings) -> list[DistillSettings]:
    """The settings for every endpoint, each as if it were the only one."""
    return [as_alone(settings, entry) for entry in settings.teachers or ()] or [settings]


def as_alone(settings: DistillSettings, entry: TeacherEntry) -> DistillSettings:
    """The settings with this endpoint as the only one. Their model is the name to send to it."""
    access = {name: getattr(entry, name) for name in ACCESS}
    if not any(access.values()):
        access = {name: getattr(settings, name) for name in ACCESS}
    return settings.model_copy(
        update={
            **access,
            "teachers": None,
            "teacher_model_endpoint_url": entry.url,
            "teacher_model_endpoint_name": entry.endpoint_name,
            "model": entry.deployment or entry.model or settings.model,
            "endpoint_kind": entry.endpoint_kind or settings.endpoint_kind,
            "max_requests_per_minute": entry.max_requests_per_minute or settings.max_requests_per_minute,
        }
    )


def declared_models(settings: DistillSettings) -> list[str]:
    """The endpoints' declared models, each once. A deployment's name counts if there is no other."""
    named = (entry.model or settings.model or entry.deployment for entry in settings.teachers or ())
    return list(dict.fromkeys(name for name in named if name is not None))


def names_of(settings: DistillSettings, hosts: list[str]) -> list[str]:
    """The endpoints' names on the ledger and in messages: their name, else their host; equal ones are numbered."""
    entries = zip(settings.teachers or (), hosts, strict=True)
    wanted = [entry.name or entry.endpoint_name or entry.connection_name or host for entry, host in entries]
    return [name if wanted.count(name) == 1 else f"{name}#{wanted[: place + 1].count(name)}" for place, name in enumerate(wanted)]
