"""Which kind an address is, and each kind by its name."""

from __future__ import annotations

from urllib.parse import urlsplit

from transforms.teacher.kinds.azure_openai import AzureOpenAI
from transforms.teacher.kinds.base import EndpointKind, Kind
from transforms.teacher.kinds.clouds import as_public
from transforms.teacher.kinds.online import Online
from transforms.teacher.kinds.online_score import OnlineScore
from transforms.teacher.kinds.openai import OpenAI
from transforms.teacher.kinds.serverless import Serverless

KINDS: dict[EndpointKind, Kind] = {kind.kind: kind for kind in (OpenAI(), Serverless(), Online(), OnlineScore(), AzureOpenAI())}


def kind_of(address: str) -> EndpointKind:
    """The kind by the end of the host's name; an unknown host is a plain OpenAI-compatible server.

    An online endpoint's ``/score`` address is read as its OpenAI-style route beside it.
    """
    host = as_public((urlsplit(address.strip()).hostname or "").lower())
    for kind in KINDS.values():
        if any(host.endswith(suffix) for suffix in kind.host_suffixes):
            return kind.kind
    return EndpointKind.OPENAI
