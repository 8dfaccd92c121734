"""The kind of an address, and the kinds by name."""

from __future__ import annotations

from enum import Enum
from urllib.parse import urlsplit

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
