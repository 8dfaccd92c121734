"""One attempt over HTTP: a body in, an answer or a failure out, never an exception."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from typing import NamedTuple

import aiohttp

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.elements.replies import TeacherReply
from transforms.teacher.classify import classify
from transforms.teacher.credentials import CredentialMissing, CredentialPending, added_headers, open_access
from transforms.teacher.response import BrokenBody, ErrorInside, read_reply
from transforms.teacher.server_hints import Budget, read_budget, retry_after_s
from transforms.teacher.specs import EndpointSpec

EXCERPT_BYTES = 600
LONGEST_BODY_BYTES = 64 * 1024 * 1024  # a teacher's answer is a few KB; a stream without end must not fill the memory
CONNECT_TIMEOUT_S = 10.0


class AttemptResult(NamedTuple):
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
        self._access = open_access(endpoint)
        self._opening: dict[str, str] | None = None
        self._added_headers = added_headers(endpoint)
        self._headers: dict[str, str] = {}
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
        """The endpoint refused the credential: whatever is sent from now on goes with a new one. Waits for nothing.

        False when there is none that could have changed or it cannot be found.
        """
        return self._access.refused()

    async def send(self, body: bytes, turn: int, attempts: int) -> AttemptResult:
        """POST ``body`` once and read the whole answer, however long that takes: who calls it keeps the time."""
        started = time.perf_counter()
        received = b""
        try:
            opening = self._access.at_hand()
            if opening is None:
                opening = await self._access.headers()
                started = time.perf_counter()
            if opening is not self._opening:
                self._opening = opening
                self._headers = {"Content-Type": "application/json", **self._added_headers, **opening}
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
        except CredentialMissing as error:
            failure = RequestFailure(FailureKind.NO_CREDENTIAL, str(error))
        except CredentialPending as error:
            failure = RequestFailure(FailureKind.UNAVAILABLE, f"no credential yet: {error}", retry_after_s=error.retry_after_s)
        except ErrorInside as error:
            kind = FailureKind.BROKEN_BODY if error.status is None else classify(error.status, {}, error.error_body)
            detail = str(error) if error.status is None else f"status 200 with a status {error.status} inside"
            failure = RequestFailure(kind, detail, status=200, excerpt=_excerpt(received))
        except BrokenBody as error:
            failure = RequestFailure(FailureKind.BROKEN_BODY, str(error), status=200, excerpt=_excerpt(received))
        except aiohttp.ConnectionTimeoutError as error:
            # nothing was sent, so nothing was paid for: not the kind that is tried only a few times
            failure = RequestFailure(FailureKind.CANNOT_CONNECT, _plain(error))
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


_PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def _excerpt(body: bytes) -> str:
    return body[:EXCERPT_BYTES].decode("utf-8", "replace")


def _plain(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
