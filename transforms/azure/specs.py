"""The identity and the workspace: only names, because they are sent to the workers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

PUBLIC_ARM_URL = "https://management.azure.com"


@dataclass(frozen=True, slots=True)
class IdentityRef:
    """The identity for tokens.

    ``source`` is ``auto`` or the name of one source (see ``token_sources``). ``client_id`` names a user-assigned identity; None uses the one
    in the worker's environment. ``ca_bundle`` is a PEM file of authorities for Azure's own addresses.
    """

    source: str = "auto"
    client_id: str | None = None
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True)
class WorkspaceRef:
    """An Azure ML workspace. ``arm_url`` is its resource manager."""

    subscription_id: str
    resource_group: str
    name: str
    arm_url: str = PUBLIC_ARM_URL

    @property
    def path(self) -> str:
        """The workspace's path below the resource manager."""
        return (
            f"/subscriptions/{quote(self.subscription_id, safe='')}/resourceGroups/{quote(self.resource_group, safe='')}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{quote(self.name, safe='')}"
        )

    @property
    def arm_scope(self) -> str:
        """The scope of tokens for the resource manager; a private address in front of Azure accepts Azure's tokens."""
        host = urlsplit(self.arm_url).hostname or ""
        return f"https://{host}/.default" if host.startswith("management.") else f"{PUBLIC_ARM_URL}/.default"

    def __str__(self) -> str:
        return f"workspace {self.name} (resource group {self.resource_group}, subscription {self.subscription_id})"
