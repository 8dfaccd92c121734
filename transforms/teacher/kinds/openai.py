"""A plain OpenAI-compatible server: vLLM, SGLang, a gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.teacher.kinds.base import Kind, bearer


class OpenAI(Kind):
    """``/v1/chat/completions``, ``max_tokens``, a list of models. A key is sent in both headers: gateways differ."""

    is_azure = False
    lists_models = True
    is_asked_by_listing = True
    connection_type = "openai"

    def key_headers(self, key: str) -> dict[str, str]:
        return {"Authorization": bearer(key), "api-key": key}

    def route_headers(self, chat_url: str, fields: Mapping[str, Any]) -> dict[str, str]:
        return {}
