"""One attempt over HTTP: a body in, an answer or a failure out, never an exception."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from dataclasses import dataclass

import aiohttp

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.elements.replies import TeacherReply
from transforms.teacher.classify import classify
from transforms.teacher.credentials import CredentialMissing, credential_headers
from transforms.teacher.response import BrokenBody, read_reply
from transforms.teacher.server_hints import Budget, read_budget, retry_after_s
from transforms.teacher.specs import EndpointSpec

EXCERPT_BYTES = 600
LONGEST_BODY_BYTES = 64 * 1024 * 1024  # a teacher's answer is a few KB; a stream without end must not fill the memory
CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What one attempt gave: a reply with its raw body, or a failure. ``latency_ms`` is send to last byte."""

    latency_ms: float
    reply: TeacherReply | None = None
    body: bytes = b""
    failure: RequestFailure | None = None
    request_budget: Budget | None = None
    token_budget: Budget | None = None


class TeacherClient:
    """A connection pool to one endpoint. Create, use and close it inside the running loop.

    ``most_connections`` must be at least the concurrency limit: waiting for a socket would count into the attempt's time.
    """

    def __init__(self, endpoint: EndpointSpec, most_connections: int) -> None:
        self._endpoint = endpoint
        self._headers = self._build_headers()
        tls: ssl.SSLContext | bool = True
        if endpoint.ca_bundle is not None:
            tls = ssl.create_default_context(cafile=endpoint.ca_bundle)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=most_connections, ssl=tls, keepalive_timeout=30),
            # read from the environment only where a proxy is set: looking it up costs on every request
            trust_env=any(os.environ.get(name) for name in _PROXY_VARIABLES),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
            auto_decompress=True,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def refresh_credential(self) -> bool:
        """Look the credential up again; False when there is none that could have changed or it cannot be found."""
        try:
            headers = self._build_headers()
        except CredentialMissing:
            return False
        self._headers = headers
        return True

    async def send(self, body: bytes, turn: int, attempts: int) -> AttemptResult:
        """POST ``body`` once and read the whole answer, however long that takes: who calls it keeps the time."""
        started = time.perf_counter()
        received = b""
        try:
            async with self._session.post(
                self._endpoint.chat_url,
                data=body,
                headers=self._headers,
                allow_redirects=False,
            ) as response:
                if response.content_length is not None and response.content_length > LONGEST_BODY_BYTES:
                    raise BrokenBody(f"the body announces {response.content_length} bytes")
                received = await response.read()
                latency_ms = (time.perf_counter() - started) * 1000.0
                if response.status == 200:
                    reply = read_reply(received, turn, attempts, latency_ms)
                    return AttemptResult(
                        latency_ms,
                        reply=reply,
                        body=received,
                        request_budget=read_budget(response.headers, "requests"),
                        token_budget=read_budget(response.headers, "tokens"),
                    )
                kind = classify(response.status, response.headers, received)
                return AttemptResult(
                    latency_ms,
                    failure=RequestFailure(
                        kind=kind,
                        detail=f"status {response.status}",
                        status=response.status,
                        excerpt=_excerpt(received),
                        retry_after_s=retry_after_s(response.headers, time.time()),
                    ),
                    request_budget=read_budget(response.headers, "requests"),
                    token_budget=read_budget(response.headers, "tokens"),
                )
        except BrokenBody as error:
            failure = RequestFailure(FailureKind.BROKEN_BODY, str(error), status=200, excerpt=_excerpt(received))
        except (asyncio.TimeoutError, aiohttp.ServerTimeoutError):
            waited = time.perf_counter() - started
            failure = RequestFailure(FailureKind.TIMED_OUT, f"no whole answer within {waited:.1f} s")
        except aiohttp.ClientConnectorError as error:
            failure = RequestFailure(FailureKind.CANNOT_CONNECT, _plain(error))
        except (aiohttp.InvalidURL, ValueError) as error:
            failure = RequestFailure(FailureKind.NOT_FOUND, f"the address cannot be used: {_plain(error)}")
        except (aiohttp.ClientError, OSError) as error:
            failure = RequestFailure(FailureKind.CONNECTION_LOST, _plain(error))
        return AttemptResult((time.perf_counter() - started) * 1000.0, failure=failure)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    def _build_headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            **dict(self._endpoint.headers),
            **credential_headers(self._endpoint.credential),
        }


_PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def _excerpt(body: bytes) -> str:
    return body[:EXCERPT_BYTES].decode("utf-8", "replace")


def _plain(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
