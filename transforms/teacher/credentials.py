"""Looking a credential up on the worker, from a reference that is no secret itself."""

from __future__ import annotations

import os

from transforms.teacher.specs import CredentialKind, CredentialRef


class CredentialMissing(Exception):
    """The credential is not where the reference says; the text says where it was looked for."""


def look_up_key(ref: CredentialRef) -> str | None:
    """The key that ``ref`` names, None for endpoints that want none.

    A file is read anew each time, so that a rotated secret is seen after a 401. Raises CredentialMissing.
    """
    if ref.kind is CredentialKind.NONE:
        return None
    if ref.kind is CredentialKind.ENVIRONMENT:
        key = os.environ.get(ref.place, "").strip()
        if not key:
            raise CredentialMissing(f"the environment variable {ref.place} is not set on this machine, or empty")
    else:
        try:
            with open(ref.place, encoding="utf-8") as file:
                key = file.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CredentialMissing(f"the key file {ref.place} cannot be read: {error}") from None
        if not key:
            raise CredentialMissing(f"the key file {ref.place} is empty")
    if any(ord(letter) < 32 or ord(letter) > 126 for letter in key):
        raise CredentialMissing(f"the key in {ref.place} holds characters that no header can carry")
    return key


def credential_headers(ref: CredentialRef) -> dict[str, str]:
    """The request headers that carry the credential: bearer, and ``api-key`` for Azure OpenAI resources. Raises CredentialMissing."""
    key = look_up_key(ref)
    return {} if key is None else {"Authorization": f"Bearer {key}", "api-key": key}
