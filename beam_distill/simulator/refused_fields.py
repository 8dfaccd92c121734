"""Fields of a request that the simulated teacher does not support."""

from __future__ import annotations

from typing import Any, NamedTuple

from beam_distill.simulator.settings import SimulatorSettings


class RefusedField(NamedTuple):
    """The message of the refusal, its code and the field."""

    message: str
    code: str
    field: str


def refused_field(settings: SimulatorSettings, fields: dict[str, Any]) -> RefusedField | None:
    """The refusal of a request; None if all its fields are supported."""
    if settings.requires_max_completion_tokens and "max_tokens" in fields:
        message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        return RefusedField(message, "unsupported_parameter", "max_tokens")
    for name in settings.refuses:
        if name in fields:
            return RefusedField(f"This model does not support the '{name}' parameter.", "unsupported_parameter", name)
    if settings.streams.support == "refused" and fields.get("stream"):
        return RefusedField("Unsupported value: 'stream' does not support true with this model.", "unsupported_value", "stream")
    if settings.streams.support == "options_refused" and "stream_options" in fields:
        return RefusedField("Unrecognized request argument supplied: stream_options", "unsupported_value", "stream_options")
    return None
