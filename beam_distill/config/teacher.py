"""Inputs about the teacher endpoint and access to it."""

from __future__ import annotations

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import (
    AuthenticationType,
    ConnectionName,
    EndpointUrl,
    ExtraBody,
    Flag,
    Headers,
    KeyPath,
    LocalPath,
    VariableName,
)
from beam_distill.config.teachers import Teachers


class TeacherSettings(Section):
    """The teacher's endpoint and credential."""

    teacher_model_endpoint_url: EndpointUrl | None = setting(
        None,
        "teacher",
        "the teacher's address: base URL, /v1, or full path",
        "Converted to its chat completions route. Given several times: a pool of endpoints, as `teachers`.",
        True,
    )
    model: str | None = setting(None, "teacher", "model name to send", "Otherwise the only one that the endpoint lists.", True)
    api_key_env: VariableName | None = setting(None, "teacher", "environment variable with the key", "Looked up on the worker.", True)
    api_key_file: KeyPath | None = setting(None, "teacher", "file with the key", "Read on the worker, again after a 401.")
    authentication_type: AuthenticationType | None = setting(
        None,
        "teacher",
        "azureml_workspace_connection, managed_identity, api_key, none",
        "Default: the connection with connection_name, api_key with a key reference, the endpoint's authMode with its name, else none.",
    )
    teacher_model_endpoint_name: str | None = setting(
        None, "teacher", "name of an Azure ML endpoint", "Serverless or online; its address, and a key or token by its authMode, are looked up."
    )
    teacher_model_asset_id: str | None = setting(
        None, "teacher", "asset id of the teacher model", "Compared with the deployed model: azureml://registries/R/models/M/versions/V."
    )
    connection_name: ConnectionName | None = setting(
        None, "teacher", "Azure ML workspace connection", "It has the endpoint's key; its target is the default address."
    )
    additional_headers: Headers | None = setting(
        None,
        "teacher",
        "JSON object of headers added to every request",
        "Values are never shown. `${NAME}` means an environment variable of the worker; secrets must be given like this.",
    )
    extra_body: ExtraBody | None = setting(
        None,
        "teacher",
        "JSON object merged into every request",
        "For `reasoning_effort`, `chat_template_kwargs`, `response_format` and similar. For a secret write `${NAME}`, an environment variable "
        "of the worker: the ledger has only the name.",
        True,
    )
    ca_bundle: LocalPath | None = setting(None, "teacher", "PEM file of authorities to trust", "Proxies come from the standard variables.")
    teachers: Teachers | None = setting(
        None,
        "teacher",
        "several endpoints of one teacher, as a list",
        "In the config file. Each entry has `url`, `endpoint_name` or `connection_name`, and may have `name`, `model`, `deployment` (sent "
        "instead of the model), `api_key_env`, `api_key_file`, `authentication_type`, `endpoint_kind`, `weight`, `max_requests_per_minute` and "
        "`overflow: true` (used only while all others are full or out); missing fields use the inputs of the same name. With a too large "
        "`weight` a row waits at one endpoint while another is idle.",
    )
    teachers_may_differ: Flag = setting(
        False,
        "teacher",
        "true: teachers may be different models",
        "A dataset then has answers of several; the ledger says which endpoint answered.",
    )
