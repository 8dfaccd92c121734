"""Azure OpenAI and the unified Foundry endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from transforms.teacher.address import chat_completions_url
from transforms.teacher.kinds.base import Kind, inference_bounds, is_inference_route
from transforms.teacher.kinds.serverless import INFERENCE_API_VERSION

OPENAI_API_VERSION = "2024-10-21"
_PROJECT = re.compile(r"/api/projects/[^/]+")


class AzureOpenAI(Kind):
    """``/openai/deployments/NAME/chat/completions`` with an api-version; a key as ``api-key``, a token as bearer;
    ``max_completion_tokens`` (the only name that reasoning models accept) until an older model asks for ``max_tokens``."""

    host_suffixes = (".openai.azure.com", ".cognitiveservices.azure.com", ".api.cognitive.microsoft.com", ".services.ai.azure.com")
    scope = "https://cognitiveservices.azure.com/.default"
    asks_completion_tokens = True
    takes_api_version = True
    connection_type = "azureopenai"
    is_known_by_connection = True
    role = "Cognitive Services OpenAI User"
    not_found_advice = (
        "there is no such deployment or api-version; give the deployment's name with --model or its full address "
        "(models that are not OpenAI's are behind /openai/v1 or /models of the same host)"
    )

    def chat_url(self, address: str, model: str | None) -> str:
        chat_completions_url(address)  # raises for an invalid address
        parts = urlsplit(address.strip())
        path = parts.path.rstrip("/").removesuffix("/openai/responses")  # the portal's address for newer models
        if _PROJECT.fullmatch(path):  # the portal's address of a project
            path += "/openai/v1"
        if path in ("", "/openai", "/openai/deployments"):
            if model is None:
                raise ValueError(f"{address!r} names no deployment; give its name with --model, or the full address of its chat completions")
            path = f"/openai/deployments/{quote(model, safe='')}"
        url = chat_completions_url(urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")))
        parts = urlsplit(url)
        if "/openai/v1/" not in parts.path and "api-version=" not in parts.query:
            version = INFERENCE_API_VERSION if is_inference_route(url) else OPENAI_API_VERSION
            query = "&".join(filter(None, (parts.query, f"api-version={version}")))
            url = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
        return url

    def needs_model(self, chat_url: str) -> bool:
        # here the deployment is named in the body, and a list of models would have the catalogue's, not the deployments
        return "/openai/v1/" in urlsplit(chat_url).path

    def key_headers(self, key: str) -> dict[str, str]:
        return {"api-key": key.removeprefix("Bearer ")}

    def bound_problems(self, chat_url: str, fields: Mapping[str, Any]) -> list[str]:
        return inference_bounds(chat_url, fields)
