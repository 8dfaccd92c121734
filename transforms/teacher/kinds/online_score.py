"""An Azure ML online endpoint with ``/score``: images without an OpenAI-style route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from transforms.teacher.address import chat_completions_url
from transforms.teacher.kinds.base import Kind


class OnlineScore(Kind):
    """``{"input_data": {"input_string": messages, "parameters": {...}}}``. The token limit is sent under both names: images before
    mid-2026 prefer ``max_new_tokens``, later ones ignore it, and transformers images know only this one."""

    scope = "https://ml.azure.com/.default"
    names_token_limit = False
    streams = False  # a scoring script returns its answer at once
    opening = b'{"input_data":{"input_string":'

    def chat_url(self, address: str, model: str | None) -> str:
        parts = urlsplit(chat_completions_url(address))  # raises for an invalid address
        path = urlsplit(address.strip()).path.rstrip("/")
        for route in ("/chat/completions", "/v1", "/score"):
            path = path.removesuffix(route)
        return urlunsplit((parts.scheme, parts.netloc, path + "/score", parts.query, ""))

    def route_headers(self, chat_url: str, fields: Mapping[str, Any]) -> dict[str, str]:
        return {}

    def closing(self, fields: Mapping[str, Any]) -> bytes:
        parameters = {name: value for name, value in fields.items() if name != "model"}
        if "max_tokens" in parameters:
            parameters["max_new_tokens"] = parameters["max_tokens"]
        return b',"parameters":' + orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS) + b"}}"

    def claims(self, body: Mapping[str, Any]) -> bool:
        data = body.get("input_data")
        return isinstance(data, dict) and "input_string" in data and isinstance(data.get("parameters"), dict)

    def plain_request(self, body: Mapping[str, Any]) -> dict[str, Any]:
        data = body["input_data"]
        request = {"messages": data["input_string"], **data["parameters"]}
        if "max_tokens" in request:
            request.pop("max_new_tokens", None)
        return request

    def completion(self, answer: Mapping[str, Any]) -> dict[str, Any] | None:
        """``{"output": text}``; newer images add message, finish_reason and usage. Bedrock and DashScope have an object under ``output``."""
        if "output" not in answer:
            return None
        message, output = answer.get("message"), answer["output"]
        if isinstance(output, list) and len(output) == 1:
            output = output[0]
        sent = message if isinstance(message, dict) else {}
        finish_reason = _status_of(answer) if answer.get("object") == "response" else answer.get("finish_reason")
        if isinstance(output, dict) and isinstance(output.get("message"), dict):
            return {**answer, "choices": [{"message": output["message"], "finish_reason": answer.get("stopReason")}]}
        if isinstance(output, dict) and isinstance(output.get("text"), str):
            output, finish_reason = output["text"], output.get("finish_reason")
        return {**answer, "choices": [{"message": {**sent, "content": output}, "finish_reason": finish_reason}]}


def _status_of(response: Mapping[str, Any]) -> Any:
    """How an answer of OpenAI's Responses API ended, which a gateway may pass on: it has an ``output`` too."""
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    return reason or (None if response.get("status") == "completed" else response.get("status"))
