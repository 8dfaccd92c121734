"""Calls to Azure's resource manager about one workspace."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from transforms.azure.own_loop import run_to_end
from transforms.azure.problems import AzureProblem
from transforms.azure.specs import IdentityRef, WorkspaceRef
from transforms.azure.tokens import kept_token
from transforms.web.proxies import proxy_for

API_VERSION = "2024-10-01"  # generally available for connections, serverless and online endpoints
ATTEMPT_S = 30.0
MOST_ATTEMPTS = 4
LONGEST_WAIT_S = 20.0
_PASSING_STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504})


class ResourceManager:
    """Blocking calls for one workspace as one identity; not for an event loop's thread."""

    def __init__(self, workspace: WorkspaceRef, identity: IdentityRef) -> None:
        self.workspace = workspace
        self._identity = identity
        self._token = kept_token(identity, workspace.arm_scope)

    def get(self, path: str) -> dict[str, Any]:
        """GET ``path`` below the workspace, or a full address from an answer (``nextLink``). Raises AzureProblem."""
        return self._call("GET", path, "read")

    def post(self, path: str, action: str) -> dict[str, Any]:
        """POST to ``path`` without a body; ``action`` is the required permission. Raises AzureProblem."""
        return self._call("POST", path, action)

    def _call(self, method: str, path: str, action: str) -> dict[str, Any]:
        url = path if "://" in path else f"{self.workspace.arm_url.rstrip('/')}{self.workspace.path}{path}?api-version={API_VERSION}"
        if urlsplit(url).netloc != urlsplit(self.workspace.arm_url).netloc:
            raise AzureProblem(
                f"{self.workspace.arm_url} continues its list at another host, {urlsplit(url).netloc}; no token goes there", passing=False
            )
        renewed = False
        attempt = 0
        while True:
            attempt += 1
            secret = self._token.get_blocking()
            status, headers, body = run_to_end(_request(method, url, secret.value, self._identity.ca_bundle))
            if status == 401 and not renewed:
                renewed = True
                self._token.refused(secret)
                continue
            if status in _PASSING_STATUSES and attempt < MOST_ATTEMPTS:
                time.sleep(min(LONGEST_WAIT_S, max(_wait_s(headers), 0.25 * 2.0**attempt)))
                continue
            return self._read(url, action, status, headers, body)

    def _read(self, url: str, action: str, status: int, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        what = urlsplit(url).path.rpartition("/workspaces/")[2].partition("/")[2] or "workspace"
        if status == 200:
            try:
                fields = json.loads(body)
                if isinstance(fields, dict):
                    return fields
            except ValueError:
                pass
            raise AzureProblem(f"the resource manager answered {what} with something that is not a JSON object", passing=False, status=200)
        code, message = _error_of(body)
        said = f"status {status}" + (f", {code}" if code else "") + (f": {message}" if message else "")
        if status == 403:
            raise AzureProblem(
                f"this identity may not use {what} of {self.workspace} ({said}). It needs the action {action}: {_role_for(action)}",
                passing=False,
                status=403,
            )
        if status == 401:
            raise AzureProblem(
                f"the resource manager refuses the identity's token for {what} ({said}); is it of the right tenant?", passing=False, status=401
            )
        raise AzureProblem(
            f"{what} of {self.workspace}: {said}", passing=status in _PASSING_STATUSES, status=status, retry_after_s=_wait_s(headers) or None
        )


async def _request(method: str, url: str, token: str, ca_bundle: str | None) -> tuple[int, dict[str, str], bytes]:
    tls: ssl.SSLContext | bool = True if ca_bundle is None else ssl.create_default_context(cafile=ca_bundle)
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
            session.request(
                method,
                url,
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
                timeout=aiohttp.ClientTimeout(total=ATTEMPT_S),
                proxy=proxy_for(url),
                allow_redirects=False,
            ) as response,
        ):
            return response.status, {name.lower(): value for name, value in response.headers.items()}, await response.read()
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
        raise AzureProblem(f"{urlsplit(url).netloc} cannot be reached: {error or type(error).__name__}", passing=True) from None


def _wait_s(headers: dict[str, str]) -> float:
    reported = headers.get("retry-after", "")
    return float(reported) if reported.isascii() and reported.isdigit() else 0.0


def _error_of(body: bytes) -> tuple[str, str]:
    try:
        fields = json.loads(body)
    except ValueError:
        return "", body.decode("utf-8", "replace").strip()[:200]
    if not isinstance(fields, dict):
        return "", ""
    error = fields.get("error")
    reported = error if isinstance(error, dict) else fields
    return str(reported.get("code") or reported.get("statusCode") or ""), str(reported.get("message") or "")[:400]


def _role_for(action: str) -> str:
    if "connections" in action:
        return "the role Azure Machine Learning Workspace Connection Secrets Reader has it"
    return "the role AzureML Data Scientist has it"
