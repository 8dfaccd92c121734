"""The settings that make a row's earlier request and its current one differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from beam_distill.config.sampling import SETTING_OF_FIELD
from beam_distill.config.secrets import without_secrets
from transforms.teacher.kinds.registry import plain_request

MESSAGES = "messages"
_NOT_SHOWN = frozenset({MESSAGES, "logprobs"})
"""``logprobs`` is true wherever there is ``top_logprobs``."""
LONGEST_VALUE = 40


def differing_settings(earlier: str, now: str) -> list[str]:
    """The settings in which two request bodies differ, with both values; ``earlier`` and ``now`` are JSON."""
    try:
        before, after = _settings_of(plain_request(earlier)), _settings_of(plain_request(now))
    except ValueError:
        return []
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    # fields that a teacher refuses are left out of its requests, but do not make other requests
    changed = [name for name in names if name in before] or names
    return [
        "the messages (task, reasoning, template or wording)"
        if name == MESSAGES
        else f"{name} {_shown(before.get(name))} -> {_shown(after.get(name))}"
        for name in changed
    ]


def _settings_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a plain chat request by the names of their settings."""
    found = {
        SETTING_OF_FIELD.get(name, f"extra_body.{name}"): without_secrets(value, name)
        for name, value in request.items()
        if name not in _NOT_SHOWN
    }
    return {**found, MESSAGES: request.get(MESSAGES)}


def _shown(value: Any) -> str:
    text = "-" if value is None else json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."
