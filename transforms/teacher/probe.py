"""Asking an endpoint what it serves, before anything is paid for."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass

import aiohttp

from transforms.elements.failures import FailureKind
from transforms.teacher.address import models_url
from transforms.teacher.credentials import credential_headers
from transforms.teacher.specs import EndpointSpec

ATTEMPT_S = 10.0
PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the endpoint said. ``reached`` is false when no response came; ``models`` is empty when it lists none.

    ``refusal`` is set for 401 and 403: the credential does not open this endpoint.
    """

    reached: bool
    models: tuple[str, ...] = ()
    refusal: FailureKind | None = None
    detail: str = ""


def probe_endpoint(endpoint: EndpointSpec, patience_s: float) -> ProbeResult:
    """GET the list of models; costs no tokens. Tries for ``patience_s`` seconds to get any response.

    Raises CredentialMissing when the credential is not where it should be.
    """
    return asyncio.run(_probe(endpoint, patience_s))


async def _probe(endpoint: EndpointSpec, patience_s: float) -> ProbeResult:
    deadline = time.monotonic() + patience_s
    headers = {**dict(endpoint.headers), **credential_headers(endpoint.credential)}
    tls: ssl.SSLContext | bool = True
    if endpoint.ca_bundle is not None:
        tls = ssl.create_default_context(cafile=endpoint.ca_bundle)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls), trust_env=True) as session:
        while True:
            left_s = max(0.1, min(ATTEMPT_S, deadline - time.monotonic()))
            try:
                async with session.get(
                    models_url(endpoint.chat_url),
                    headers=headers,
                    timeout=aiohttp.ClientTimeout(total=left_s),
                    allow_redirects=False,
                ) as response:
                    return await _read(response)
            except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
                if time.monotonic() + PAUSE_S >= deadline:
                    text = str(error) or "no response in time"
                    return ProbeResult(False, detail=f"{type(error).__name__}: {text}")
            await asyncio.sleep(PAUSE_S)


async def _read(response: aiohttp.ClientResponse) -> ProbeResult:
    if response.status in (401, 403):
        kind = FailureKind.UNAUTHORIZED if response.status == 401 else FailureKind.FORBIDDEN
        said = (await response.text(errors="replace")).strip()[:300]
        return ProbeResult(True, refusal=kind, detail=f"status {response.status}: {said}")
    if response.status != 200:
        return ProbeResult(True, detail=f"no list of models (status {response.status})")
    try:
        fields = await response.json(content_type=None)
        names = tuple(str(item["id"]) for item in fields["data"])
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        return ProbeResult(True, detail="no list of models (the response is of another shape)")
    return ProbeResult(True, models=names)
