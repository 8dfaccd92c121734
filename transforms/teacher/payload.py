"""The request body, and its hash: requests with the same hash get the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import orjson

from transforms.elements.rows import ChatMessage
from transforms.teacher.kinds.registry import KINDS, plain_request
from transforms.teacher.specs import EndpointSpec, SamplingSpec

BYTES_PER_TOKEN = 4  # a rough first estimate, replaced by the endpoint's reports

LIMIT_NAMES = ("max_tokens", "max_completion_tokens", "max_new_tokens")


class PayloadTemplate:
    """Builds request bodies: everything except the messages is prepared once.

    The hash covers messages, sampling, model (or without one, the address) and extra body. It covers neither the settings that the
    teacher never sees nor the name of the token limit.
    """

    def __init__(self, endpoint: EndpointSpec, sampling: SamplingSpec) -> None:
        fields = request_fields(endpoint, sampling)
        kind = KINDS[endpoint.kind]
        self._merges_system = sampling.merges_system
        self._opening = kind.opening
        self._tail = kind.closing(fields)
        identity = self._tail if endpoint.model is not None else self._tail + endpoint.chat_url.encode()
        self._identity = blake2b(identity, digest_size=16).digest()

    def body(self, messages: Sequence[ChatMessage]) -> bytes:
        """The request body as canonical JSON; the token limit is called ``max_tokens``."""
        plain = [{"role": role, "content": content} for role, content in messages]
        listed = orjson.dumps(without_system_role(plain) if self._merges_system else plain)
        return self._opening + listed + self._tail

    def makes_bodies_of(self, other: PayloadTemplate) -> bool:
        """Whether both make the same body from the same messages."""
        return (self._opening, self._tail) == (other._opening, other._tail)

    def body_of(self, body: bytes, other: PayloadTemplate) -> bytes:
        """The messages of ``body``, which ``other`` made with the same sampling, in a body of this template."""
        return self._opening + body[len(other._opening) : len(body) - len(other._tail)] + self._tail

    def request_hash(self, body: bytes) -> str:
        """32 hexadecimal digits; equal for requests that would get the same answer."""
        return blake2b(body, digest_size=16, key=self._identity).hexdigest()

    def asks_like(self, other: PayloadTemplate) -> bool:
        """Whether the same messages make the same request of both."""
        return (self._identity, self._opening, self._merges_system) == (other._identity, other._opening, other._merges_system)


def request_fields(endpoint: EndpointSpec, sampling: SamplingSpec) -> dict[str, Any]:
    """The fields of a plain chat request without its messages."""
    fields: dict[str, Any] = {}
    if endpoint.model is not None:
        fields["model"] = endpoint.model
    fields["max_tokens"] = sampling.max_new_tokens
    if sampling.temperature is not None:
        fields["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        fields["top_p"] = sampling.top_p
    if sampling.frequency_penalty:
        fields["frequency_penalty"] = sampling.frequency_penalty
    if sampling.presence_penalty:
        fields["presence_penalty"] = sampling.presence_penalty
    if sampling.stop:
        fields["stop"] = list(sampling.stop)
    if sampling.top_logprobs is not None:
        fields.update(logprobs=True, top_logprobs=sampling.top_logprobs)
    fields.update(orjson.loads(endpoint.extra_body_json))
    return fields


def token_limit_in(body: str) -> int | None:
    """The token limit in a sent request body; None if there is none, or it is another kind of body."""
    try:
        request = plain_request(body)
    except ValueError:
        return None
    return next((request[name] for name in LIMIT_NAMES if isinstance(request.get(name), int)), None)


def without_system_role(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same conversation with its system messages merged into the first user message; unchanged without a user message."""
    instructions = [message["content"] for message in messages if message["role"] == "system"]
    rest = [dict(message) for message in messages if message["role"] != "system"]
    first = next((message for message in rest if message["role"] == "user"), None)
    if not instructions or first is None:
        return messages
    first["content"] = "\n\n".join([*instructions, first["content"]])
    return rest


def longest_answer_tokens(endpoint: EndpointSpec, sampling: SamplingSpec) -> int:
    """The most tokens of one request's answers: the user's extra body may set a higher limit than the sampling, or ask for several answers."""
    kind = KINDS[endpoint.kind]
    fields = kind.plain_request(orjson.loads(kind.body_of({"messages": [], **request_fields(endpoint, sampling)})))
    limits = [fields.get(name) for name in LIMIT_NAMES]
    several = fields.get("n")
    limit = max((limit for limit in limits if isinstance(limit, int)), default=sampling.max_new_tokens)
    return limit * (several if isinstance(several, int) and several > 1 else 1)
