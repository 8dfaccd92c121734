"""The tokens of this process: one kept token per identity and scope."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any

from transforms.azure.kept_secret import KeptSecret, Secret
from transforms.azure.specs import IdentityRef

_lock = threading.Lock()
_kept: dict[Hashable, KeptSecret[Any]] = {}


def kept_token(identity: IdentityRef, scope: str) -> KeptSecret[str]:
    """The process's token for ``scope`` as ``identity``."""

    def fetch() -> Secret[str]:
        # late: keeps Azure's clients out of the start
        from transforms.azure.token_sources import request_token  # azure-identity is slow to import

        return request_token(identity, scope)

    token: KeptSecret[str] = kept((identity, scope), f"token for {scope}", fetch)
    return token


def kept(key: Hashable, name: str, fetch: Callable[[], Secret[Any]]) -> KeptSecret[Any]:
    """The process's secret under ``key``, created if there is none yet."""
    with _lock:
        secret = _kept.get(key)
        if secret is None:
            secret = _kept[key] = KeptSecret(name, fetch)
        return secret


def forget_secrets() -> None:
    """Close and drop every secret of this process."""
    with _lock:
        dropped = list(_kept.values())
        _kept.clear()
    for secret in dropped:
        secret.close()
