"""Asking an endpoint what it serves and whether it lets us in, before anything is paid for."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import aiohttp

from transforms.azure.own_loop import run_to_end
from transforms.elements.failures import FailureKind, RequestFailure
from transforms.elements.rows import ChatMessage
from transforms.teacher.address import models_url
from transforms.teacher.classify import MODEL_STATUS_HEADER
from transforms.teacher.client import LONGEST_HEADER_BYTES, MOST_HEADERS, USER_AGENT, AttemptResult, TeacherClient
from transforms.teacher.credentials import added_headers, credential_headers
from transforms.teacher.echoed_secrets import without_secrets
from transforms.teacher.kinds.base import EndpointKind
from transforms.teacher.kinds.registry import KINDS
from transforms.teacher.kinds.serverless import INFERENCE_API_VERSION
from transforms.teacher.payload import PayloadTemplate, rename_token_limit
from transforms.teacher.specs import EndpointSpec, SamplingSpec

ATTEMPT_S = 10.0
PAUSE_S = 0.5
NO_REQUEST = b"hello"  # no JSON: whoever lets it in answers 400 and generates nothing


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the endpoint said. ``reached`` is false when no response came; ``models`` is empty when it lists none.

    ``refusal`` is set for 401, 403 and a route that is not there. ``info_model`` is the model's name by ``/info``, "" when that is not offered.
    """

    reached: bool
    models: tuple[str, ...] = ()
    refusal: FailureKind | None = None
    detail: str = ""
    info_model: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    model_status: str
    body: bytes

    @property
    def effective(self) -> int:
        """The status, or that of the model's server behind a 424."""
        return int(self.model_status) if self.status == 424 and self.model_status.isdigit() else self.status

    @property
    def shown(self) -> str:
        said = self.body.decode("utf-8", "replace").strip()[:300]
        return f"status {self.status}: {said}"


def probe_endpoint(endpoint: EndpointSpec, patience_s: float) -> ProbeResult:
    """Costs no tokens. Tries for ``patience_s`` seconds to get any response.

    An Azure endpoint is posted what is no request, so that only its door answers; then ``/info`` is asked, whose silence means nothing.
    Raises CredentialMissing when the credential is not where it should be, CredentialPending when its source stays silent.
    """
    opening = credential_headers(endpoint, patience_s)
    return run_to_end(_probe(endpoint, {**added_headers(endpoint), **opening}, patience_s))


def find_route(endpoint: EndpointSpec, other: str, patience_s: float) -> str:
    """The address of chat completions: the endpoint's, or ``other`` where only that takes posts. Costs no tokens; raises as the probe does."""
    headers = {**added_headers(endpoint), **credential_headers(endpoint, patience_s)}
    return run_to_end(_find_route(endpoint, other, headers, patience_s))


def ask_once(endpoint: EndpointSpec, sampling: SamplingSpec, messages: Sequence[ChatMessage], timeout_s: float) -> AttemptResult:
    """One real request, paid for; under the other name of the token limit when the endpoint asks for that."""
    return run_to_end(_ask_once(endpoint, sampling, messages, timeout_s))


async def _ask_once(endpoint: EndpointSpec, sampling: SamplingSpec, messages: Sequence[ChatMessage], timeout_s: float) -> AttemptResult:
    plain = PayloadTemplate(endpoint, sampling).body(messages)
    kind = KINDS[endpoint.kind]
    bodies = [plain, rename_token_limit(plain)] if kind.names_token_limit else [plain]
    if kind.asks_completion_tokens:
        bodies.reverse()
    client = TeacherClient(endpoint, 1)
    try:
        for body in bodies:
            try:
                result = await asyncio.wait_for(client.send(body, 0, 1), timeout_s)
            except asyncio.TimeoutError:
                late = RequestFailure(FailureKind.TIMED_OUT, f"no whole answer within {timeout_s:g} s")
                return AttemptResult(1000.0 * timeout_s, failure=late)
            wanted = (FailureKind.WANTS_MAX_COMPLETION_TOKENS, FailureKind.WANTS_MAX_TOKENS)
            if result.failure is None or result.failure.kind not in wanted:
                break
        return result
    finally:
        await client.close()


async def _find_route(endpoint: EndpointSpec, other: str, headers: dict[str, str], patience_s: float) -> str:
    deadline = time.monotonic() + patience_s
    async with _session(endpoint, headers) as session:
        try:
            if (await _patiently(session, "POST", endpoint.chat_url, deadline)).status in (404, 405):
                answer = await _patiently(session, "POST", other, deadline)
                if answer.status < 300 or (400 <= answer.status < 500 and answer.status not in (404, 405)):
                    return other
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError):
            pass  # whether anything answers is the probe's to say
    return endpoint.chat_url


def _session(endpoint: EndpointSpec, headers: dict[str, str]) -> aiohttp.ClientSession:
    tls = True if endpoint.ca_bundle is None else ssl.create_default_context(cafile=endpoint.ca_bundle)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls),
        headers={"User-Agent": USER_AGENT, **headers},
        trust_env=True,
        max_line_size=LONGEST_HEADER_BYTES,
        max_field_size=LONGEST_HEADER_BYTES,
        max_headers=MOST_HEADERS,
    )


async def _probe(endpoint: EndpointSpec, headers: dict[str, str], patience_s: float) -> ProbeResult:
    deadline = time.monotonic() + patience_s
    kind = KINDS[endpoint.kind]
    async with _session(endpoint, headers) as session:
        result = ProbeResult(True)
        try:
            if endpoint.kind is not EndpointKind.OPENAI:
                result = _at_the_door(await _patiently(session, "POST", endpoint.chat_url, deadline))
                if result.refusal is None and kind.offers_info:
                    result = await _with_info(session, endpoint, result, deadline)
            if result.refusal is None and kind.lists_models and endpoint.model is None or endpoint.kind is EndpointKind.OPENAI:
                listed = _models(await _patiently(session, "GET", models_url(endpoint.chat_url), deadline))
                advisory = endpoint.kind is not EndpointKind.OPENAI  # the door has answered already
                result = replace(result, models=listed.models) if advisory else listed
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            text = str(error) or "no response in time"
            return ProbeResult(False, detail=f"{type(error).__name__}: {text}")
        return result


async def _patiently(session: aiohttp.ClientSession, method: str, url: str, deadline: float) -> _Answer:
    while True:
        left_s = max(0.1, min(ATTEMPT_S, deadline - time.monotonic()))
        try:
            return await _ask(session, method, url, left_s)
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError):
            if time.monotonic() + PAUSE_S >= deadline:
                raise
        await asyncio.sleep(PAUSE_S)


async def _ask(session: aiohttp.ClientSession, method: str, url: str, timeout_s: float) -> _Answer:
    body = NO_REQUEST if method == "POST" else None
    async with session.request(
        method,
        url,
        data=body,
        headers={"Content-Type": "application/json"} if body is not None else None,
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        allow_redirects=False,
    ) as response:
        received = without_secrets(await response.content.read(1 << 20), response.request_info.headers)
        return _Answer(response.status, response.headers.get(MODEL_STATUS_HEADER, ""), received)


def _at_the_door(answer: _Answer) -> ProbeResult:
    """What a request that is none tells: 401 and 403 of the endpoint itself are refusals, 400 and its like mean that we are in."""
    if answer.status in (401, 403):
        kind = FailureKind.UNAUTHORIZED if answer.status == 401 else FailureKind.FORBIDDEN
        return ProbeResult(True, refusal=kind, detail=answer.shown)
    if b"no authorization header present" in answer.body[:300].lower():
        return ProbeResult(True, refusal=FailureKind.UNAUTHORIZED, detail=answer.shown)
    if answer.effective in (404, 405) and b"traffic group" not in answer.body:
        return ProbeResult(True, refusal=FailureKind.NOT_FOUND, detail=answer.shown)
    return ProbeResult(True, detail="lets us in")


async def _with_info(session: aiohttp.ClientSession, endpoint: EndpointSpec, result: ProbeResult, deadline: float) -> ProbeResult:
    parts = urlsplit(endpoint.chat_url)
    url = f"{parts.scheme}://{parts.netloc}/info?api-version={INFERENCE_API_VERSION}"
    try:
        answer = await _ask(session, "GET", url, max(0.5, min(ATTEMPT_S, deadline - time.monotonic())))
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError):
        return result
    if answer.status in (401, 403):
        kind = FailureKind.UNAUTHORIZED if answer.status == 401 else FailureKind.FORBIDDEN
        return replace(result, refusal=kind, detail=f"/info: {answer.shown}")
    if answer.status != 200:
        return result
    try:
        fields = json.loads(answer.body)
    except (ValueError, RecursionError):
        return result
    name = fields.get("model_name") if isinstance(fields, dict) else None
    return replace(result, info_model=name if isinstance(name, str) else "")


def _models(answer: _Answer) -> ProbeResult:
    if answer.status in (401, 403):
        kind = FailureKind.UNAUTHORIZED if answer.status == 401 else FailureKind.FORBIDDEN
        return ProbeResult(True, refusal=kind, detail=answer.shown)
    if answer.status != 200:
        return ProbeResult(True, detail=f"no list of models (status {answer.status})")
    try:
        names = tuple(str(item["id"]).encode("utf-8", "replace").decode() for item in json.loads(answer.body)["data"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ProbeResult(True, detail="no list of models (the response is of another shape)")
    return ProbeResult(True, models=names)
