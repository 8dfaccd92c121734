"""An Azure serverless endpoint (models as a service)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from transforms.teacher.address import chat_completions_url
from transforms.teacher.kinds.base import Kind, inference_bounds, is_inference_route

INFERENCE_API_VERSION = "2024-05-01-preview"


class Serverless(Kind):
    """``/v1/chat/completions``, or ``/chat/completions`` if the address has that; keys and tokens as bearer; ``max_tokens``."""

    host_suffixes = (".models.ai.azure.com", ".inference.ai.azure.com")
    scope = "https://ml.azure.com/.default"
    offers_info = True
    connection_type = "serverless"

    def chat_url(self, address: str, model: str | None) -> str:
        url = chat_completions_url(address)
        parts = urlsplit(url)
        if is_inference_route(url) and "api-version=" not in parts.query:
            query = "&".join(filter(None, (parts.query, f"api-version={INFERENCE_API_VERSION}")))
            url = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
        return url

    def bound_problems(self, chat_url: str, fields: Mapping[str, Any]) -> list[str]:
        return inference_bounds(chat_url, fields)
