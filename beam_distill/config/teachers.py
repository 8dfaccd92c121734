"""Several endpoints of one teacher: the entries of the list ``teachers``."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer

from beam_distill.config.base import Section
from beam_distill.config.fields import (
    AuthenticationType,
    ConnectionName,
    EndpointKindName,
    EndpointUrl,
    Flag,
    KeyPath,
    VariableName,
    is_literal_key,
)
from beam_distill.config.json_value import check_json

LONG_NAMES = {
    "teacher_model_endpoint_url": "url",
    "teacher_model_endpoint_name": "endpoint_name",
    "endpoint": "url",
    "connection": "connection_name",
}
"""Other names: those of the inputs for a single endpoint."""


class TeacherEntry(Section):
    """One endpoint. Missing fields use the inputs of the same name; its credential comes from only one of the two."""

    name: str | None = Field(None, min_length=1, max_length=60)
    url: EndpointUrl | None = None
    endpoint_name: str | None = None
    connection_name: ConnectionName | None = None
    model: str | None = None
    deployment: str | None = None
    api_key_env: VariableName | None = None
    api_key_file: KeyPath | None = None
    authentication_type: AuthenticationType | None = None
    endpoint_kind: EndpointKindName | None = None
    weight: float = Field(1.0, gt=0, le=1000)
    max_requests_per_minute: int | None = Field(None, ge=1)
    overflow: Flag = False

    @model_serializer(mode="wrap")
    def _without_defaults(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = TeacherEntry.model_fields
        return {name: value for name, value in whole(self).items() if value != fields[name].default}

    @property
    def where(self) -> str:
        """The address or name that it gives."""
        return self.url or self.endpoint_name or self.connection_name or "nowhere"


def member_text(entry: TeacherEntry) -> str:
    """The special settings of one endpoint, as text."""
    parts = [f"at {entry.where}"] if entry.name else []
    parts += [f"deployment {entry.deployment}"] * bool(entry.deployment) + [f"weight {entry.weight:g}"] * (entry.weight != 1.0)
    if entry.max_requests_per_minute:
        parts.append(f"at most {entry.max_requests_per_minute} requests a minute per process")
    parts += ["for the overflow only"] * entry.overflow
    return f" ({', '.join(parts)})" if parts else ""


def read_teachers(value: Any) -> Any:
    """A list of entries, also as JSON. Raises ValueError that says which entry is wrong; no value of a key is repeated."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("expected a list of endpoints") from None
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError("expected a list of endpoints, each with url, endpoint_name or connection_name")
    return [_read_entry(number, entry) for number, entry in enumerate(value, start=1)]


def _read_entry(number: int, entry: Any) -> dict[str, Any]:
    if isinstance(entry, BaseModel):
        entry = entry.model_dump()
    if isinstance(entry, str):
        entry = {"url": entry}
    if not isinstance(entry, dict):
        raise ValueError(f"entry {number}: expected names with values, such as url: https://host/v1")
    fields: dict[str, Any] = {}
    for raw_name, content in entry.items():
        name = str(raw_name).replace("-", "_")
        name = LONG_NAMES.get(name, name)
        if is_literal_key(name):
            raise ValueError(
                f"entry {number}, {name}: a key is not taken as a value, where others could read it; name its place with api_key_env or "
                "api_key_file"
            )
        if name not in TeacherEntry.model_fields:
            raise ValueError(f"entry {number}, {name}: no such field; an entry holds {', '.join(TeacherEntry.model_fields)}")
        if content is not None and content != "":
            fields[name] = content
    check_json(fields)
    if not any(name in fields for name in ("url", "endpoint_name", "connection_name")):
        raise ValueError(f"entry {number}: names no endpoint; give url, endpoint_name or connection_name")
    return fields


Teachers = Annotated[tuple[TeacherEntry, ...], BeforeValidator(read_teachers)]
