"""The endpoints: accepted credentials, the field for the token limit, refused fields."""

import asyncio
import json
from typing import Any, NamedTuple

from aiohttp import web
from azure_emulator.state import AML, COGNITIVE, PLAIN, State

from transforms.teacher.kinds.registry import EndpointKind

LONG_ANSWER = 40
INFERENCE_FIELDS = {
    "messages",
    "frequency_penalty",
    "presence_penalty",
    "temperature",
    "top_p",
    "max_tokens",
    "response_format",
    "stop",
    "seed",
    "model",
}


class Plane(NamedTuple):
    """A kind in the emulator: the address that a person gives, the handler's name, and the routes that lead to it."""

    address: str
    handler: str
    routes: tuple[tuple[str, str], ...]


PLANES: dict[EndpointKind, Plane] = {
    EndpointKind.SERVERLESS: Plane(
        "/serverless",
        "serverless",
        (("POST", "/serverless/v1/chat/completions"), ("POST", "/serverless/chat/completions"), ("POST", "/chat/completions")),
    ),
    EndpointKind.ONLINE: Plane("/online/score", "online", (("POST", "/online/v1/chat/completions"),)),
    EndpointKind.ONLINE_SCORE: Plane("/online/score", "score", (("POST", "/online/score"),)),
    EndpointKind.AZURE_OPENAI: Plane(
        "",
        "azure_openai",
        (("POST", "/openai/deployments/{deployment}/chat/completions"), ("POST", "/openai/v1/chat/completions")),
    ),
    EndpointKind.OPENAI: Plane("/plain", "plain", (("POST", "/plain/v1/chat/completions"), ("GET", "/plain/v1/models"))),
}


class DataPlanes:
    """One handler per kind. ``state.style`` is ``old``, ``new`` or ``reasoning``: the age of the server behind the route."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def serverless(self, request: web.Request) -> web.Response:
        reported = request.headers.get("Authorization")
        if reported is None:
            return web.json_response({"error": {"code": "400", "message": "No authorization header present"}}, status=400)
        if not self._opens(reported, AML, raw=True):
            return web.json_response({"error": {"code": "Unauthorized", "message": "Invalid auth token"}}, status=401)
        fields = await self._fields(request)
        if isinstance(fields, web.Response):
            return fields
        if not request.path.endswith("/v1/chat/completions"):
            wrong = self._inference(request, fields)
            if wrong is not None:
                return wrong
        return self._chat(fields, fields.get("max_tokens"))

    async def online(self, request: web.Request) -> web.Response:
        if not self._opens(request.headers.get("Authorization", ""), AML):
            return web.Response(status=401, text="key_auth_access_denied", content_type="text/plain")
        fields = await self._fields(request)
        if isinstance(fields, web.Response):
            return fields
        return self._chat(fields, fields.get("max_completion_tokens") or fields.get("max_tokens"))

    async def score(self, request: web.Request) -> web.Response:
        if not self._opens(request.headers.get("Authorization", ""), AML):
            return web.Response(status=401, text="key_auth_access_denied", content_type="text/plain")
        fields = await self._fields(request)
        if isinstance(fields, web.Response):
            return fields
        try:
            messages, parameters = fields["input_data"]["input_string"], fields["input_data"]["parameters"]
            assert messages[-1]["role"] == "user"
            assert "model" not in parameters
        except (KeyError, TypeError, AssertionError):
            return web.json_response({})
        limit = parameters.get("max_new_tokens") if self.state.style == "old" else parameters.get("max_tokens")
        text, used, reason = self._answer(limit)
        if self.state.style == "old":
            return web.json_response({"output": text})
        usage = {"prompt_tokens": 5, "completion_tokens": used, "total_tokens": 5 + used}
        return web.json_response({"output": text, "finish_reason": reason, "usage": usage, "model": "m", "id": "1"})

    async def azure_openai(self, request: web.Request) -> web.Response:
        if "api-version" not in request.query:
            return web.json_response({"error": {"code": "404", "message": "Resource not found"}}, status=404)
        reported = request.headers.get("Authorization")
        by_key = request.headers.get("api-key") in self.state.keys
        if not by_key and (reported is None or self.state.token_problem(reported.removeprefix("Bearer "), COGNITIVE) is not None):
            message = (
                "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired."
            )
            return web.json_response({"statusCode": 401, "message": message}, status=401)
        fields = await self._fields(request)
        if isinstance(fields, web.Response):
            return fields
        if "max_new_tokens" in fields:
            return self._unknown("max_new_tokens")
        if self.state.style == "reasoning" and "max_tokens" in fields:
            message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            error = {"message": message, "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter"}
            return web.json_response({"error": error}, status=400)
        if self.state.style == "old" and "max_completion_tokens" in fields:
            return self._unknown("max_completion_tokens")
        return self._chat(fields, fields.get("max_completion_tokens") or fields.get("max_tokens"))

    async def plain(self, request: web.Request) -> web.Response:
        if not self._opens(request.headers.get("Authorization", ""), PLAIN):
            return web.json_response({"error": {"message": "Unauthorized"}}, status=401)
        if request.method == "GET":
            return web.json_response({"data": [{"id": "teacher"}]})
        fields = await self._fields(request)
        if isinstance(fields, web.Response):
            return fields
        return self._chat(fields, fields.get("max_completion_tokens") or fields.get("max_tokens"))

    async def info(self, request: web.Request) -> web.Response:
        if self.state.info is not None:
            return self.state.info.response()
        return web.json_response({"model_name": "Meta-Llama-3.1-405B-Instruct", "model_type": "chat_completion", "model_provider_name": "Meta"})

    def _opens(self, header: str, audience: str, raw: bool = False) -> bool:
        bearer = header.removeprefix("Bearer ")
        if not header.startswith("Bearer ") and not raw:
            return False
        known = self.state.tokens.get(bearer)
        if known is not None and known[0] == "aml-token":
            return known[1] > self.state.clock.time()
        return bearer in self.state.keys or self.state.token_problem(bearer, audience) is None

    async def _fields(self, request: web.Request) -> dict[str, Any] | web.Response:
        await asyncio.sleep(self.state.answer_s)
        try:
            fields = await request.json()
        except json.JSONDecodeError:
            return web.json_response({"error": {"code": "BadRequest", "message": "the body is not JSON"}}, status=400)
        if not isinstance(fields, dict):
            return web.json_response({"error": {"code": "BadRequest", "message": "no object"}}, status=400)
        return fields

    def _inference(self, request: web.Request, fields: dict[str, Any]) -> web.Response | None:
        if "api-version" not in request.query:
            return web.json_response({"error": {"code": "MissingApiVersion", "message": "api-version"}}, status=400)
        if request.headers.get("extra-parameters", "error") == "error":
            extra = sorted(set(fields) - INFERENCE_FIELDS)
            if extra:
                detail = f"Extra parameters {extra} are not allowed when extra-parameters is not set or set to be 'error'."
                return web.json_response({"detail": detail}, status=400)
        if not 0 <= fields.get("temperature", 0) <= 1:
            return web.json_response({"status": 422, "code": "parameter_not_supported", "message": "temperature"}, status=422)
        return None

    def _unknown(self, name: str) -> web.Response:
        error = {"message": f"Unrecognized request argument supplied: {name}", "type": "invalid_request_error", "param": None, "code": None}
        return web.json_response({"error": error}, status=400)

    def _answer(self, limit: int | None) -> tuple[str, int, str]:
        if self.state.answer is not None:
            return self.state.answer, 1, "stop"
        used = LONG_ANSWER if limit is None else min(limit, LONG_ANSWER)
        return " ".join(["word"] * used), used, "length" if used < LONG_ANSWER else "stop"

    def _chat(self, fields: dict[str, Any], limit: int | None) -> web.Response:
        text, used, reason = self._answer(limit)
        usage = {"prompt_tokens": 5, "completion_tokens": used, "total_tokens": 5 + used}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
        return web.json_response({"id": "1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage})
