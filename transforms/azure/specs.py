"""Who asks Azure, and which workspace: names only, they travel to the workers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

PUBLIC_ARM_URL = "https://management.azure.com"


@dataclass(frozen=True, slots=True)
class IdentityRef:
    """Who asks for tokens.

    ``source`` is ``auto`` or the name of one source (see ``token_sources``). ``client_id`` names a user-assigned identity; None takes the one
    that the worker's environment names. ``ca_bundle`` is a PEM file of authorities for Azure's own addresses.
    """

    source: str = "auto"
    client_id: str | None = None
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True)
class WorkspaceRef:
    """An Azure ML workspace. ``arm_url`` is the resource manager that knows it."""

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
        """What a token for the resource manager is asked for; a private address in front of Azure's takes Azure's tokens."""
        host = urlsplit(self.arm_url).hostname or ""
        return f"https://{host}/.default" if host.startswith("management.") else f"{PUBLIC_ARM_URL}/.default"

    def __str__(self) -> str:
        return f"workspace {self.name} (resource group {self.resource_group}, subscription {self.subscription_id})"
