"""The endpoint's credential, looked up on the worker from a reference that is not a secret itself."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson

from transforms.azure.kept_secret import KeptSecret, Secret
from transforms.azure.keys import Connection, Key, kept_connection, kept_online_key, kept_online_token, kept_serverless_key
from transforms.azure.problems import AzureProblem
from transforms.azure.specs import WorkspaceRef
from transforms.azure.tokens import kept_token
from transforms.elements.variables import with_variables
from transforms.teacher.body_values import filled_extra_body, variables_of_body
from transforms.teacher.header_values import HeaderValueMissing, filled_in, referenced_variables, value_of
from transforms.teacher.kinds.base import Kind
from transforms.teacher.kinds.registry import KINDS
from transforms.teacher.specs import CredentialKind, CredentialRef, EndpointSpec

_SECRET_HEADER = re.compile("auth|key|token|secret|cookie|password|signature", re.IGNORECASE)
_SCHEME = "bearer "


class CredentialMissing(Exception):
    """The credential is not where the reference says; the text says where we looked and what to do."""


class CredentialPending(Exception):
    """The credential's source does not answer now. ``retry_after_s`` is the requested wait, or None."""

    def __init__(self, message: str, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def added_headers(endpoint: EndpointSpec) -> dict[str, str]:
    """The user's additional headers, with variables filled in. Raises CredentialMissing."""
    try:
        return filled_in(endpoint.headers)
    except HeaderValueMissing as missing:
        raise CredentialMissing(str(missing)) from None


def address_of(endpoint: EndpointSpec) -> str:
    """The address of requests, with variables in its query filled in. Raises CredentialMissing."""
    try:
        return with_variables(endpoint.chat_url, _in_address)
    except HeaderValueMissing as missing:
        raise CredentialMissing(str(missing)) from None


def _in_address(variable: str) -> str:
    value = value_of("the endpoint's address", variable)
    return value if "%" in value else quote(value, safe="")


def body_values(endpoint: EndpointSpec) -> dict[str, Any]:
    """The fields of the extra body that name variables, filled in. Raises CredentialMissing."""
    try:
        return filled_extra_body(endpoint.extra_body_json)
    except HeaderValueMissing as missing:
        raise CredentialMissing(str(missing)) from None


def secrets_of(endpoint: EndpointSpec) -> list[str]:
    """The values of all variables in headers, address and extra body of the endpoint, and of headers named like secrets.

    Raises CredentialMissing.
    """
    texts = [endpoint.chat_url, *(text for _, text in endpoint.headers)]
    literal = [text for name, text in endpoint.headers if _SECRET_HEADER.search(name)]
    try:
        in_body = [os.environ.get(name, "") for name in variables_of_body(orjson.loads(endpoint.extra_body_json))]
        return [*literal, *in_body, *(value_of("the endpoint", name) for name in referenced_variables(texts))]
    except HeaderValueMissing as missing:
        raise CredentialMissing(str(missing)) from None


def look_up_key(ref: CredentialRef) -> str | None:
    """The key that ``ref`` names in the environment or a file, None for endpoints without one.

    A file is read again each time, so a rotated secret is found after a 401. Raises CredentialMissing.
    """
    if ref.kind is CredentialKind.NONE:
        return None
    if ref.kind is CredentialKind.ENVIRONMENT:
        key = _bare_key(os.environ.get(ref.place, ""))
        if not key:
            raise CredentialMissing(f"the environment variable {ref.place} is not set on this machine, or empty")
    else:
        try:
            with open(ref.place, encoding="utf-8") as file:
                key = _bare_key(file.read())
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else str(error)
            raise CredentialMissing(f"the key file {ref.place} cannot be read: {said}") from None
        if not key:
            raise CredentialMissing(f"the key file {ref.place} is empty")
    if any(ord(letter) < 32 or ord(letter) > 126 for letter in key):
        raise CredentialMissing(f"the key in {ref.place} holds characters that no header can carry")
    return key


def _bare_key(text: str) -> str:
    """A key without the quotes around it that env files of containers keep, and without the scheme of the header; no key has any."""
    text = text.strip()
    text = text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    return text[len(_SCHEME) :].strip() if text[: len(_SCHEME)].lower() == _SCHEME else text


class PlainAccess:
    """A key from the environment or a file, or none: available without waiting. Raises CredentialMissing."""

    def __init__(self, ref: CredentialRef, kind: Kind) -> None:
        self._ref = ref
        self._kind = kind
        self._headers = self._look_up()

    def cached_headers(self) -> dict[str, str] | None:
        """The credential's headers if they are known now."""
        return self._headers

    async def headers(self) -> dict[str, str]:
        """The credential's headers."""
        return self._headers

    def headers_blocking(self, patience_s: float = 0.0) -> dict[str, str]:
        """As ``headers``, for plain threads."""
        return self._headers

    def refused(self) -> bool:
        """The endpoint answered 401: look up the key again. False when there is none or it cannot be found."""
        if self._ref.kind is CredentialKind.NONE:
            return False
        try:
            self._headers = self._look_up()
        except CredentialMissing:
            return False
        return True

    def _look_up(self) -> dict[str, str]:
        key = look_up_key(self._ref)
        return {} if key is None else self._kind.key_headers(key)


class AzureAccess:
    """A token or a key from Azure, shared by everyone in the process. Raises CredentialMissing and CredentialPending."""

    def __init__(self, kept: KeptSecret[Any], as_headers: Callable[[Any], dict[str, str]]) -> None:
        self._kept = kept
        self._as_headers = as_headers
        self._used: Secret[Any] | None = None
        self._headers: dict[str, str] = {}

    def cached_headers(self) -> dict[str, str] | None:
        """The credential's headers if they are known now."""
        secret = self._kept.peek()
        return None if secret is None else self._for(secret)

    async def headers(self) -> dict[str, str]:
        """The credential's headers; waits while the secret is fetched."""
        try:
            return self._for(await self._kept.get())
        except AzureProblem as problem:
            raise _as_credential_error(problem) from None

    def headers_blocking(self, patience_s: float = 0.0) -> dict[str, str]:
        """As ``headers``, for plain threads; retries a source that does not answer for ``patience_s`` seconds."""
        try:
            return self._for(self._kept.get_blocking(patience_s))
        except AzureProblem as problem:
            raise _as_credential_error(problem) from None

    def refused(self) -> bool:
        """The endpoint answered 401: the next request waits for a new secret."""
        if self._used is None:
            return False
        self._kept.refused(self._used)
        return True

    def _for(self, secret: Secret[Any]) -> dict[str, str]:
        if secret is not self._used:
            self._used = secret
            self._headers = self._as_headers(secret.value)
        return self._headers


def open_access(endpoint: EndpointSpec) -> PlainAccess | AzureAccess:
    """The access to ``endpoint``; does not use the network yet. Raises CredentialMissing."""
    ref = endpoint.credential
    kind = KINDS[endpoint.kind]
    if ref.kind in (CredentialKind.NONE, CredentialKind.ENVIRONMENT, CredentialKind.FILE):
        return PlainAccess(ref, kind)
    if ref.kind is CredentialKind.IDENTITY:
        return AzureAccess(kept_token(ref.identity, ref.place), kind.token_headers)
    if ref.workspace is None:
        raise CredentialMissing(f"the reference to {ref.kind.value} {ref.place} names no workspace")
    if ref.kind is CredentialKind.CONNECTION:
        return AzureAccess(kept_connection(ref.workspace, ref.identity, ref.place), lambda connection: _connection_headers(kind, connection))
    kept = _ENDPOINT_KEYS[ref.kind](ref.workspace, ref.identity, ref.place)
    return AzureAccess(kept, lambda key: _key_headers(kind, key))


def credential_headers(endpoint: EndpointSpec, patience_s: float = 0.0) -> dict[str, str]:
    """The credential's headers for ``endpoint``; blocks while they are fetched. Raises CredentialMissing and CredentialPending."""
    return open_access(endpoint).headers_blocking(patience_s)


_ENDPOINT_KEYS: dict[CredentialKind, Callable[[WorkspaceRef, Any, str], KeptSecret[Key]]] = {
    CredentialKind.SERVERLESS_KEY: kept_serverless_key,
    CredentialKind.ONLINE_KEY: kept_online_key,
    CredentialKind.ONLINE_TOKEN: kept_online_token,
}


def _connection_headers(kind: Kind, connection: Connection) -> dict[str, str]:
    return _key_headers(kind, connection.key)


def _key_headers(kind: Kind, key: Key) -> dict[str, str]:
    if key.value is None:
        return {}
    return kind.key_headers(key.value) if key.header is None else {key.header: key.value}


def _as_credential_error(problem: AzureProblem) -> CredentialMissing | CredentialPending:
    return CredentialPending(str(problem), problem.retry_after_s) if problem.passing else CredentialMissing(str(problem))
