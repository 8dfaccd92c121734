"""The source of tokens in an Azure ML job that runs as the user who submitted it (``identity: user_identity``).

azure-identity does not support it. ``GET $OBO_ENDPOINT?resource=R``, no secret header; the answer has ``access_token`` or ``token`` and its
expiry as ``expires_on`` (epoch), ``expires_in`` (seconds) or ``expiresOn`` (ISO 8601).
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from types import TracebackType
from typing import Any

import aiohttp
from azure.core.credentials import AccessToken

from transforms.azure.moments import epoch_s_of
from transforms.azure.problems import AzureProblem

OBO_VARIABLE = "OBO_ENDPOINT"


class OnBehalfOfCredential:
    """An async credential; use it as a context manager. ``get_token`` raises AzureProblem."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def __aenter__(self) -> OnBehalfOfCredential:
        self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    async def get_token(self, scope: str) -> AccessToken:
        """A token for ``scope`` on behalf of the job's user."""
        address = os.environ.get(OBO_VARIABLE)
        if not address:
            raise AzureProblem(f"{OBO_VARIABLE} is not set: this is not an Azure ML job with identity user_identity", passing=False)
        try:
            async with self._session.get(address, params={"resource": scope.removesuffix("/.default")}) as response:
                text = await response.text(errors="replace")
                status, reported = response.status, response.headers.get("Retry-After")
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            raise AzureProblem(f"{OBO_VARIABLE} does not answer: {error or type(error).__name__}", passing=True) from None
        if status != 200:
            passing = status in (408, 410, 429) or status >= 500
            wait_s = float(reported) if reported is not None and reported.isdigit() else None
            raise AzureProblem(f"{OBO_VARIABLE} answered {status}: {text.strip()[:200]}", passing=passing, status=status, retry_after_s=wait_s)
        return _read_token(text)


def _read_token(text: str) -> AccessToken:
    try:
        fields: dict[str, Any] = json.loads(text)
        return AccessToken(fields.get("access_token") or fields["token"], _end_epoch_s(fields))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # the text may contain the token: only the error's type is shown
        raise AzureProblem(f"{OBO_VARIABLE} answered with no token that can be read ({type(error).__name__})", passing=False) from None


def _end_epoch_s(fields: dict[str, Any]) -> int:
    if fields.get("expires_on"):
        return int(fields["expires_on"])
    if fields.get("expires_in"):
        return int(time.time()) + int(fields["expires_in"])
    return int(epoch_s_of(fields["expiresOn"]))
