"""The user's names (connection, endpoint, identity) to the endpoint that the workers get."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.workspace import workspace_of
from transforms.azure.endpoints import FoundEndpoint, find_endpoint
from transforms.azure.keys import kept_connection
from transforms.azure.models import STUDENTS, TEACHERS, ModelAsset, outside, parse_asset_id
from transforms.azure.problems import AzureProblem
from transforms.azure.resource_manager import ResourceManager
from transforms.azure.specs import IdentityRef, WorkspaceRef
from transforms.elements.failures import FailureKind
from transforms.teacher.kinds.clouds import scope_in_cloud
from transforms.teacher.kinds.registry import KINDS, EndpointKind, kind_of
from transforms.teacher.specs import CredentialKind, CredentialRef, EndpointSpec

log = logging.getLogger("beam_distill")

T = TypeVar("T")
_LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Located:
    """The teacher's endpoint and credential; ``model_id`` is the deployed model according to Azure, or ""."""

    address: str
    kind: EndpointKind
    credential: CredentialRef
    headers: tuple[tuple[str, str], ...] = ()
    model_id: str = ""


def identity_of(settings: DistillSettings) -> IdentityRef:
    """The identity for Azure."""
    return IdentityRef(settings.identity_source, settings.identity_client_id, settings.azure_ca_bundle)


def locate(settings: DistillSettings, is_teacher: bool = True) -> Located:
    """The endpoint and its credential; asks Azure only for a connection or an endpoint's name. Compares the models of teacher and student with
    the component's. Raises RunRefused."""
    access = settings.resolved_authentication.kind
    teacher = _assets(settings)[0] if is_teacher else None
    name = settings.endpoint_to_look_up
    if name is not None:
        located = _by_name(settings, name, access)
    elif access == "azureml_workspace_connection":
        located = _by_connection(settings)
    else:
        located = _by_address(settings, access)
    if is_teacher:
        _check_deployed(settings, teacher, located.model_id)
    return located


def key_reference(settings: DistillSettings) -> CredentialRef:
    """The reference to the user's own key, or the reference for no credential."""
    if settings.api_key_env is not None:
        return CredentialRef(CredentialKind.ENVIRONMENT, settings.api_key_env)
    if settings.api_key_file is not None:
        return CredentialRef(CredentialKind.FILE, settings.api_key_file)
    return CredentialRef()


def _kind(settings: DistillSettings, address: str) -> EndpointKind:
    return EndpointKind(settings.endpoint_kind) if settings.endpoint_kind is not None else kind_of(address)


def _by_address(settings: DistillSettings, access: str) -> Located:
    assert settings.teacher_model_endpoint_url is not None  # ensured by config.settings.contradictions
    address = settings.teacher_model_endpoint_url
    kind = _kind(settings, address)
    credential = _identity_reference(settings, kind, address) if access == "managed_identity" else key_reference(settings)
    return Located(address, kind, credential)


def _by_connection(settings: DistillSettings, address: str | None = None) -> Located:
    assert settings.connection_name is not None
    name = settings.connection_name
    workspace, identity = _workspace(settings), identity_of(settings)
    connection = _asked(settings, lambda: kept_connection(workspace, identity, name).get_blocking(settings.first_answer_patience).value)
    given = settings.teacher_model_endpoint_url
    if given and connection.target and not connection.key.own_identity and _place(given) != _place(connection.target):
        log.warning("connection %s is of %s, and its key goes to %s: teacher_model_endpoint_url says so", name, connection.target, given)
    address = address or settings.teacher_model_endpoint_url or connection.target
    if not address:
        raise RunRefused(ExitCode.WRONG_INPUT, f"the connection {name} has no target; give teacher_model_endpoint_url")
    kind = _kind(settings, address)
    version = connection.metadata.get("apiversion")
    if KINDS[kind].takes_api_version and version and "api-version=" not in urlsplit(address).query:
        parts = urlsplit(address)
        query = "&".join(filter(None, (parts.query, f"api-version={version}")))
        address = urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
    if connection.key.own_identity:
        return Located(address, kind, _identity_reference(settings, kind, address))
    return Located(address, kind, CredentialRef(CredentialKind.CONNECTION, name, workspace, identity))


def _by_name(settings: DistillSettings, name: str, access: str) -> Located:
    workspace, identity = _workspace(settings), identity_of(settings)
    found = _asked(settings, lambda: find_endpoint(ResourceManager(workspace, identity), name))
    address = settings.teacher_model_endpoint_url or found.address
    if access in ("by_endpoint", "managed_identity") and _place(address) != _place(found.address):
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"teacher_model_endpoint_url is at {urlsplit(address).netloc}, and endpoint {name} at {urlsplit(found.address).netloc}: its "
            "credential is sent to no other host. Leave out the address (it is looked up), or the name (and give the address's credential)",
        )
    if settings.endpoint_kind is not None:
        kind = EndpointKind(settings.endpoint_kind)
    else:
        kind = EndpointKind.SERVERLESS if found.serverless else EndpointKind.ONLINE
    if access == "azureml_workspace_connection":
        credential = _by_connection(settings, address).credential
    elif access in ("by_endpoint", "managed_identity"):
        credential = _credential_of(settings, found, kind, access, workspace)
    else:
        credential = key_reference(settings)
    return Located(address, kind, credential, found.headers, found.model_id)


def _place(address: str) -> tuple[str | None, int | None]:
    """Host and port, which a credential belongs to."""
    parts = urlsplit(address)
    return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _credential_of(settings: DistillSettings, found: FoundEndpoint, kind: EndpointKind, access: str, workspace: WorkspaceRef) -> CredentialRef:
    identity = identity_of(settings)
    if found.auth_mode == "amltoken":
        return CredentialRef(CredentialKind.ONLINE_TOKEN, found.name, workspace, identity)
    takes_identity = found.auth_mode in ("aad", "aadtoken", "keyandaad")
    if access == "managed_identity" and not takes_identity:
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"authentication_type: endpoint {found.name} accepts keys only (authMode {found.auth_mode}); leave authentication_type out, and its "
            "key is read with this identity",
        )
    if access == "managed_identity" or not found.auth_mode.startswith("key"):
        if not takes_identity:
            raise RunRefused(ExitCode.WRONG_INPUT, f"endpoint {found.name} has authMode {found.auth_mode}, which is not supported")
        return _identity_reference(settings, kind, found.address)
    return CredentialRef(CredentialKind.SERVERLESS_KEY if found.serverless else CredentialKind.ONLINE_KEY, found.name, workspace, identity)


def _identity_reference(settings: DistillSettings, kind: EndpointKind, address: str) -> CredentialRef:
    parts = urlsplit(address)
    scope = settings.identity_scope or KINDS[kind].scope
    if scope is not None and settings.identity_scope is None:
        scope = scope_in_cloud(scope, parts.hostname or "", urlsplit(settings.arm_url).hostname or "")
    if scope is None:
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"authentication_type: {parts.hostname} is not one of Azure's hosts, and a token is sent to these only; give the token's scope "
            "with --identity_scope, or the endpoint's kind with --endpoint_kind",
        )
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise RunRefused(ExitCode.WRONG_INPUT, f"teacher_model_endpoint_url: {address} is not https, and a token is not sent over plain http")
    return CredentialRef(CredentialKind.IDENTITY, scope, identity=identity_of(settings))


def _workspace(settings: DistillSettings) -> WorkspaceRef:
    return workspace_of(settings, os.environ, Path.cwd())


def _asked(settings: DistillSettings, ask: Callable[[], T]) -> T:
    """Call ``ask``, with retries for a while when Azure does not answer. Raises RunRefused."""
    deadline = time.monotonic() + settings.first_answer_patience
    while True:
        try:
            return ask()
        except AzureProblem as problem:
            wait_s = max(0.5, problem.retry_after_s or 0.0)
            if problem.passing and time.monotonic() + wait_s < deadline:
                time.sleep(wait_s)
                continue
            code = ExitCode.ENDPOINT_STOPPED if problem.passing or problem.status in (401, 403) else ExitCode.WRONG_INPUT
            raise RunRefused(code, f"Azure: {problem}") from None


def _assets(settings: DistillSettings) -> tuple[ModelAsset | None, ModelAsset | None]:
    found: list[ModelAsset | None] = []
    for name, listed in (("teacher_model_asset_id", TEACHERS), ("student_model", STUDENTS)):
        text = getattr(settings, name)
        if text is None or (name == "student_model" and not text.startswith("azureml:")):  # a student may come from elsewhere
            found.append(None)
            continue
        try:
            asset = parse_asset_id(text)
        except ValueError as error:
            raise RunRefused(ExitCode.WRONG_INPUT, f"{name} is {text!r}: {error}") from None
        if outside(listed, asset):
            _say_unlisted(settings, f"{name}: {asset.name} of {asset.registry}", listed)
        found.append(asset)
    return found[0], found[1]


def _say_unlisted(settings: DistillSettings, what: str, listed: frozenset[tuple[str, str]]) -> None:
    known = ", ".join(sorted(model for _, model in listed))
    said = f"{what} is not one of the models that the component was made for ({known})"
    if settings.strict_model_list:
        raise RunRefused(ExitCode.WRONG_INPUT, f"{said}; strict_model_list makes that an error")
    log.warning("%s; others work too, strict_model_list would refuse", said)


def _check_deployed(settings: DistillSettings, teacher: ModelAsset | None, model_id: str) -> None:
    """Compare Azure's deployed model with the given asset id, else with the list of teachers. Raises RunRefused."""
    if not model_id:
        return
    endpoint = f"endpoint {settings.teacher_model_endpoint_name}"
    try:
        deployed = parse_asset_id(model_id)
    except ValueError:
        if teacher is None:
            _say_unlisted(settings, f"{endpoint} runs {model_id}, which is not a registered model and", TEACHERS)
        else:
            log.warning("%s runs %s, which is not a registered model: it cannot be compared", endpoint, model_id)
        return
    if teacher is None:
        if outside(TEACHERS, deployed):
            _say_unlisted(settings, f"{endpoint} runs {deployed.name} of {deployed.registry}, which", TEACHERS)
    elif not teacher.same_model(deployed):
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"teacher_model_asset_id is {settings.teacher_model_asset_id}, but {endpoint} runs {model_id}; "
            "name the right one, or leave teacher_model_asset_id out",
        )


def check_model_name(settings: DistillSettings, endpoint: EndpointSpec, info_model: str) -> None:
    """Check the name that ``/info`` reports; a missing ``/info`` is not an error. Raises RunRefused when it is not the requested teacher, or,
    with strict_model_list, not on the list."""
    if not info_model:
        return
    if settings.teacher_model_asset_id is None:
        if settings.strict_model_list and not any(model.lower() in info_model.lower() for _, model in TEACHERS):
            _say_unlisted(settings, f"{endpoint.chat_url} says that it serves {info_model}, which", TEACHERS)
        return
    wanted = parse_asset_id(settings.teacher_model_asset_id).name
    if wanted.lower() not in info_model.lower():
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"teacher_model_asset_id names {wanted}, but {endpoint.chat_url} says that it serves {info_model}; name the right endpoint or model",
        )


def refusal_advice(endpoint: EndpointSpec, refusal: FailureKind) -> str:
    """Advice when an endpoint of this kind refuses."""
    kind = KINDS[endpoint.kind]
    by_identity = endpoint.credential.kind is CredentialKind.IDENTITY
    if refusal is FailureKind.NOT_FOUND:
        return kind.not_found_advice
    if refusal is FailureKind.QUOTA_SPENT:
        return "the account has no credit or quota left; add some"
    if refusal is FailureKind.UNAUTHORIZED:
        if by_identity:
            scope = endpoint.credential.place
            return f"the identity's token for {scope} is not accepted; does the endpoint accept Entra tokens, and is identity_scope right?"
        if endpoint.credential.kind is CredentialKind.NONE:
            return "it requires a key, and none is given; pass its location with --api_key_env or --api_key_file, or see authentication_type"
        return "the key is wrong or expired" + (", or this endpoint accepts tokens only" if kind.is_azure else "")
    if by_identity:
        return f"the identity is known but may not use this endpoint; give it the role {kind.role}, and wait some minutes"
    return "the credential may not use this endpoint; see its permissions and network rules"
