"""The kinds by name, the kind of an address, and requests and answers of any kind as plain chat requests and completions."""

from __future__ import annotations

from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import orjson

from transforms.teacher.kinds.azure_openai import AzureOpenAI
from transforms.teacher.kinds.base import Kind
from transforms.teacher.kinds.clouds import as_public
from transforms.teacher.kinds.online import Online
from transforms.teacher.kinds.online_score import OnlineScore
from transforms.teacher.kinds.openai import OpenAI
from transforms.teacher.kinds.serverless import Serverless


class EndpointKind(str, Enum):
    """The kinds, with the values of the setting ``endpoint_kind``."""

    OPENAI = "openai"
    SERVERLESS = "serverless"
    ONLINE = "online"
    ONLINE_SCORE = "online_score"
    AZURE_OPENAI = "azure_openai"


KINDS: dict[EndpointKind, Kind] = {
    EndpointKind.OPENAI: OpenAI(),
    EndpointKind.SERVERLESS: Serverless(),
    EndpointKind.ONLINE: Online(),
    EndpointKind.ONLINE_SCORE: OnlineScore(),
    EndpointKind.AZURE_OPENAI: AzureOpenAI(),
}


def kind_of(address: str) -> EndpointKind:
    """The kind by the end of the host's name; an unknown host is a plain OpenAI-compatible server.

    An online endpoint's ``/score`` address means its OpenAI-style route.
    """
    host = as_public((urlsplit(address.strip()).hostname or "").lower())
    for name, kind in KINDS.items():
        if any(host.endswith(suffix) for suffix in kind.host_suffixes):
            return name
    return EndpointKind.OPENAI


def plain_request(body: bytes | str) -> dict[str, Any]:
    """The plain chat request of a body of any kind, which is known by its form: a ledger does not say the kind.

    Raises ValueError if the body is not a JSON object.
    """
    fields = orjson.loads(body)
    if not isinstance(fields, dict):
        raise ValueError("the request body is JSON but not an object")
    kind = next((kind for kind in KINDS.values() if kind.claims(fields)), KINDS[EndpointKind.OPENAI])
    return kind.plain_request(fields)


def completion_in(answer: dict[str, Any]) -> dict[str, Any]:
    """The chat completion in an answer of any kind; the answer unchanged if it is in no form that a kind knows."""
    if answer.get("choices") is not None:
        return answer
    return next((found for kind in KINDS.values() if (found := kind.completion(answer)) is not None), answer)
