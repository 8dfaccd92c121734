"""Keys stored in Azure: of a workspace connection, of an endpoint. Read on the machine that uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from transforms.azure.kept_secret import KeptSecret, Secret
from transforms.azure.moments import epoch_s_of
from transforms.azure.problems import AzureProblem
from transforms.azure.resource_manager import ResourceManager
from transforms.azure.specs import IdentityRef, WorkspaceRef
from transforms.azure.tokens import kept

CONNECTION_SECRETS = "Microsoft.MachineLearningServices/workspaces/connections/listsecrets/action"
SERVERLESS_KEYS = "Microsoft.MachineLearningServices/workspaces/serverlessEndpoints/listKeys/action"
ONLINE_KEYS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/listKeys/action"
ONLINE_TOKEN = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/token/action"

_OWN_IDENTITY = frozenset({"aad", "managedidentity", "userentratoken", "projectmanagedidentity", "accountmanagedidentity"})
_KEY_NAMES = frozenset({"key", "apikey", "authorization", "token"})


@dataclass(frozen=True, slots=True)
class Key:
    """A key, and its header if its source names one; else the endpoint's kind decides.

    ``value`` is None for access without a key; ``own_identity``: the endpoint accepts the caller's token instead.
    """

    value: str | None
    header: str | None = None
    own_identity: bool = False

    def __repr__(self) -> str:
        return f"Key(***, header={self.header!r}, own_identity={self.own_identity})"


@dataclass(frozen=True, slots=True)
class Connection:
    """A workspace connection. ``target`` is its address; ``metadata`` has lower-case names."""

    name: str
    target: str
    key: Key
    metadata: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Connection({self.name!r}, {self.target!r})"


def kept_connection(workspace: WorkspaceRef, identity: IdentityRef, name: str) -> KeptSecret[Connection]:
    """The process's copy of a connection."""
    secret: KeptSecret[Connection] = kept(
        (workspace, identity, "connection", name), f"connection {name}", lambda: _read_connection(ResourceManager(workspace, identity), name)
    )
    return secret


def kept_serverless_key(workspace: WorkspaceRef, identity: IdentityRef, name: str) -> KeptSecret[Key]:
    """The process's key of a serverless endpoint."""
    return _kept_key(workspace, identity, f"/serverlessEndpoints/{quote(name, safe='')}/listKeys", SERVERLESS_KEYS)


def kept_online_key(workspace: WorkspaceRef, identity: IdentityRef, name: str) -> KeptSecret[Key]:
    """The process's key of an online endpoint."""
    return _kept_key(workspace, identity, f"/onlineEndpoints/{quote(name, safe='')}/listKeys", ONLINE_KEYS)


def kept_online_token(workspace: WorkspaceRef, identity: IdentityRef, name: str) -> KeptSecret[Key]:
    """The process's token of an online endpoint with authMode AMLToken; renewed before it expires."""
    path = f"/onlineEndpoints/{quote(name, safe='')}/token"

    def fetch() -> Secret[Key]:
        fields = ResourceManager(workspace, identity).post(path, ONLINE_TOKEN)
        try:
            return Secret(Key(str(fields["accessToken"])), epoch_s_of(fields["expiryTimeUtc"]))
        except (KeyError, ValueError, TypeError):
            raise AzureProblem(f"{path} gave no token with an expiry time", passing=False) from None

    secret: KeptSecret[Key] = kept((workspace, identity, path), f"token of endpoint {name}", fetch)
    return secret


def _kept_key(workspace: WorkspaceRef, identity: IdentityRef, path: str, action: str) -> KeptSecret[Key]:
    def fetch() -> Secret[Key]:
        key = ResourceManager(workspace, identity).post(path, action).get("primaryKey")
        if not isinstance(key, str) or not key:
            raise AzureProblem(f"{path} gave no primaryKey", passing=False)
        return Secret(Key(_clean(key)))

    secret: KeptSecret[Key] = kept((workspace, identity, path), f"key from {path}", fetch)
    return secret


def _read_connection(manager: ResourceManager, name: str) -> Secret[Connection]:
    try:
        fields = manager.post(f"/connections/{quote(name, safe='')}/listsecrets", CONNECTION_SECRETS)
    except AzureProblem as problem:
        if problem.status == 404:
            raise AzureProblem(
                f"there is no connection {name} in {manager.workspace}; `az ml connection list` shows what there is ({problem})",
                passing=False,
                status=404,
            ) from None
        raise
    properties = fields.get("properties")
    if not isinstance(properties, dict):
        raise AzureProblem(f"the connection {name} came without properties", passing=False)
    metadata = properties.get("metadata")
    return Secret(
        Connection(
            name,
            str(properties.get("target") or ""),
            _key_of(name, properties),
            {str(key).lower(): str(value) for key, value in (metadata if isinstance(metadata, dict) else {}).items()},
        )
    )


def _key_of(name: str, properties: dict[str, Any]) -> Key:
    """The key in a connection's credentials. Raises AzureProblem for types that an HTTP endpoint cannot use."""
    reported = str(properties.get("authType") or "")
    auth_type = reported.lower()
    found = properties.get("credentials")
    credentials: dict[str, Any] = found if isinstance(found, dict) else {}
    if auth_type == "none":
        return Key(None)
    if auth_type in _OWN_IDENTITY:
        return Key(None, own_identity=True)
    if auth_type in ("apikey", "accountkey"):
        return Key(_present(name, "credentials.key", credentials.get("key")))
    if auth_type == "pat":
        return Key(_present(name, "credentials.pat", credentials.get("pat")))
    if auth_type == "accesskey":
        # the older convention: the id names the header
        header = _present(name, "credentials.accessKeyId", credentials.get("accessKeyId"))
        value = _present(name, "credentials.secretAccessKey", credentials.get("secretAccessKey"))
        return Key(value, header=None if header.lower() == "authorization" else header)
    if auth_type == "customkeys":
        keys = credentials.get("keys")
        return _custom_key(name, keys if isinstance(keys, dict) else {})
    raise AzureProblem(
        f"the connection {name} has authType {reported or '(none given)'}, which is not for a teacher; recreate it with an API key, "
        "or with custom keys of which one is named api-key",
        passing=False,
    )


def _custom_key(name: str, keys: dict[str, Any]) -> Key:
    meant = [key for key in keys if key.lower().replace("-", "").replace("_", "") in _KEY_NAMES]
    chosen = meant if meant else list(keys)
    if len(chosen) != 1:
        listed = ", ".join(sorted(keys)) or "none"
        raise AzureProblem(
            f"the connection {name} has custom keys ({listed}), and it is not clear which one is the teacher's; name it api-key", passing=False
        )
    return Key(_present(name, f"credentials.keys.{chosen[0]}", keys[chosen[0]]))


def _present(name: str, place: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise AzureProblem(f"the connection {name} came without {place}; enter its key again", passing=False)
    return _clean(value)


def _clean(key: str) -> str:
    key = key.strip()
    if any(ord(letter) < 32 or ord(letter) > 126 for letter in key):
        raise AzureProblem("a key read from Azure holds characters that no header can carry; enter it again", passing=False)
    return key
