"""The Azure ML workspace, from settings, environment or config.json."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from beam_distill.config.fields import plainly
from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from transforms.azure.specs import WorkspaceRef

_VARIABLES = {
    "subscription_id": ("AZUREML_ARM_SUBSCRIPTION", "AZURE_SUBSCRIPTION_ID"),
    "resource_group": ("AZUREML_ARM_RESOURCEGROUP", "AZURE_RESOURCE_GROUP"),
    "workspace_name": ("AZUREML_ARM_WORKSPACE_NAME", "AZURE_WORKSPACE_NAME"),
}


def workspace_of(settings: DistillSettings, environ: Mapping[str, str], folder: Path) -> WorkspaceRef:
    """Each part from its setting, else the environment, else config.json in or above ``folder``. Raises RunRefused naming what is missing."""
    found = {name: getattr(settings, name) or _first(environ, variables) for name, variables in _VARIABLES.items()}
    config_path = _config_path(settings, folder)
    if config_path is not None and not all(found.values()):
        fields = _read(config_path)
        for name, value in found.items():
            reported = fields.get(name)
            found[name] = value or (reported if isinstance(reported, str) else None)
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            "the Azure ML workspace is not known: "
            + "; ".join(f"{name} is missing (--{name}, {' or '.join(_VARIABLES[name])})" for name in missing)
            + f", or give the workspace's config.json with --workspace_config (searched in {folder} and above)",
        )
    return WorkspaceRef(str(found["subscription_id"]), str(found["resource_group"]), str(found["workspace_name"]), settings.arm_url)


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environ[name].strip() for name in names if environ.get(name, "").strip()), None)


def _config_path(settings: DistillSettings, folder: Path) -> Path | None:
    if settings.workspace_config is not None:
        return Path(settings.workspace_config)
    for place in (folder, *folder.parents):
        for name in ("config.json", ".azureml/config.json"):
            if (place / name).is_file():
                return place / name
    return None


def _read(path: Path) -> dict[str, object]:
    try:
        fields = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise RunRefused(ExitCode.WRONG_INPUT, f"workspace_config: {os.fspath(path)} cannot be read: {plainly(error)}") from None
    if not isinstance(fields, dict):
        raise RunRefused(ExitCode.WRONG_INPUT, f"workspace_config: {os.fspath(path)} must hold a JSON object with subscription_id and so on")
    return fields
