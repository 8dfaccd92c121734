"""The interface of a kind of endpoint.

A kind may have a form of its own for requests and answers. All other code knows only plain chat requests and chat completions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from transforms.teacher.address import chat_completions_url, models_url

# what Azure's model inference route accepts without the pass-through header (specification 2024-05-01-preview)
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
    """Everything that differs between kinds of endpoints: route, headers, token limit, bounds, probing, advice."""

    host_suffixes: tuple[str, ...] = ()
    scope: str | None = None
    """The scope of a managed identity's token; None if unknown."""
    asks_completion_tokens = False
    """Whether the token limit is called ``max_completion_tokens`` until the endpoint asks for another name."""
    names_token_limit = True
    """Whether the token limit can be sent under its other name."""
    streams = True
    """Whether answers can be streamed."""
    lists_models = False
    """Whether the route next to chat completions lists models."""
    offers_info = False
    """Whether ``GET /info`` may report the model's name."""
    is_azure = True
    """Whether it is one of Azure's: the probe tests the credential, and there is only one route."""
    is_asked_by_listing = False
    """Whether the probe asks for the list of models first, and sends an invalid request only if there is none."""
    takes_api_version = False
    """Whether a connection's api-version belongs in its address."""
    connection_type: str | None = None
    """Azure ML's name of the connection type, in lower case and without underscores."""
    is_known_by_connection = False
    """Whether such a connection's type adds information to its address."""
    not_found_advice = "there is no such route; see teacher_model_endpoint_url and endpoint_kind"
    """Advice for a 404."""
    role = "AzureML Data Scientist (onlineEndpoints/score/action)"
    """The role that an identity needs."""
    opening = b'{"messages":'
    """The part of a request body before the list of messages."""

    def chat_url(self, address: str, model: str | None) -> str:
        """The address of requests. Raises ValueError with the reason."""
        return chat_completions_url(address)

    def models_url(self, chat_url: str) -> str:
        """The address of the list of models, for a kind that ``lists_models``."""
        return models_url(chat_url)

    def needs_model(self, chat_url: str) -> bool:
        """Whether a request to this address is refused if it names no model."""
        return False

    def key_headers(self, key: str) -> dict[str, str]:
        """The headers for a key."""
        return {"Authorization": bearer(key)}

    def token_headers(self, token: str) -> dict[str, str]:
        """The headers for an Entra token."""
        return {"Authorization": f"Bearer {token}"}

    def route_headers(self, chat_url: str, fields: Mapping[str, Any]) -> dict[str, str]:
        """Headers that depend on the route and the fields of a request."""
        if not is_inference_route(chat_url) or all(name in _INFERENCE_FIELDS for name in fields):
            return {}
        return {"extra-parameters": "pass-through"}

    def bound_problems(self, chat_url: str, fields: Mapping[str, Any]) -> list[str]:
        """Sampling parameters that this endpoint is known to refuse."""
        return []

    def closing(self, fields: Mapping[str, Any]) -> bytes:
        """The part of a request body after the list of messages, from the fields of a plain chat request; canonical JSON."""
        return b"," + orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)[1:]

    def body_of(self, request: Mapping[str, Any]) -> bytes:
        """The request body for a plain chat request with its ``messages``."""
        fields = {name: value for name, value in request.items() if name != "messages"}
        return self.opening + orjson.dumps(request["messages"]) + self.closing(fields)

    def claims(self, body: Mapping[str, Any]) -> bool:
        """Whether a request body is in this kind's own form. A body that no kind claims is a plain chat request."""
        return False

    def plain_request(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The plain chat request of a body of this kind: the opposite of ``body_of``. The token limit is called ``max_tokens``."""
        return dict(body)

    def completion(self, answer: Mapping[str, Any]) -> dict[str, Any] | None:
        """The chat completion that an answer without ``choices`` is in this kind's own form; None if it is not in it."""
        return None


def bearer(key: str) -> str:
    """The key with its scheme before it, once."""
    return key if key.lower().startswith("bearer ") else f"Bearer {key}"


def is_inference_route(chat_url: str) -> bool:
    """Whether this is Azure's model inference route, ``/chat/completions`` without a version or a deployment before it."""
    path = urlsplit(chat_url).path.rstrip("/")
    return path in ("/chat/completions", "/models/chat/completions")


def inference_bounds(chat_url: str, fields: Mapping[str, Any]) -> list[str]:
    """Azure's model inference route accepts temperature and top_p from 0 to 1."""
    if not is_inference_route(chat_url):
        return []
    return [
        f"teacher_model_{name}: {fields[name]:g} is above 1, the most that {urlsplit(chat_url).path} takes; lower it, or address the "
        "endpoint with /v1/chat/completions"
        for name in ("temperature", "top_p")
        if name in fields and fields[name] > 1.0
    ]
