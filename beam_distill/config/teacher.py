"""Inputs about the teacher endpoint and access to it."""

from __future__ import annotations

from typing import Literal

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import ConnectionName, EndpointUrl, ExtraBody, Flag, Headers, KeyPath, LocalPath, VariableName
from beam_distill.config.teachers import Teachers


class TeacherSettings(Section):
    """Where the teacher is, and how it lets us in."""

    teacher_model_endpoint_url: EndpointUrl | None = setting(
        None,
        "teacher",
        "the teacher's address: base URL, /v1, or full path",
        "Normalised to its chat completions route. Given several times: one pool of endpoints, as `teachers`.",
        True,
    )
    model: str | None = setting(None, "teacher", "model name to send", "Otherwise the only one that the endpoint lists.", True)
    api_key_env: VariableName | None = setting(None, "teacher", "environment variable that holds the key", "Looked up on the worker.", True)
    api_key_file: KeyPath | None = setting(None, "teacher", "file that holds the key", "Read on the worker, again after a 401.")
    authentication_type: Literal["azureml_workspace_connection", "managed_identity", "api_key", "none"] | None = setting(
        None,
        "teacher",
        "azureml_workspace_connection, managed_identity, api_key, none",
        "Default: the connection when connection_name is given, api_key when a key reference is, what the endpoint takes when "
        "its name is, else none.",
    )
    teacher_model_endpoint_name: str | None = setting(
        None, "teacher", "name of an Azure ML endpoint", "Serverless or online; its address, and a key or token by its authMode, are looked up."
    )
    teacher_model_asset_id: str | None = setting(
        None, "teacher", "asset id of the teacher model", "Checked against what is deployed: azureml://registries/R/models/M/versions/V."
    )
    connection_name: ConnectionName | None = setting(
        None, "teacher", "Azure ML workspace connection", "Its key opens the endpoint; its target is the address when none is given."
    )
    additional_headers: Headers | None = setting(
        None,
        "teacher",
        "JSON object of headers added to every request",
        "Values are never shown; `${NAME}` in one is an environment variable of the worker, and secrets must be given so.",
    )
    extra_body: ExtraBody | None = setting(
        None,
        "teacher",
        "JSON object merged into every request",
        "For `reasoning_effort`, `chat_template_kwargs`, `response_format` and the like. For a secret write `${NAME}`, an environment variable "
        "of the worker: the ledger holds the name only.",
        True,
    )
    ca_bundle: LocalPath | None = setting(None, "teacher", "PEM file of authorities to trust", "Proxies come from the standard variables.")
    teachers: Teachers | None = setting(
        None,
        "teacher",
        "several endpoints of one teacher, as a list",
        "In the config file. Each entry has `url`, `endpoint_name` or `connection_name`, and may have `name`, `model`, `deployment` (sent in "
        "the model's place), `api_key_env`, `api_key_file`, `authentication_type`, `endpoint_kind`, `weight`, `max_requests_per_minute` and "
        "`overflow: true` (asked only while all others are full or out); what it leaves out is as these inputs say. A `weight` too large "
        "leaves a row waiting at one endpoint while another is idle.",
    )
    teachers_may_differ: Flag = setting(
        False, "teacher", "true: teachers may be different models", "A dataset then holds answers of several; the ledger says which endpoint's."
    )
