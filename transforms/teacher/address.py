"""Where the chat completions route of an endpoint is, from whatever form of its address a person has."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

_VERSION_END = re.compile(r"/v\d+\Z")
_BARE_ROUTE = ("/models", "/openai")  # Azure's routes that carry no version in the path


def chat_completions_url(address: str) -> str:
    """The full chat completions address for a base address, one that ends in ``/v1``, or the full route.

    A query (``?api-version=``) is kept. Raises ValueError with what is wrong for a text that is no http(s) address.
    """
    parts = urlsplit(address.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{address!r} is no http or https address; expected something like https://host/v1")
    if parts.username or parts.password:
        raise ValueError("the address holds a user name or password; give the key with api_key_env or api_key_file")
    try:
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        raise ValueError(f"{address!r} has a port that is no number up to 65535") from None
    path = parts.path.rstrip("/")
    if path.endswith("/score"):
        path = path[: -len("/score")]
    if not path.endswith("/chat/completions"):
        if _VERSION_END.search(path) or path.endswith(_BARE_ROUTE) or "/deployments/" in path:
            path += "/chat/completions"
        else:
            path += "/v1/chat/completions"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def models_url(chat_url: str) -> str:
    """The address that lists the endpoint's models, beside its chat completions route."""
    parts = urlsplit(chat_url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path[: -len("/chat/completions")] + "/models", parts.query, ""))
