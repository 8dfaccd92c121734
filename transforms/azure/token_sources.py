"""Tokens through azure-identity: the machine's source, one request to it, and the meaning of its failures.

A credential object is used for one request only: the library's caches return tokens that are about to expire, lose a valid one when the
source is down, and belong to one event loop. ``KeptSecret`` keeps the token instead.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.identity import CredentialUnavailableError
from azure.identity.aio import (
    AzureCliCredential,
    AzureDeveloperCliCredential,
    AzurePowerShellCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from transforms.azure.kept_secret import Secret
from transforms.azure.on_behalf_of import OnBehalfOfCredential
from transforms.azure.own_loop import run_to_end
from transforms.azure.problems import AzureProblem
from transforms.azure.specs import IdentityRef
from transforms.elements.shared_change import SharedChange

CONNECT_S = 5.0
UNDECLARED_CONNECT_S = 1.0  # for an IMDS that the environment does not name: most laptops have none
READ_S = 20.0
CLIENT_ID_VARIABLES = ("DEFAULT_IDENTITY_CLIENT_ID", "AZURE_CLIENT_ID")
_HOST_VARIABLES = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_POD_IDENTITY_AUTHORITY_HOST")
_PASSING_STATUSES = frozenset({408, 410, 425, 429, 500, 502, 503, 504})
_OUTPUT_LIMIT = 400


@dataclass(frozen=True, slots=True)
class _Source:
    """One source of tokens. ``declared``: the environment names it, so silence means an outage, not a missing source."""

    name: str
    build: Callable[[], Any]
    declared: bool


def _quieten() -> Callable[[], None]:
    loggers = [logging.getLogger(name) for name in ("azure.identity", "azure.core")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)

    def undo() -> None:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

    return undo


_AZURE_LOGS_QUIET = SharedChange(_quieten)
"""Silences azure-identity's warnings: the raised problem contains them."""


def request_token(identity: IdentityRef, scope: str) -> Secret[str]:
    """A new token for ``scope`` from the first source that this machine has. Blocks; not for an event loop's thread.

    Raises AzureProblem: passing when the source exists but does not answer now, else with the answers of all sources.
    """
    with _AZURE_LOGS_QUIET:
        return run_to_end(_request_token(identity, scope))


async def _request_token(identity: IdentityRef, scope: str) -> Secret[str]:
    refusals = []
    for source in _sources(identity):
        try:
            async with source.build() as credential:
                token = await credential.get_token(scope)
            return Secret(token.token, float(token.expires_on))
        except (AzureProblem, AzureError, ValueError, KeyError, TypeError, OSError) as error:
            problem = error if isinstance(error, AzureProblem) else _problem(source, error)
            if problem.passing:
                raise problem from None
            refusals.append(f"{source.name}: {problem}")
    raise AzureProblem(
        f"no token for {scope}: " + "; ".join(refusals) + ". Give the machine an identity that may use the endpoint, or run `az login`; "
        "identity_source and identity_client_id choose one of several",
        passing=False,
    )


def _sources(identity: IdentityRef) -> Iterator[_Source]:
    """In order of trust. A user-identity job of Azure ML has OBO_ENDPOINT; a client id means a managed identity."""
    wanted = identity.source
    client_id = identity.client_id or next(filter(None, map(os.environ.get, CLIENT_ID_VARIABLES)), None)
    tls: dict[str, Any] = {} if identity.ca_bundle is None else {"connection_verify": identity.ca_bundle}
    hosted = any(os.environ.get(variable) for variable in _HOST_VARIABLES)
    once: dict[str, Any] = {"retry_total": 0, "connection_timeout": CONNECT_S, "read_timeout": READ_S, **tls}

    def managed() -> Any:
        if os.environ.get("MSI_ENDPOINT") and not os.environ.get("MSI_SECRET") and not os.environ.get("IDENTITY_ENDPOINT"):
            return ManagedIdentityCredential(**once)  # Cloud Shell has only the user's identity
        return ManagedIdentityCredential(client_id=client_id, **once)

    def undeclared() -> Any:
        return ManagedIdentityCredential(client_id=client_id, **{**once, "connection_timeout": UNDECLARED_CONNECT_S})

    on_behalf = _Source("on behalf of the user (OBO_ENDPOINT)", lambda: OnBehalfOfCredential(CONNECT_S + READ_S), True)
    has_on_behalf = bool(os.environ.get("OBO_ENDPOINT"))
    prefers_managed = bool(identity.client_id or os.environ.get("DEFAULT_IDENTITY_CLIENT_ID"))
    if wanted in ("auto", "service_principal") and (wanted != "auto" or _is_principal()):
        yield _Source("service principal (AZURE_CLIENT_ID and its secret or certificate)", lambda: EnvironmentCredential(**once), True)
    if wanted == "workload_identity":
        yield _Source("workload identity", lambda: WorkloadIdentityCredential(client_id=client_id, **once), True)
    if wanted == "on_behalf_of" or (wanted == "auto" and has_on_behalf and not prefers_managed):
        yield on_behalf
    if wanted == "managed_identity" or (wanted == "auto" and hosted):
        yield _Source("managed identity", managed, True)
    if wanted == "auto" and has_on_behalf and prefers_managed:
        yield on_behalf
    if wanted == "auto" and not hosted and not has_on_behalf:
        yield _Source("managed identity of this machine", undeclared, False)
    if wanted in ("auto", "developer") and not has_on_behalf:
        for name, made in (
            ("Azure CLI", AzureCliCredential),
            ("Azure Developer CLI", AzureDeveloperCliCredential),
            ("Azure PowerShell", AzurePowerShellCredential),
        ):
            yield _Source(name, made, False)


def _is_principal() -> bool:
    return bool(os.environ.get("AZURE_CLIENT_SECRET") or os.environ.get("AZURE_CLIENT_CERTIFICATE_PATH"))


def _problem(source: _Source, error: Exception) -> AzureProblem:
    status, wait_s = _status_and_wait_s(error)
    text = _first_sentence(error)
    if isinstance(error, (ValueError, KeyError, TypeError)) and not isinstance(error, AzureError):
        return AzureProblem(f"answered in a form that cannot be read or is set up wrongly ({type(error).__name__}: {error})", passing=False)
    if status is not None:
        text = f"status {status}: {text}"
        # a metadata service answers 404 during an update; then the library does not try another source
        return AzureProblem(text, passing=status in _PASSING_STATUSES, status=status, retry_after_s=wait_s)
    if isinstance(error, CredentialUnavailableError):
        silent = isinstance(error.__cause__, (AzureError, OSError)) and not isinstance(error.__cause__, HttpResponseError)
        return AzureProblem(text, passing=silent and source.declared)
    return AzureProblem(text, passing=source.declared and not isinstance(error, ClientAuthenticationError))


def _status_and_wait_s(error: BaseException) -> tuple[int | None, float | None]:
    """The status of a failure, and the wait that it asks for."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, HttpResponseError) and seen.status_code is not None:
            response = getattr(seen, "response", None)
            reported = response.headers.get("Retry-After") if response is not None else None
            return seen.status_code, float(reported) if reported is not None and reported.isdigit() else None
        seen = seen.__cause__
    return None, None


def _first_sentence(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return " ".join(text.split())[:_OUTPUT_LIMIT]
