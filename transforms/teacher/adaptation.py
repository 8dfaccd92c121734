"""A field that the teacher refuses is left out of every later request; the request's hash on the ledger does not change.

Reasoning models refuse ``temperature`` and ``top_p``, some accept only one of the two, older templates have no system role, and the token
limit has two names. Each refusal causes one change, and no change is made twice: a teacher that contradicts itself ends as a refused request.
"""

from __future__ import annotations

import logging

import orjson

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.teacher.kinds.base import Kind
from transforms.teacher.payload import without_system_role

log = logging.getLogger("beam_distill.teacher")

SYSTEM = "system"
"""The name of the system role among the fields."""
LEFT_OUT_AT_NEED = frozenset({"temperature", "top_p", "frequency_penalty", "presence_penalty", "stop", "logprobs", SYSTEM})
"""Optional fields of a request. Fields of the user's extra_body are not optional: the user must see their refusal."""
_LIMIT_NAMES = {
    FailureKind.WANTS_MAX_COMPLETION_TOKENS: "max_completion_tokens",
    FailureKind.WANTS_MAX_TOKENS: "max_tokens",
}


class Adaptation:
    """The fields that one session's teacher accepts.

    Its ``kind`` says how the token limit is called at first, and whether it has another name. ``called``: its name in messages.
    """

    def __init__(self, kind: Kind, called: str = "the teacher") -> None:
        self._called = called
        self._kind = kind
        self._limit_name = "max_completion_tokens" if kind.asks_completion_tokens else "max_tokens"
        self._limit_names_left = 2 if kind.names_token_limit else 0  # each name is refused once at most
        self._left_out: dict[str, str] = {}
        self.version = 0
        """Increases with every change."""
        self._changes = kind.asks_completion_tokens

    @property
    def left_out(self) -> tuple[str, ...]:
        """The fields that are no longer sent; ``system`` if the system message is now part of the first user message."""
        return tuple(self._left_out)

    def applied(self, body: bytes) -> bytes:
        """The request in the form that this teacher accepts."""
        if not self._changes:
            return body
        request = self._kind.plain_request(orjson.loads(body))
        for name in self._left_out:
            request.pop(name, None)
        if "logprobs" in self._left_out:
            request.pop("top_logprobs", None)
        if self._limit_name == "max_completion_tokens" and "max_tokens" in request:
            request["max_completion_tokens"] = request.pop("max_tokens")
        if SYSTEM in self._left_out:
            request["messages"] = without_system_role(request["messages"])
        return self._kind.body_of(request)

    def learn(self, failure: RequestFailure, sent_with: int) -> bool:
        """Learn from a failed request. Returns whether it may be sent again, with this change or one made while it was on the wire.

        ``sent_with`` is the ``version`` at its sending.
        """
        if failure.kind in _LIMIT_NAMES:
            return self._rename_limit(_LIMIT_NAMES[failure.kind], sent_with)
        named = [name for name in failure.parameters if name in LEFT_OUT_AT_NEED]
        if not named:
            return False
        fresh = [name for name in named if name not in self._left_out]
        if not fresh:
            return sent_with < self.version
        said = failure.excerpt.strip()[:200]
        for name in fresh:
            self._left_out[name] = said
            if name == SYSTEM:
                log.warning("%s refuses system messages (%s): they are merged into the first user message from now on", self._called, said)
            else:
                log.warning("%s refuses %s (%s): it is left out from now on", self._called, name, said)
        self._changed()
        return True

    def _rename_limit(self, wanted: str, sent_with: int) -> bool:
        if wanted == self._limit_name:
            return sent_with < self.version
        if not self._limit_names_left:
            return False
        self._limit_names_left -= 1
        self._limit_name = wanted
        log.info("%s asks for %s: sending that from now on", self._called, wanted)
        self._changed()
        return True

    def _changed(self) -> None:
        self.version += 1
        self._changes = bool(self._left_out) or self._limit_name == "max_completion_tokens"
