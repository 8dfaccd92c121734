"""The settings of a job that go to Azure ML's component besides the original's inputs, and those that cannot.

The component has the original's inputs. Other given inputs are variables of the job's step; Beam's options, which are not inputs, are
arguments of the component's command.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from beam_distill.config.component import COMPONENT_INPUTS, COMPONENT_OUTPUTS
from beam_distill.config.runner import as_arguments
from beam_distill.config.secrets import holds_mask
from beam_distill.config.settings import DistillSettings
from beam_distill.config.sources import ENVIRONMENT_PREFIX, ResolvedSettings
from beam_distill.deployment.job_facts import component_values
from transforms.files.paths import is_remote

AZFS = "azfs://"
BLOB_ENDPOINT = "blob_service_endpoint"
# the job file there says where the job runs
_PLACES = ("runner", "master", "worker_environment", "worker_package", "job_server_jar", "shared_directories", "detach")
_FILES = ("ca_bundle", "azure_ca_bundle", "workspace_config")
_OF_THEIR_OWN = frozenset({*COMPONENT_INPUTS, *COMPONENT_OUTPUTS, *_PLACES, "work_dir", "beam_options"})


@dataclass(frozen=True, slots=True)
class Carried:
    """``variables`` of the step by name, ``arguments`` of the command, and ``warnings`` about settings that are left out. ``azfs``: storage
    uses the step's identity."""

    variables: dict[str, str]
    arguments: list[str]
    azfs: bool
    warnings: list[str]


def values_of(settings: DistillSettings) -> dict[str, Any]:
    """The job's work_dir, if it outlives the machine of the component."""
    return {"work_dir": settings.work_dir} if settings.work_dir is not None and is_remote(settings.work_dir) else {}


def carry(resolved: ResolvedSettings, values: dict[str, Any]) -> Carried:
    """The settings to pass with the job; ``values`` are those of the target."""
    settings, given = resolved.settings, resolved.origins
    view = settings.public_view()
    further = [name for name in DistillSettings.model_fields if name in given and name not in _OF_THEIR_OWN and not holds_mask(view[name])]
    said = component_values(view, frozenset(given))
    # fractions of seconds, which the component's integer cannot express
    further += [name for name in ("max_retry_time_interval",) if name in given and name not in said]
    variables = {f"{ENVIRONMENT_PREFIX}{name.upper()}": _text(view[name]) for name in further}
    outputs = [view[name] for name in COMPONENT_OUTPUTS if view[name] is not None]
    if "output_format" not in given and all(path.endswith(".parquet") for path in outputs):
        variables[f"{ENVIRONMENT_PREFIX}OUTPUT_FORMAT"] = "parquet"  # the mounted path's suffix is Azure ML's
    azfs = values["work_dir"].startswith(AZFS)
    options = {name: value for name, value in (view["beam_options"] or {}).items() if not holds_mask(value)}
    if azfs:
        account = values["work_dir"].removeprefix(AZFS).partition("/")[0]
        options = {BLOB_ENDPOINT: f"https://{account}.blob.core.windows.net", **options}
    return Carried(variables, as_arguments(options), azfs, [*_stays(resolved, values), *_secret_options(view)])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _stays(resolved: ResolvedSettings, values: dict[str, Any]) -> list[str]:
    settings, given = resolved.settings, resolved.origins
    said = []
    places = [name for name in _PLACES if name in given]
    if places:
        said.append(f"{', '.join(places)}: left out; the component scores in processes of its own machine, which the job file chooses")
    if settings.work_dir is not None and not is_remote(settings.work_dir) and values["work_dir"] != settings.work_dir:
        said.append(
            f"work_dir: {settings.work_dir} is a local path; the component's is {values['work_dir']}. "
            "--set work_dir=azfs://ACCOUNT/CONTAINER/PATH names one that outlives the job"
        )
    for name in COMPONENT_OUTPUTS:
        path = getattr(settings, name)
        if path is not None and is_remote(path):
            there = f"Azure ML puts the dataset into the datastore {values['datastore']} (--set datastore=NAME)"
            said.append(f"{name}: {path} is not written to; {there}")
    said += [
        f"{name}: {path} is on the component's machine and lost with it; name a place on {AZFS}"
        for name, path in settings.outputs.items()
        if name not in COMPONENT_OUTPUTS and not is_remote(path)
    ]
    said += [
        f"{name}: {getattr(settings, name)} is read on the component's machine; it must be in its image" for name in _FILES if name in given
    ]
    return said


def _secret_options(view: dict[str, Any]) -> list[str]:
    names = [name for name, value in (view["beam_options"] or {}).items() if holds_mask(value)]
    how = "The job's identity accesses azfs:// there, with the role Storage Blob Data Contributor"
    return [f"beam_options: {', '.join(names)} left out: a secret. {how}"] if names else []
