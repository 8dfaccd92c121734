"""An Azure ML online endpoint behind its OpenAI-style route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.teacher.address import chat_completions_url
from transforms.teacher.kinds.base import Kind, inference_bounds


class Online(Kind):
    """``/v1/chat/completions`` instead of ``/score``; keys and tokens as bearer; ``max_tokens``, because the servers ignore
    ``max_new_tokens`` on this route."""

    host_suffixes = (".inference.ml.azure.com",)
    scope = "https://ml.azure.com/.default"
    offers_info = True
    lists_models = True
    not_found_advice = "there is no /v1/chat/completions here; if the deployment's image only has /score, use --endpoint_kind online_score"

    def chat_url(self, address: str, model: str | None) -> str:
        # the component appends the route to /score, where nothing answers
        return chat_completions_url(address).replace("/score/v1/chat/completions", "/v1/chat/completions")

    def bound_problems(self, chat_url: str, fields: Mapping[str, Any]) -> list[str]:
        return inference_bounds(chat_url, fields)
