"""The chat completions route of an endpoint, from any form of its address."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

_VERSION_END = re.compile(r"/v\d+\Z")
_BARE_ROUTE = re.compile(
    # routes without a version of their own: Azure's model inference (/models) and OpenAI routes, Gemini (/openai), Vertex AI
    # (/endpoints/openapi or an endpoint's number), GitHub Models (/inference), Databricks (/serving-endpoints), Cloudflare's gateway (/compat)
    r"/(models|openai|endpoints/[^/]+|inference|serving-endpoints|compat)\Z"
)
_OTHER_ROUTE = re.compile(r"(/v\d+)/(models|completions|responses|embeddings|messages)\Z")
"""Other routes that users give instead of the base address."""


def chat_completions_url(address: str) -> str:
    """The full chat completions address for a base address, one that ends in ``/v1``, or the full route.

    A query (``?api-version=``) is kept. Raises ValueError, with the reason, for a text that is not an http(s) address.
    """
    try:
        parts = urlsplit(address.strip())
        host = parts.hostname
    except ValueError as error:
        raise ValueError(f"is not an http or https address ({error}); expected something like https://host/v1") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{address!r} is not an http or https address; expected something like https://host/v1")
    if parts.username or parts.password:
        raise ValueError("the address holds a user name or password; give the key with api_key_env or api_key_file")
    try:
        parts.port  # noqa: B018 - raises for an invalid port
    except ValueError:
        raise ValueError(f"{address!r} has a port that is not a number up to 65535") from None
    path = parts.path.rstrip("/")
    if path.endswith("/score"):
        path = path[: -len("/score")]
    if not path.endswith("/chat/completions"):
        path = _OTHER_ROUTE.sub(r"\1", path)
        if _VERSION_END.search(path) or _BARE_ROUTE.search(path) or "/deployments/" in path:
            path += "/chat/completions"
        else:
            path += "/v1/chat/completions"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def other_route(address: str, chat_url: str) -> str | None:
    """The alternative to ``chat_url`` if its version was a guess: without ``/v1``, or with it. None if the address was explicit."""
    path = urlsplit(address.strip()).path.rstrip("/")
    if path.endswith(("/chat/completions", "/score")) or _VERSION_END.search(path) or "/deployments/" in path or _OTHER_ROUTE.search(path):
        return None
    if chat_url.partition("?")[0].endswith("/v1/chat/completions"):
        return chat_url.replace("/v1/chat/completions", "/chat/completions")
    return chat_url.replace("/chat/completions", "/v1/chat/completions")


def models_url(chat_url: str) -> str:
    """The address of the endpoint's list of models."""
    parts = urlsplit(chat_url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path[: -len("/chat/completions")] + "/models", parts.query, ""))
