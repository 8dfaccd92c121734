"""One attempt over HTTP: a body in, an answer or a failure out, never an exception."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from typing import NamedTuple

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.elements.replies import TeacherReply
from transforms.teacher.body_values import with_fields
from transforms.teacher.classify import classify, classify_inside
from transforms.teacher.credentials import CredentialMissing, CredentialPending, added_headers, address_of, body_values, open_access, secrets_of
from transforms.teacher.descriptors import are_exhausted
from transforms.teacher.excerpt import excerpt_of
from transforms.teacher.kinds.registry import KINDS
from transforms.teacher.offline_backends import offline_backend
from transforms.teacher.response import BrokenBody, BrokenOff, ErrorInside, read_reply
from transforms.teacher.server_hints import RateBudget, read_budget
from transforms.teacher.specs import EndpointSpec
from transforms.teacher.stream_assembly import KEPT_OF_NO_ANSWER_BYTES, AnswerTooLong, StreamAssembly
from transforms.teacher.stream_receiving import ShortestAnswer, SilentStream, TokenTimes, receive_stream
from transforms.teacher.stream_spec import StreamAsk
from transforms.teacher.tls_faults import tls_fault
from transforms.teacher.tls_responses import tls_fault_in
from transforms.web.proxies import failed_by_way_of, proxy_for
from transforms.web.redaction import Redactor, printable

LONGEST_ANSWER_BYTES = 6 * 1024 * 1024  # a teacher's answer is a few KB; an endless stream must not fill the memory
LONGEST_WITH_LOGPROBS_BYTES = 64 * 1024 * 1024  # 20 likely tokens take some 2 KB for each token
LONGEST_ERROR_BYTES = 1024 * 1024
LONGEST_HEADER_BYTES = 64 * 1024  # cookies and policies of a gateway; more than that is not an answer
MOST_HEADERS = 1_000
CONNECT_TIMEOUT_S = 10.0
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S)
CLIENT_REQUEST_ID = "x-ms-client-request-id"
RESPONSE_ID_HEADERS = ("x-request-id", "apim-request-id", "x-ms-request-id", "request-id", "x-amzn-requestid", "x-generation-id", "cf-ray")
LONGEST_LOCATION = 200
LONGEST_RESPONSE_ID = 200
OF_PROXIES = frozenset({403, 407, 502, 503, 504})
"""Statuses that a proxy may return itself."""
ANSWERED = frozenset({200, 201, 203})
"""Statuses of an answer; some gateway frameworks return 201 for every POST."""


class AttemptResult(NamedTuple):
    """The result of one attempt: a reply, or a failure. ``latency_ms`` is from sending to the last byte.

    ``body`` is the body of every response with a success status, readable or not: it was paid for. It is unchanged; for a stream it is
    the response assembled from the chunks. ``response_id`` is the response's id in the server's logs.
    ``was_stream``: the response came token by token.
    """

    latency_ms: float
    reply: TeacherReply | None = None
    body: bytes = b""
    failure: RequestFailure | None = None
    request_budget: RateBudget | None = None
    token_budget: RateBudget | None = None
    response_id: str | None = None
    was_stream: bool = False


class TeacherClient:
    """A connection pool to one endpoint. Create, use and close it inside the running loop.

    ``most_connections`` must be at least the concurrency limit: waiting for a socket would count in the attempt's time.
    Raises CredentialMissing and UnusableProxy.
    """

    def __init__(self, endpoint: EndpointSpec, most_connections: int) -> None:
        self._address = URL(address_of(endpoint))
        self._proxy = proxy_for(endpoint.chat_url)
        self._way = failed_by_way_of(endpoint.chat_url)
        self._redactor = Redactor(secrets_of(endpoint))
        self._access = open_access(endpoint)
        self._opening: dict[str, str] | None = None
        self._added_headers = added_headers(endpoint)
        self._body_values = body_values(endpoint)
        self._kind = KINDS[endpoint.kind]
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._shortest = ShortestAnswer()
        self._ids = random.Random()  # uuid4 asks the kernel each time
        tls: ssl.SSLContext | bool = True
        if endpoint.ca_bundle is not None:
            tls = ssl.create_default_context(cafile=endpoint.ca_bundle)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=most_connections, ssl=tls, keepalive_timeout=30),
            timeout=TIMEOUT,
            auto_decompress=True,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=LONGEST_HEADER_BYTES,
            max_field_size=LONGEST_HEADER_BYTES,
            max_headers=MOST_HEADERS,
        )

    def refresh_credential(self) -> bool:
        """The endpoint refused the credential: later requests use a new one. Does not wait.

        False when there is no credential that could have changed, or it cannot be found.
        """
        return self._access.refused()

    async def send(self, body: bytes, turn: int, attempts: int, ask: StreamAsk | None = None) -> AttemptResult:
        """POST ``body`` once and read the whole answer. There is no timeout here; the caller enforces it.

        With ``ask`` the answer is requested as a stream, and the attempt fails when the stream is silent for too long.
        """
        started = time.perf_counter()
        try:
            opening = self._access.cached_headers()
            if opening is None:
                opening = await self._access.headers()
                started = time.perf_counter()
        except CredentialMissing as error:
            return AttemptResult(0.0, failure=RequestFailure(FailureKind.NO_CREDENTIAL, str(error)))
        except CredentialPending as error:
            detail = f"no credential yet: {error}"
            return AttemptResult(0.0, failure=RequestFailure(FailureKind.UNAVAILABLE, detail, retry_after_s=error.retry_after_s))
        if opening is not self._opening:
            self._opening = opening
            self._headers = _headers(self._added_headers, opening)
            self._redactor.learn(opening.values())
        headers = self._headers.copy()
        headers.setdefault(CLIENT_REQUEST_ID, _uuid(self._ids.getrandbits(128)))
        timeout = TIMEOUT
        if self._body_values:
            body = with_fields(body, self._body_values, self._kind)
        if ask is not None:
            body = ask.applied(body)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=ask.first_token_s)
        try:
            async with self._session.post(
                self._address, data=body, headers=headers, proxy=self._proxy, allow_redirects=False, timeout=timeout
            ) as response:
                result = await _read(response, _Asked(body, turn, attempts, started, ask, self._shortest), self._redactor)
                return result._replace(failure=self._with_way(result.failure)) if self._way and result.failure is not None else result
        except Exception as error:  # noqa: BLE001 - whatever the HTTP library raises fails only this attempt
            failure = _no_response(error, started)
            failure = replace(failure, detail=printable(self._redactor.text(failure.detail)))
            return AttemptResult(_ms_since(started), failure=self._with_way(failure))

    def _with_way(self, failure: RequestFailure) -> RequestFailure:
        """The failure with a note about the proxy, if it may be the proxy's own."""
        may_be_its_own = failure.status is None or failure.status in OF_PROXIES or failure.kind is FailureKind.BROKEN_BODY
        return replace(failure, detail=f"{failure.detail}, {self._way}") if self._way and may_be_its_own else failure

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()


def _user_agent() -> str:
    try:
        return f"beam-distill/{metadata.version('beam-distill')}"
    except metadata.PackageNotFoundError:
        return "beam-distill"


USER_AGENT = _user_agent()


def _headers(*groups: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers of every request; a later group's header replaces an earlier one's."""
    headers: CIMultiDict[str] = CIMultiDict({"Content-Type": "application/json", "User-Agent": USER_AGENT})
    for group in groups:
        for name, value in group.items():
            headers[name] = value
    return headers


def _uuid(bits: int) -> str:
    """128 random bits as a UUID of version 4 (RFC 9562); four times as fast as ``uuid.UUID``."""
    digits = f"{bits & ~(0xF << 76 | 3 << 62) | 4 << 76 | 2 << 62:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class _Asked(NamedTuple):
    """The request of a response; ``started`` by ``perf_counter``."""

    body: bytes
    turn: int
    attempts: int
    started: float
    ask: StreamAsk | None
    shortest: ShortestAnswer


async def _read(response: aiohttp.ClientResponse, asked: _Asked, redactor: Redactor) -> AttemptResult:
    """The result of a response whose headers have arrived. It contains none of our secrets."""
    good = response.status in ANSWERED
    received = await (_receive_stream(response, asked) if good and asked.ask is not None else _receive(response, asked if good else None))
    latency_ms = _ms_since(asked.started)
    # a secret may be split over chunks, so search the assembled response
    body = redactor.body(received.body)
    reply, failure = None, None
    if not good:
        failure = _refused(response, body, asked.body)
    elif received.is_broken_off:
        failure = _broken_off(received)
    else:
        try:
            reply = read_reply(body, asked.turn, asked.attempts, latency_ms)
            if received.first_token_s is not None:
                reply = reply._replace(first_token_ms=1000.0 * (received.first_token_s - asked.started))
        except BrokenBody as error:
            failure = _unread(error, response, asked.body) if received.fault is None else _no_response(received.fault, asked.started)
    if failure is not None and good:
        failure = replace(failure, status=response.status)
    response_id = _response_id(response.headers, redactor)
    return AttemptResult(
        latency_ms,
        reply,
        body if good else b"",
        failure
        and replace(failure, detail=printable(redactor.text(failure.detail)), excerpt=printable(excerpt_of(body)), response_id=response_id),
        read_budget(response.headers, "requests", time.time()),
        read_budget(response.headers, "tokens", time.time()),
        response_id,
        received.was_stream,
    )


class _Received(NamedTuple):
    """The received part of a body before ``fault``; ``first_token_s`` by ``perf_counter``."""

    body: bytes
    fault: Exception | None = None
    was_stream: bool = False
    is_broken_off: bool = False
    says_done: bool = False
    first_token_s: float | None = None


def _most_bytes(asked: _Asked) -> int:
    """The size limit of an answer. In the texts of a request the quotes of these words are escaped."""
    return LONGEST_WITH_LOGPROBS_BYTES if b'"logprobs":true' in asked.body else LONGEST_ANSWER_BYTES


async def _receive(response: aiohttp.ClientResponse, asked: _Asked | None) -> _Received:
    """Everything up to the size limit, unpacked in pieces. An unrequested stream is also assembled. ``asked`` is None for a bad status."""
    good = asked is not None
    most_bytes = LONGEST_ERROR_BYTES if asked is None else _most_bytes(asked)
    received = bytearray()
    fault: Exception | None = None
    try:
        if good and (response.content_length or 0) > most_bytes:
            raise AnswerTooLong(f"the answer announces {response.content_length} bytes, more than the {most_bytes} that any answer may have")
        async for piece in response.content.iter_any():
            received += piece
            if len(received) > most_bytes:
                del received[KEPT_OF_NO_ANSWER_BYTES:]  # enough to recognise it: it is unusable, and every row may bring one
                raise AnswerTooLong(f"the answer is longer than the {most_bytes} bytes that any answer may have")
    except Exception as error:  # noqa: BLE001 - the part before may be a complete answer, and an error's status is enough
        response.close()
        fault = error
    body = bytes(received)
    if not good or body[:1] == b"{":
        return _Received(body, fault)
    assembly = StreamAssembly(most_bytes)
    assembly.feed(body)
    assembly.finish()
    return _Received(assembly.body(), fault, assembly.is_stream, assembly.is_broken_off, assembly.done)


async def _receive_stream(response: aiohttp.ClientResponse, asked: _Asked) -> _Received:
    """The same for a requested stream; a server that does not stream answers in one piece."""
    assert asked.ask is not None
    assembly = StreamAssembly(_most_bytes(asked))
    tokens = TokenTimes(asked.started)
    fault: Exception | None = None
    try:
        await receive_stream(response, assembly, asked.ask, tokens, asked.shortest)
    except Exception as error:  # noqa: BLE001 - as above
        response.close()
        fault = error
    assembly.finish()
    if assembly.texts and tokens.first_s is None:
        tokens.first_s = time.perf_counter()  # the only event had no end mark
    return _Received(assembly.body(), fault, assembly.is_stream, assembly.is_broken_off, assembly.done, tokens.first_s)


def _refused(response: aiohttp.ClientResponse, body: bytes, request: bytes) -> RequestFailure:
    failure = classify(response.status, response.headers, body, request, time.time())
    # a redirect's target is the right address; its query may contain our secrets
    location = response.headers.get("Location", "").partition("?")[0][:LONGEST_LOCATION] if 300 <= response.status < 400 else ""
    detail = f"status {response.status}, a redirect to {location}" if location else f"status {response.status}"
    offline = offline_backend(response.status, response.headers, body) if failure.kind is FailureKind.UNAVAILABLE else None
    if offline is not None:
        detail = f"status {response.status}, from {offline}: the server behind it is offline"
    return RequestFailure(
        failure.kind,
        f"{tls_fault_in(None, body, request)} ({detail})" if failure.kind is FailureKind.NO_TRUST else detail,
        status=response.status,
        retry_after_s=failure.wait_s,
        parameters=failure.parameters,
    )


def _broken_off(received: _Received) -> RequestFailure:
    """A stream without an end; the received part was paid for."""
    fault = received.fault
    if isinstance(fault, (SilentStream, AnswerTooLong)):
        return _no_response(fault, 0.0)
    if received.says_done:
        missing = "there is no finish_reason for a complete answer; with stream: off it comes in one piece"
        return RequestFailure(FailureKind.BROKEN_BODY, f"the stream says [DONE], but {missing}")
    why = "the server ended it" if fault is None else _plain(fault)
    return RequestFailure(FailureKind.BROKEN_OFF, f"the stream broke off in the middle of the answer, without a finish_reason ({why})")


def _unread(error: BrokenBody, response: aiohttp.ClientResponse, request: bytes) -> RequestFailure:
    """A response with a success status that is not an answer."""
    if isinstance(error, BrokenOff):
        return RequestFailure(FailureKind.BROKEN_OFF, str(error))
    if not isinstance(error, ErrorInside):
        return RequestFailure(FailureKind.BROKEN_BODY, str(error))
    failure, status = classify_inside(error.reported, request, error.otherwise, response.headers, time.time())
    what = str(error) if status is None else f"an error of status {status} inside"
    detail = f"status {response.status}, but {what}"
    return RequestFailure(failure.kind, detail, retry_after_s=failure.wait_s, parameters=failure.parameters)


def _no_response(error: Exception, started: float) -> RequestFailure:
    """The meaning of an exception of the HTTP library."""
    if isinstance(error, AnswerTooLong):
        return RequestFailure(FailureKind.TOO_LARGE, str(error))
    if are_exhausted(error):
        return RequestFailure(FailureKind.CANNOT_CONNECT, "this process may open no more files (ulimit -n)", is_ours=True)
    if isinstance(error, aiohttp.InvalidURL):
        return RequestFailure(FailureKind.NOT_FOUND, f"the address cannot be used: {_plain(error)}")
    fault = tls_fault(error)
    if fault is not None:
        return RequestFailure(FailureKind.NO_TRUST, f"{fault} ({_plain(error)})")
    if isinstance(error, (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)):
        # nothing was sent, so nothing was paid for: this kind may be retried often
        return RequestFailure(FailureKind.CANNOT_CONNECT, _plain(error))
    if isinstance(error, SilentStream):
        return RequestFailure(FailureKind.TIMED_OUT, str(error))
    if isinstance(error, asyncio.TimeoutError):
        return RequestFailure(FailureKind.TIMED_OUT, f"no whole answer within {time.perf_counter() - started:.1f} s")
    return RequestFailure(FailureKind.CONNECTION_LOST, _plain(error))


def _response_id(headers: Mapping[str, str], redactor: Redactor) -> str | None:
    for name in RESPONSE_ID_HEADERS:
        value = headers.get(name)
        if value:
            return printable(redactor.text(value[:LONGEST_RESPONSE_ID]))
    return None


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000.0


def _plain(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
