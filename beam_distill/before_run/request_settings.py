"""The settings that change every row's request, and which of them changed since a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beam_distill.config.settings import DistillSettings

_GROUPS = ("sampling", "prompts")


def changed_requests(before: Mapping[str, Any], now: DistillSettings) -> list[str]:
    """The names of those that differ from ``before``, the settings in run.json."""
    view = now.public_view()
    names = ["model", "extra_body"]
    for name, field in DistillSettings.model_fields.items():
        extra: Any = field.json_schema_extra
        if extra["group"] in _GROUPS and name != "seed":
            names.append(name)
    return [name for name in names if name in before and before[name] != view.get(name)]
