"""The ways a request can fail, and the ways a run can stop early.

FailureKind
    passing                 sent again after a wait
        throttled, unavailable, server_error, timed_out, connection_lost, cannot_connect, broken_body, broken_off, generation_failed
    the endpoint refuses    no row would fare better: the run stops
        unauthorized, forbidden, not_found, no_credential, quota_spent
    this row is refused     never sent again within the run; other rows go on
        bad_request, too_large, context_length_exceeded, content_filtered
    adapted                 the request is rephrased once and sent again at once
        wants_max_completion_tokens, wants_max_tokens, parameter_refused
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FailureKind(str, Enum):
    """Why an attempt gave no answer. The value is also the reason code in rejects.jsonl."""

    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    CONNECTION_LOST = "connection_lost"
    CANNOT_CONNECT = "cannot_connect"
    BROKEN_BODY = "broken_body"
    BROKEN_OFF = "broken_off"
    GENERATION_FAILED = "generation_failed"

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    NO_CREDENTIAL = "no_credential"
    QUOTA_SPENT = "quota_spent"

    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    CONTEXT_LENGTH_EXCEEDED = "context_length_exceeded"
    CONTENT_FILTERED = "content_filtered"

    WANTS_MAX_COMPLETION_TOKENS = "wants_max_completion_tokens"
    WANTS_MAX_TOKENS = "wants_max_tokens"
    PARAMETER_REFUSED = "parameter_refused"


PASSING = frozenset(
    {
        FailureKind.THROTTLED,
        FailureKind.UNAVAILABLE,
        FailureKind.SERVER_ERROR,
        FailureKind.TIMED_OUT,
        FailureKind.CONNECTION_LOST,
        FailureKind.CANNOT_CONNECT,
        FailureKind.BROKEN_BODY,
        FailureKind.BROKEN_OFF,
        FailureKind.GENERATION_FAILED,
    }
)
ENDPOINT_REFUSES = frozenset(
    {FailureKind.UNAUTHORIZED, FailureKind.FORBIDDEN, FailureKind.NOT_FOUND, FailureKind.NO_CREDENTIAL, FailureKind.QUOTA_SPENT}
)


class StopCause(str, Enum):
    """Why a run stopped before every row had its turn."""

    ENDPOINT_REFUSED = "endpoint_refused"
    ENDPOINT_GONE = "endpoint_gone"
    STORAGE_FAILED = "storage_failed"
    INTERRUPTED = "interrupted"
    BUDGET_SPENT = "budget_spent"


@dataclass(frozen=True, slots=True)
class EarlyStop:
    """An early stop and what a person should know of it."""

    cause: StopCause
    detail: str


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """How the last attempt of a request failed.

    ``status`` is the HTTP status, None when no response came. ``excerpt`` is the beginning of the response body.
    ``retry_after_s`` is the shortest wait the server asked for, None when it asked for none. ``parameters`` are the request fields that the
    teacher does not take, for ``PARAMETER_REFUSED``: names of the body's fields, or ``system`` for the system role. ``response_id`` is
    what the server calls this response in its own logs. ``is_ours``: this machine could not send the request, the endpoint has no part in it.
    """

    kind: FailureKind
    detail: str
    status: int | None = None
    excerpt: str = ""
    retry_after_s: float | None = None
    parameters: tuple[str, ...] = ()
    response_id: str | None = None
    is_ours: bool = False

    @property
    def shown(self) -> str:
        """The failure on one line, with the beginning of the endpoint's own words."""
        words = " ".join(self.excerpt.split())[:200]
        said = f": {words}" if words and words not in self.detail else ""
        return f"{self.kind.value} ({self.detail}{said})"
