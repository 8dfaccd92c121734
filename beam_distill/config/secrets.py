"""Recognises secrets by name or form: such a value is accepted only by reference, or masked when settings are shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from transforms.teacher.header_values import only_references

MASK = "***"
"""The mask of a secret when settings are shown."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ANYWHERE = frozenset(
    {"authorization", "bearer", "cookie", "credential", "credentials", "jwt", "passphrase", "passwd", "password", "pwd", "sas", "secret"}
)
_LAST = frozenset({"auth", "key", "keys", "sig", "signature", "token", "secrets", "connectionstring"})
_PAIRS = frozenset({"api_key", "access_key", "auth_token", "access_token", "connection_string"})
_WITHOUT_SEPARATORS = re.compile(
    r"(access|account|admin|api|auth|client|function|functions|master|private|secret|session|shared|storage|subscription)(key|secret|token)"
    r"|password|connectionstring|authorization"
)
_HARMLESS = re.compile(
    # not secret: keys for sorting or finding, tokens of a model's vocabulary, tokens for paging
    r"(cache|dedup|deduplication|foreign|group|hash|idempotency|partition|primary|routing|row|sort)_keys?"
    r"|(begin|bos|cls|continuation|decoder|end|eos|forced|mask|next|pad|page|per|sep|special|start|stop|unk)_token"
)
_ISSUED = re.compile(
    # prefixes of keys: OpenAI, Anthropic, Hugging Face, GitHub, GitLab, Groq, xAI, NVIDIA, Perplexity, Replicate, Slack, Google and AWS
    r"((sk|pk|rk|hf|gsk|ghp|gho|ghu|ghs|ghr|github_pat|glpat|xai|nvapi|pplx|r8|xox[abps]|csk|fw|tgp|dapi|dop_v1|lsv2)[-_][\w.-]{8,}|dapi[0-9a-f]{20,}"
    r"|AIza[\w-]{20,}|A[KS]IA[0-9A-Z]{12,}|ya29\.[\w-]{10,}|eyJ[\w-]{8,}\.[\w.-]+)\Z"
)
_SCHEME = re.compile(r"(basic|bearer|digest|token|apikey|api-key|key)\s+\S", re.IGNORECASE)
_RUN = re.compile(r"[A-Za-z0-9]{24,}")
_CONNECTION_STRING = re.compile(r"(AccountKey|SharedAccessKey|SharedAccessSignature|Password|Pwd)\s*=", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether a header, parameter or option of this name is secret: ``X-Auth-Token``, ``accessKey``, ``ocp-apim-subscription-key``."""
    words = re.findall(r"[a-z0-9]+", _CAMEL.sub("_", name).lower())
    if not words or _HARMLESS.fullmatch("_".join(words[-2:])):
        return False
    return (
        words[-1] in _LAST
        or not _ANYWHERE.isdisjoint(words)
        or any(_WITHOUT_SEPARATORS.search(word) for word in words)
        or any(f"{first}_{second}" in _PAIRS for first, second in zip(words, words[1:], strict=False))
    )


def looks_like_secret(text: str) -> bool:
    """Whether a text looks like a key: a provider's prefix, a scheme such as Bearer, a long sequence of letters and digits."""
    text = text.strip()
    if _ISSUED.match(text) or _SCHEME.match(text) or _CONNECTION_STRING.search(text) or _secret_in_query(text):
        return True
    return any(sum(letter.isdigit() for letter in run) >= 3 and re.search("[A-Za-z]", run) for run in _RUN.findall(text))


def _secret_in_query(text: str) -> bool:
    """A shared access signature or similar: ``https://...?sv=...&sig=...``."""
    if "?" not in text:
        return False
    return any(value and (is_secret_name(name) or name.lower() == "code") for name, value in parse_qsl(text.partition("?")[2]))


def without_secrets(value: Any, name: str = "") -> Any:
    """A JSON value with every secret in it masked, at any depth; ``name`` is the value's name."""
    return secrets_replaced(value, lambda path, secret: MASK, (name,), numbers_too=True)


def secrets_replaced(value: Any, stand_in: Callable[[tuple[str, ...], str], str], path: tuple[str, ...] = (), numbers_too: bool = False) -> Any:
    """A JSON value with every secret text replaced, at any depth.

    ``stand_in`` makes the replacement from the path of names and the text. References to variables are not secrets.
    """
    if isinstance(value, dict):
        return {key: secrets_replaced(part, stand_in, (*path, str(key)), numbers_too) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [secrets_replaced(part, stand_in, (*path, str(number)), numbers_too) for number, part in enumerate(value)]
    name = next((part for part in reversed(path) if not part.isdigit()), "")
    if numbers_too and isinstance(value, (int, float)) and not isinstance(value, bool) and is_secret_name(name):
        return stand_in(path, str(value))
    if not isinstance(value, str) or not value or only_references(value):
        return value
    is_secret = is_secret_name(name) or _ISSUED.match(value) or _SCHEME.match(value) or _CONNECTION_STRING.search(value)
    return stand_in(path, value) if is_secret or ("://" in value and _holds_secret(value)) else value


def secret_places(fields: Mapping[str, Any] | None) -> list[str]:
    """The paths of the secrets in an extra body."""
    places: list[str] = []

    def noted(path: tuple[str, ...], secret: str) -> str:
        places.append(".".join(path))
        return ""

    secrets_replaced(dict(fields or {}), noted)
    return places


def _holds_secret(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.password is not None or _secret_in_query(address)


def holds_mask(value: Any) -> bool:
    """Whether something in a JSON value was masked."""
    if isinstance(value, dict):
        return any(holds_mask(part) for part in value.values())
    if isinstance(value, (list, tuple)):
        return any(holds_mask(part) for part in value)
    return bool(value == MASK)
