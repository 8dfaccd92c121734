"""What a response repeats of the credential that was sent: some servers quote the key that they refuse, and an error is shown and kept."""

from __future__ import annotations

from collections.abc import Mapping

MASK = b"***"
SHORTEST = 6
"""Bytes. Anything shorter ("true", "json") is not a secret, and masking it would spoil the text."""
_PLAIN = frozenset(
    ("host", "accept", "accept-encoding", "connection", "content-type", "content-length", "user-agent")
    + ("x-ms-client-request-id", "azureml-model-deployment")
)


def without_secrets(text: bytes, sent_headers: Mapping[str, str]) -> bytes:
    """``text`` with every value of the headers that went with the request masked, but for those headers that hold no secret.

    Of ``Bearer KEY`` the key alone is masked too, for that is what servers quote.
    """
    values = {value for name, value in sent_headers.items() if name.lower() not in _PLAIN}
    values |= {value.partition(" ")[2].strip() for value in values}
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value.encode("utf-8", "surrogateescape"), MASK)
    return text
