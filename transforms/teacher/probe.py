"""Asks an endpoint for its models and whether it accepts our credential, before anything is paid for."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from transforms.azure.own_loop import run_to_end
from transforms.elements.failures import ENDPOINT_REFUSES, FailureKind, RequestFailure
from transforms.elements.rows import ChatMessage
from transforms.teacher.adaptation import Adaptation
from transforms.teacher.classify import classify
from transforms.teacher.client import LONGEST_HEADER_BYTES, MOST_HEADERS, USER_AGENT, AttemptResult, TeacherClient
from transforms.teacher.credentials import added_headers, address_of, credential_headers, secrets_of
from transforms.teacher.excerpt import excerpt_of
from transforms.teacher.kinds.registry import KINDS
from transforms.teacher.kinds.serverless import INFERENCE_API_VERSION
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.specs import EndpointSpec, SamplingSpec
from transforms.teacher.stream_spec import StreamSpec
from transforms.teacher.streaming import Streaming, streaming_of
from transforms.teacher.tls_faults import tls_fault
from transforms.teacher.tls_responses import tls_fault_in
from transforms.web.proxies import failed_by_way_of, proxy_for
from transforms.web.redaction import Redactor, printable

ATTEMPT_S = 10.0
PAUSE_S = 0.5
CONTEXT_LENGTH_NAMES = ("max_model_len", "n_ctx", "context_length", "context_window", "max_context_length")
"""Names of the context length: vLLM and SGLang, llama.cpp, OpenRouter and Together, Groq, Mistral."""
LONGEST_LIST_BYTES = 16 << 20
"""Providers with hundreds of models describe each in a kilobyte or two."""
NO_REQUEST = b"hello"  # not JSON: an endpoint that accepts the credential answers 400 and generates nothing


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The endpoint's responses. ``reached`` is false when no response came; ``models`` is empty when it lists none.

    ``refusal`` is set for 401, 403 and a missing route. ``info_model`` is the model's name by ``/info``, "" without that route.
    ``context_tokens`` has the context length of each model, if the list reports it. ``tls_fault``: why its TLS cannot work.
    ``is_unready``: it answered only that it cannot serve now, as in ``detail``: it may be loading its model, or a gateway has no server.
    """

    reached: bool
    models: tuple[str, ...] = ()
    refusal: FailureKind | None = None
    detail: str = ""
    info_model: str = ""
    context_tokens: tuple[tuple[str, int], ...] = ()
    tls_fault: str | None = None
    is_unready: bool = False


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response without our secrets."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def shown(self) -> str:
        said = printable(excerpt_of(self.body).strip()[:300])
        return f"status {self.status}: {said}"


def probe_endpoint(endpoint: EndpointSpec, patience_s: float) -> ProbeResult:
    """Costs no tokens. Tries for ``patience_s`` seconds to get any response.

    We POST an invalid body to an Azure endpoint: if it accepts the credential it answers 400 and generates nothing. Then we ask for ``/info``;
    a missing ``/info`` is not an error. Other endpoints are asked for their models, and get the invalid body if they list none.
    Raises CredentialMissing when the credential is not where it should be, CredentialPending when its source does not answer, UnusableProxy.
    """
    opening = credential_headers(endpoint, patience_s)
    return run_to_end(_Probe(endpoint, opening, patience_s).result())


def find_route(endpoint: EndpointSpec, other: str, patience_s: float) -> str:
    """The address of chat completions: the endpoint's, or ``other`` if only that accepts POST. Costs no tokens; raises as the probe does."""
    return run_to_end(_Probe(endpoint, credential_headers(endpoint, patience_s), patience_s).route(other))


def ask_once(
    endpoint: EndpointSpec, sampling: SamplingSpec, messages: Sequence[ChatMessage], timeout_s: float, stream: StreamSpec
) -> AttemptResult:
    """One real, paid request; again without a field that the endpoint refuses, as a run would.

    ``timeout_s`` applies to an unstreamed answer; a streamed one may take longer while tokens come.
    """
    return run_to_end(_ask_once(endpoint, sampling, messages, timeout_s, streaming_of(stream, endpoint, sampling)))


async def _ask_once(
    endpoint: EndpointSpec, sampling: SamplingSpec, messages: Sequence[ChatMessage], timeout_s: float, streaming: Streaming
) -> AttemptResult:
    body = PayloadTemplate(endpoint, sampling).body(messages)
    adaptation = Adaptation(KINDS[endpoint.kind])
    client = TeacherClient(endpoint, 1)
    try:
        while True:
            ask = streaming.ask
            version = adaptation.version
            sending = client.send(adaptation.applied(body), 0, 1, ask)
            try:
                result = await (sending if ask is not None else asyncio.wait_for(sending, timeout_s))
            except asyncio.TimeoutError:
                late = RequestFailure(FailureKind.TIMED_OUT, f"no whole answer within {timeout_s:g} s")
                return AttemptResult(1000.0 * timeout_s, failure=late)
            failure = result.failure
            if failure is None or not (streaming.learn(failure, ask) or adaptation.learn(failure, version)):
                return result
    finally:
        await client.close()


class _Probe:
    """The requests to one endpoint, with a common deadline and headers."""

    def __init__(self, endpoint: EndpointSpec, opening: dict[str, str], patience_s: float) -> None:
        self._endpoint = endpoint
        self._address = address_of(endpoint)
        self._headers = {"User-Agent": USER_AGENT, **added_headers(endpoint), **opening}
        self._proxy = proxy_for(endpoint.chat_url)
        self._way = f", {way}" if (way := failed_by_way_of(endpoint.chat_url)) else ""
        self._redactor = Redactor([*secrets_of(endpoint), *opening.values()])
        self._deadline_s = time.monotonic() + patience_s

    async def result(self) -> ProbeResult:
        """All responses together."""
        async with self._session() as session:
            try:
                found = await (self._of_listing(session) if KINDS[self._endpoint.kind].is_asked_by_listing else self._of_azure(session))
                return found if found.refusal is None and not found.is_unready else replace(found, detail=found.detail + self._way)
            except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
                text = self._redactor.text(str(error)) or "no response in time"
                detail = printable(f"{type(error).__name__}: {text}") + self._way
                return ProbeResult(False, detail=detail, tls_fault=tls_fault(error))

    async def route(self, other: str) -> str:
        """The endpoint's address of chat completions, or ``other`` if only that accepts POST."""
        async with self._session() as session:
            try:
                if (await self._patiently(session, "POST", self._address)).status in (404, 405):
                    answer = await self._patiently(session, "POST", address_of(replace(self._endpoint, chat_url=other)))
                    if answer.status < 300 or (400 <= answer.status < 500 and answer.status not in (404, 405)):
                        return other
            except (aiohttp.ClientError, OSError, asyncio.TimeoutError):
                pass  # result() reports whether anything answers
        return self._endpoint.chat_url

    def _session(self) -> aiohttp.ClientSession:
        bundle = self._endpoint.ca_bundle
        tls: ssl.SSLContext | bool = True if bundle is None else ssl.create_default_context(cafile=bundle)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls),
            headers=self._headers,
            max_line_size=LONGEST_HEADER_BYTES,
            max_field_size=LONGEST_HEADER_BYTES,
            max_headers=MOST_HEADERS,
        )

    async def _of_listing(self, session: aiohttp.ClientSession) -> ProbeResult:
        listing = await self._patiently(session, "GET", KINDS[self._endpoint.kind].models_url(self._address))
        listed = _models(listing)
        if listed.models or listed.refusal is not None or listed.tls_fault is not None:
            return listed
        posted = await self._patiently(session, "POST", self._address)
        checked = _credential_check(posted)
        if checked.refusal is not None or checked.tls_fault is not None or checked.is_unready:
            return checked
        if listing.status >= 500 and posted.status >= 500:  # one 500 alone: some servers have no list, others fail at a body without JSON
            return ProbeResult(True, detail=posted.shown, is_unready=True)
        return listed

    async def _of_azure(self, session: aiohttp.ClientSession) -> ProbeResult:
        kind = KINDS[self._endpoint.kind]
        result = _credential_check(await self._patiently(session, "POST", self._address))
        if result.refusal is None and kind.offers_info:
            result = await self._with_info(session, result)
        if result.refusal is None and kind.lists_models and self._endpoint.model is None:
            listed = _models(await self._patiently(session, "GET", kind.models_url(self._address)))
            result = replace(result, models=listed.models, context_tokens=listed.context_tokens)
        return result

    async def _patiently(self, session: aiohttp.ClientSession, method: str, url: str) -> _Answer:
        while True:
            left_s = max(0.1, min(ATTEMPT_S, self._deadline_s - time.monotonic()))
            try:
                return await self._ask(session, method, url, left_s)
            except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
                if time.monotonic() + PAUSE_S >= self._deadline_s or tls_fault(error) is not None:
                    raise
            await asyncio.sleep(PAUSE_S)

    async def _ask(self, session: aiohttp.ClientSession, method: str, url: str, timeout_s: float) -> _Answer:
        body = NO_REQUEST if method == "POST" else None
        async with session.request(
            method,
            url,
            data=body,
            headers={"Content-Type": "application/json"} if body is not None else None,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            proxy=self._proxy,
            allow_redirects=False,
        ) as response:
            received = bytearray()
            async for piece in response.content.iter_any():
                received += piece
                if len(received) > LONGEST_LIST_BYTES:
                    response.close()
                    break
            return _Answer(response.status, response.headers, self._redactor.body(bytes(received)))

    async def _with_info(self, session: aiohttp.ClientSession, result: ProbeResult) -> ProbeResult:
        parts = urlsplit(self._address)
        url = f"{parts.scheme}://{parts.netloc}/info?api-version={INFERENCE_API_VERSION}"
        try:
            answer = await self._ask(session, "GET", url, max(0.5, min(ATTEMPT_S, self._deadline_s - time.monotonic())))
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError):
            return result
        if answer.status in (401, 403):
            kind = FailureKind.UNAUTHORIZED if answer.status == 401 else FailureKind.FORBIDDEN
            return replace(result, refusal=kind, detail=f"/info: {answer.shown}")
        if answer.status != 200:
            return result
        name = _fields(answer.body).get("model_name")
        return replace(result, info_model=name if isinstance(name, str) and name.isprintable() else "")


def _credential_check(answer: _Answer) -> ProbeResult:
    """The result of an invalid request: a refusal by the endpoint is a refusal; 400 and similar mean that the credential is accepted."""
    kind = classify(answer.status, answer.headers, answer.body).kind
    if 200 <= answer.status < 300:  # some mock servers accept anything
        return ProbeResult(True, detail="lets us in")
    if kind is FailureKind.NO_TRUST:
        return ProbeResult(True, detail=answer.shown, tls_fault=tls_fault_in(None, answer.body))
    if kind in ENDPOINT_REFUSES:
        return ProbeResult(True, refusal=kind, detail=answer.shown)
    if kind in (FailureKind.UNAVAILABLE, FailureKind.TIMED_OUT):
        return ProbeResult(True, detail=answer.shown, is_unready=True)
    return ProbeResult(True, detail="lets us in")


def _models(answer: _Answer) -> ProbeResult:
    if answer.status != 200:
        # LiteLLM without a database refuses an unknown key with status 400 for every request
        kind = classify(answer.status, answer.headers, answer.body).kind
        if kind in (FailureKind.UNAUTHORIZED, FailureKind.FORBIDDEN):
            return ProbeResult(True, refusal=kind, detail=answer.shown)
        if kind is FailureKind.NO_TRUST:
            return ProbeResult(True, detail=answer.shown, tls_fault=tls_fault_in(None, answer.body))
        return ProbeResult(True, detail=f"no list of models ({answer.shown})")
    items = _listed(answer.body)
    if not items:
        return ProbeResult(True, detail=f"no list of models (a response of another shape: {answer.shown})")
    lengths = ((name, _context_tokens(item)) for name, item in items)
    return ProbeResult(
        True,
        models=tuple(name for name, _ in items),
        context_tokens=tuple((name, length) for name, length in lengths if length is not None),
    )


def _listed(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The models of a list by name: OpenAI's, Together's without an object around it, Ollama's under ``models``, or only names.

    Names with half a character or control characters are ignored: no request could name them.
    """
    parsed = _parsed(body)
    if isinstance(parsed, dict):
        parsed = parsed["data"] if isinstance(parsed.get("data"), list) else parsed.get("models")
    if not isinstance(parsed, list):
        return []
    items = [{"id": item} if isinstance(item, str) else item for item in parsed]
    named = ((item.get("id", item.get("name")), item) for item in items if isinstance(item, dict))
    return [(name, item) for name, item in named if isinstance(name, str) and name.isprintable()]


def _context_tokens(item: dict[str, Any]) -> int | None:
    """The context length of a listed model, under any server's name for it."""
    meta = item.get("meta")
    for fields in (item, meta if isinstance(meta, dict) else {}):
        for name in CONTEXT_LENGTH_NAMES:
            length = fields.get(name)
            if isinstance(length, int) and not isinstance(length, bool) and length > 0:
                return length
    return None


def _fields(body: bytes) -> dict[str, Any]:
    fields = _parsed(body)
    return fields if isinstance(fields, dict) else {}


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
