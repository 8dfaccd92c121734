"""Inputs about Azure: the workspace, the identity, and the kind of the teacher's endpoint."""

from __future__ import annotations

from typing import Literal

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import ArmUrl, EndpointKindName, Flag, LocalPath
from transforms.teacher.kinds.registry import KINDS


class AzureSettings(Section):
    """Names only: tokens and keys are looked up where they are used."""

    subscription_id: str | None = setting(
        None, "azure", "subscription of the workspace", "Else AZUREML_ARM_SUBSCRIPTION, AZURE_SUBSCRIPTION_ID, workspace_config."
    )
    resource_group: str | None = setting(
        None, "azure", "resource group of the workspace", "Else AZUREML_ARM_RESOURCEGROUP, AZURE_RESOURCE_GROUP, workspace_config."
    )
    workspace_name: str | None = setting(
        None, "azure", "Azure ML workspace", "Else AZUREML_ARM_WORKSPACE_NAME, AZURE_WORKSPACE_NAME, workspace_config."
    )
    workspace_config: LocalPath | None = setting(
        None, "azure", "the workspace's config.json", "Else config.json or .azureml/config.json, here or in a folder above."
    )
    endpoint_kind: EndpointKindName | None = setting(
        None,
        "azure",
        ", ".join(KINDS),
        "Default: by the host's name. Decides route, headers and the name of the token limit; `online_score` is for images with `/score` only.",
    )
    identity_source: Literal["auto", "managed_identity", "workload_identity", "on_behalf_of", "service_principal", "developer"] = setting(
        "auto",
        "azure",
        "where tokens come from",
        "auto, managed_identity, workload_identity, on_behalf_of, service_principal or developer (Azure CLI and similar). auto takes what the "
        "environment names, and a developer's login last.",
    )
    identity_client_id: str | None = setting(
        None, "azure", "client id of a user-assigned identity", "Else DEFAULT_IDENTITY_CLIENT_ID, AZURE_CLIENT_ID, looked up on the worker."
    )
    identity_scope: str | None = setting(
        None,
        "azure",
        "scope of the endpoint's tokens",
        "Else that of the endpoint's kind; an address that is not Azure's needs it with managed_identity.",
    )
    strict_model_list: Flag = setting(
        False, "azure", "refuse models outside the component's lists", "Otherwise a warning: other teachers and students work too."
    )
    sample_request: Flag = setting(False, "azure", "check sends one row and shows the answer", "Costs that answer's tokens.")
    arm_url: ArmUrl = setting(
        "https://management.azure.com",
        "azure",
        "Azure's resource manager",
        "`https://management.chinacloudapi.cn` and `https://management.usgovcloudapi.net` for those clouds.",
    )
    azure_ca_bundle: LocalPath | None = setting(
        None, "azure", "PEM file of authorities for Azure's own addresses", "For a proxy that inspects TLS."
    )
