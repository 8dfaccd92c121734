"""Model asset ids, and the component's lists of supported models."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ASSET_ID = re.compile(r"azureml://registries/(?P<registry>[^/]+)/models/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?/?\Z")
_WORKSPACE_ID = re.compile(
    r"(?:azureml:/)?/subscriptions/.+/workspaces/(?P<registry>[^/]+)/models/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?/?\Z"
)

TEACHERS = frozenset({("azureml-meta", "Meta-Llama-3.1-405B-Instruct")})
STUDENTS = frozenset(
    {
        ("azureml-meta", "Meta-Llama-3.1-8B-Instruct"),
        ("azureml", "Phi-3-mini-4k-instruct"),
        ("azureml", "Phi-3-mini-128k-instruct"),
        ("azureml", "Phi-3.5-mini-instruct"),
        ("azureml", "Phi-3.5-MoE-instruct"),
        ("azureml", "Phi-3-medium-4k-instruct"),
        ("azureml", "Phi-3-medium-128k-instruct"),
    }
)


@dataclass(frozen=True, slots=True)
class ModelAsset:
    """A registered model. ``registry`` is the registry or the workspace; ``version`` is None when the id names none."""

    registry: str
    name: str
    version: str | None = None

    def same_model(self, other: ModelAsset) -> bool:
        """Whether both ids mean the same model; versions are compared only if both have one."""
        versions = {self.version, other.version} - {None}
        names = (self.registry.lower(), self.name.lower()) == (other.registry.lower(), other.name.lower())
        return names and len(versions) < 2


def parse_asset_id(text: str) -> ModelAsset:
    """``azureml://registries/R/models/M[/versions/V]``, or a workspace's model id. Raises ValueError with what was expected."""
    match = _ASSET_ID.match(text.strip()) or _WORKSPACE_ID.match(text.strip())
    if match is None:
        raise ValueError("expected azureml://registries/REGISTRY/models/MODEL or the same with /versions/VERSION")
    return ModelAsset(match["registry"], match["name"], match["version"])


def outside(listed: frozenset[tuple[str, str]], asset: ModelAsset) -> bool:
    """Whether ``asset`` is not among the ``listed`` models."""
    return (asset.registry.lower(), asset.name.lower()) not in {(registry.lower(), name.lower()) for registry, name in listed}
