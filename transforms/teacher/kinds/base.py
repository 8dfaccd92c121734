"""What a kind of endpoint decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from transforms.teacher.address import chat_completions_url

# what Azure's model inference route takes without being asked to pass the rest through (specification 2024-05-01-preview)
_INFERENCE_FIELDS = frozenset(
    {
        "messages",
        "frequency_penalty",
        "presence_penalty",
        "temperature",
        "top_p",
        "max_tokens",
        "response_format",
        "stop",
        "stream",
        "tools",
        "tool_choice",
        "seed",
        "model",
        "modalities",
    }
)


class Kind:
    """All that differs between kinds of endpoints: route, headers, token limit, bounds, how one is asked, what a person is told."""

    host_suffixes: tuple[str, ...] = ()
    scope: str | None = None
    """What a managed identity's token is asked for; None where nobody can know."""
    asks_completion_tokens = False
    """Whether the token limit goes by ``max_completion_tokens`` until the endpoint says otherwise."""
    names_token_limit = True
    """Whether the token limit can be sent under the other of its two names."""
    streams = True
    """Whether an answer may be asked for as a stream."""
    lists_models = False
    """Whether the route beside chat completions lists models."""
    offers_info = False
    """Whether ``GET /info`` may report the model's name."""
    is_azure = True
    """Whether it is one of Azure's: it is asked whether it accepts the credential, and takes only one route."""
    is_asked_by_listing = False
    """Whether the list of models is asked for first, and an invalid request only where there is none."""
    takes_api_version = False
    """Whether a connection's api-version belongs into its address."""
    connection_type: str | None = None
    """How Azure ML calls it as the type of a connection, in lower case and without underscores."""
    is_known_by_connection = False
    """Whether such a connection says more than its address does."""
    not_found_advice = "there is no such route; see teacher_model_endpoint_url and endpoint_kind"
    """What to look at when it answers that there is no such thing."""
    role = "AzureML Data Scientist (onlineEndpoints/score/action)"
    """What an identity needs in order to use it."""
    opening = b'{"messages":'
    """What is before the list of messages in a request body."""

    def chat_url(self, address: str, model: str | None) -> str:
        """The address that requests go to. Raises ValueError with what is wrong."""
        return chat_completions_url(address)

    def key_headers(self, key: str) -> dict[str, str]:
        """How a key is sent."""
        return {"Authorization": bearer(key)}

    def token_headers(self, token: str) -> dict[str, str]:
        """How an Entra token is sent."""
        return {"Authorization": f"Bearer {token}"}

    def route_headers(self, chat_url: str, fields: Mapping[str, Any]) -> dict[str, str]:
        """Headers that follow from the route and the fields of a request."""
        if not is_inference_route(chat_url) or all(name in _INFERENCE_FIELDS for name in fields):
            return {}
        return {"extra-parameters": "pass-through"}

    def bound_problems(self, chat_url: str, fields: Mapping[str, Any]) -> list[str]:
        """Sampling parameters that this endpoint is known to refuse."""
        return []

    def closing(self, fields: Mapping[str, Any]) -> bytes:
        """What follows the list of messages in a request body, given the fields of a plain chat request; canonical JSON."""
        return b"," + orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)[1:]


def bearer(key: str) -> str:
    """The key behind its scheme, once."""
    return key if key.lower().startswith("bearer ") else f"Bearer {key}"


def is_inference_route(chat_url: str) -> bool:
    """Whether this is Azure's model inference route, ``/chat/completions`` without a version or a deployment before it."""
    path = urlsplit(chat_url).path.rstrip("/")
    return path in ("/chat/completions", "/models/chat/completions")


def inference_bounds(chat_url: str, fields: Mapping[str, Any]) -> list[str]:
    """Azure's model inference route takes temperature and top_p from 0 to 1."""
    if not is_inference_route(chat_url):
        return []
    return [
        f"teacher_model_{name}: {fields[name]:g} is above 1, the most that {urlsplit(chat_url).path} takes; lower it, or address the "
        "endpoint with /v1/chat/completions"
        for name in ("temperature", "top_p")
        if name in fields and fields[name] > 1.0
    ]
