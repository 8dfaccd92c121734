"""The ways a request can fail, and the ways a run can stop early."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Then(Enum):
    """What happens to a row whose request failed."""

    SENT_AGAIN = "sent again after a wait"
    STOPS_THE_RUN = "every row would fail"
    REJECTED = "not sent again in this run; other rows continue"
    REPHRASED = "sent again at once in another form, once"


class Sign(Enum):
    """What a failure says about the endpoint, and not about its row."""

    NOTHING = "nothing by itself"
    TROUBLE = "it may be out"
    BODY_UNREADABLE = "it may be out, or something else than a chat completions endpoint"
    REFUSAL = "it may refuse every request"
    ROW_REFUSAL = "it read the row and refuses it; before the first answer, perhaps our settings"
    UNCLEAR = "before the first answer like a refused row; after it, the endpoint may be out"


@dataclass(frozen=True, slots=True)
class KindBudget:
    """How often one kind of failure is retried.

    ``most`` failures of the kind, within ``lifetime_s`` seconds since the request was first sent; the first wait is at most
    ``base_s``, no wait exceeds ``longest_s``.
    """

    most: int
    lifetime_s: float
    base_s: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class _Entry:
    """The attributes of one kind; see ``FailureKind``."""

    code: str
    then: Then
    sign: Sign
    explanation: str
    budget: KindBudget | None = None
    weight: int = 1


class FailureKind(str, Enum):
    """Why an attempt gave no answer. The value is also the reason code in rejects.jsonl.

    ``then`` is what happens to the row; ``budget`` how often it is sent again, only for kinds that are. ``sign`` is what the
    failure says about the endpoint; ``weight`` how much it counts against a row while the endpoint answers others. ``explanation`` tells the
    user what the reject means, and what to do.
    """

    then: Then
    sign: Sign
    explanation: str
    budget: KindBudget | None
    weight: int

    def __new__(cls, entry: Any) -> FailureKind:  # an _Entry; ``FailureKind(code)`` is a look-up and does not call this
        member = str.__new__(cls, entry.code)
        member._value_ = entry.code
        member.then, member.sign, member.explanation = entry.then, entry.sign, entry.explanation
        member.budget, member.weight = entry.budget, entry.weight
        return member

    # an endpoint that works and asks for time gets the most tries; requests that may have been paid for get few
    THROTTLED = _Entry(
        "throttled",
        Then.SENT_AGAIN,
        Sign.NOTHING,
        "The endpoint kept answering 429. Run again, or allow more time with max_retry_time_interval.",
        budget=KindBudget(1000, lifetime_s=3600.0, base_s=0.5, longest_s=30.0),
    )
    UNAVAILABLE = _Entry(
        "unavailable",
        Then.SENT_AGAIN,
        Sign.TROUBLE,
        "The endpoint was unavailable (502, 503, 504) too often. Run again.",
        budget=KindBudget(100, lifetime_s=1800.0, base_s=0.5, longest_s=20.0),
    )
    SERVER_ERROR = _Entry(
        "server_error",
        Then.SENT_AGAIN,
        Sign.TROUBLE,
        "The endpoint failed with an internal error (500) too often. Run again.",
        budget=KindBudget(8, lifetime_s=1800.0, base_s=0.5, longest_s=20.0),
    )
    TIMED_OUT = _Entry(
        "timed_out",
        Then.SENT_AGAIN,
        Sign.TROUBLE,
        "No complete answer came in time. Run again, or raise initial_request_timeout; for streamed answers first_token_timeout or "
        "token_gap_timeout, whichever the detail names.",
        budget=KindBudget(4, lifetime_s=1800.0, base_s=0.5, longest_s=10.0),
        weight=4,
    )
    CONNECTION_LOST = _Entry(
        "connection_lost",
        Then.SENT_AGAIN,
        Sign.TROUBLE,
        "The connection broke too often. Run again.",
        budget=KindBudget(10, lifetime_s=1800.0, base_s=0.25, longest_s=10.0),
    )
    CANNOT_CONNECT = _Entry(
        "cannot_connect",
        Then.SENT_AGAIN,
        Sign.TROUBLE,
        "No connection could be made. Run again when the endpoint is up.",
        budget=KindBudget(100, lifetime_s=1800.0, base_s=0.5, longest_s=10.0),
    )
    BROKEN_BODY = _Entry(
        "broken_body",
        Then.SENT_AGAIN,
        Sign.BODY_UNREADABLE,
        "The response was not a chat completion too often. Run again.",
        budget=KindBudget(5, lifetime_s=1800.0, base_s=0.1, longest_s=5.0),
    )
    BROKEN_OFF = _Entry(
        "broken_off",
        Then.SENT_AGAIN,
        Sign.BODY_UNREADABLE,
        "The server broke off its answers too often (error, abort). Run again.",
        budget=KindBudget(5, lifetime_s=1800.0, base_s=0.5, longest_s=10.0),
    )
    GENERATION_FAILED = _Entry(
        "generation_failed",
        Then.SENT_AGAIN,
        Sign.ROW_REFUSAL,
        "The endpoint could not read what its model wrote (JSON, channels) too often. Run again.",
        budget=KindBudget(5, lifetime_s=1800.0, base_s=0.5, longest_s=10.0),
    )

    UNCLEAR_REFUSAL = _Entry(
        "unclear_refusal",
        Then.SENT_AGAIN,
        Sign.UNCLEAR,
        "The endpoint refused this request every time with an unknown message. The detail has it: run again if it describes a "
        "temporary fault, else change the row or remove it.",
        budget=KindBudget(3, lifetime_s=1800.0, base_s=2.0, longest_s=20.0),
    )

    UNAUTHORIZED = _Entry(
        "unauthorized",
        Then.STOPS_THE_RUN,
        Sign.REFUSAL,
        "The endpoint refused the credential. Give a valid one and run again.",
        weight=3,
    )
    FORBIDDEN = _Entry(
        "forbidden",
        Then.STOPS_THE_RUN,
        Sign.REFUSAL,
        "The credential may not use this endpoint. Get it the permission, or use another one, and run again.",
        weight=3,
    )
    NOT_FOUND = _Entry(
        "not_found",
        Then.STOPS_THE_RUN,
        Sign.REFUSAL,
        "The endpoint does not have this route or model. Check teacher_model_endpoint_url and model, and run again.",
        weight=3,
    )
    NO_TRUST = _Entry(
        "no_trust",
        Then.STOPS_THE_RUN,
        Sign.REFUSAL,
        "The endpoint's certificate cannot be trusted, or its port speaks TLS and the address does not, or the reverse. The detail says what "
        "to change; then run again.",
        weight=3,
    )
    NO_CREDENTIAL = _Entry(
        "no_credential",
        Then.STOPS_THE_RUN,
        Sign.NOTHING,
        "No credential was found. The detail says where we looked.",
    )
    QUOTA_SPENT = _Entry("quota_spent", Then.STOPS_THE_RUN, Sign.NOTHING, "The account has no credit or quota left. Add some, then run again.")

    BAD_REQUEST = _Entry("bad_request", Then.REJECTED, Sign.ROW_REFUSAL, "The endpoint refused this request (400). The detail says why.")
    TOO_LARGE = _Entry(
        "too_large",
        Then.REJECTED,
        Sign.ROW_REFUSAL,
        "The request is larger than the endpoint or its limits ever allow, or its answer is larger than any real one. The "
        "detail says which. Shorten the row.",
    )
    CONTEXT_LENGTH_EXCEEDED = _Entry(
        "context_length_exceeded",
        Then.REJECTED,
        Sign.ROW_REFUSAL,
        "Prompt and answer do not fit the model's context. Shorten the row, or lower teacher_model_max_new_tokens.",
    )
    CONTENT_FILTERED = _Entry(
        "content_filtered",
        Then.REJECTED,
        Sign.NOTHING,
        "The endpoint's content filter, or the teacher itself, refused the prompt or withheld the answer. Rephrase the row or remove "
        "it, or change the filter's settings.",
    )

    WANTS_MAX_COMPLETION_TOKENS = _Entry(
        "wants_max_completion_tokens",
        Then.REPHRASED,
        Sign.NOTHING,
        "Never a row's reason: the request is sent in another form.",
    )
    WANTS_MAX_TOKENS = _Entry("wants_max_tokens", Then.REPHRASED, Sign.NOTHING, "Never a row's reason: the request is sent in another form.")
    PARAMETER_REFUSED = _Entry(
        "parameter_refused",
        Then.REPHRASED,
        Sign.NOTHING,
        "The teacher refuses a setting of the request. Leave it out by giving it the value none.",
    )


def _kinds(*signs: Sign) -> frozenset[FailureKind]:
    return frozenset(kind for kind in FailureKind if kind.sign in signs)


ENDPOINT_REFUSES = frozenset(kind for kind in FailureKind if kind.then is Then.STOPS_THE_RUN)
REPHRASED = frozenset(kind for kind in FailureKind if kind.then is Then.REPHRASED)
UNREADABLE = _kinds(Sign.BODY_UNREADABLE)
TROUBLE = _kinds(Sign.TROUBLE, Sign.BODY_UNREADABLE, Sign.UNCLEAR)
REFUSAL = _kinds(Sign.REFUSAL)
ROW_REFUSAL = _kinds(Sign.ROW_REFUSAL, Sign.UNCLEAR)


class StopCause(str, Enum):
    """Why a run stopped before every row was processed. ``ENOUGH_ACCEPTED`` ends a split and not the run."""

    ENDPOINT_REFUSED = "endpoint_refused"
    ENDPOINT_GONE = "endpoint_gone"
    STORAGE_FAILED = "storage_failed"
    INTERRUPTED = "interrupted"
    BUDGET_SPENT = "budget_spent"
    ENOUGH_ACCEPTED = "enough_accepted"


@dataclass(frozen=True, slots=True)
class EarlyStop:
    """An early stop and what to tell the user."""

    cause: StopCause
    detail: str


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """How the last attempt of a request failed.

    ``status`` is the HTTP status, None when no response came. ``excerpt`` is the beginning of the response body.
    ``retry_after_s`` is the shortest wait the server asked for, None when it asked for none. ``parameters`` are the request fields that the
    teacher refuses, for ``PARAMETER_REFUSED``: names of the body's fields, or ``system`` for the system role. ``response_id`` is the
    response's id in the server's logs. ``is_ours``: this machine could not send the request; the endpoint is not involved.
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
        """The failure on one line, with the beginning of the endpoint's message."""
        words = " ".join(self.excerpt.split())[:200]
        said = f": {words}" if words and words not in self.detail else ""
        return f"{self.kind.value} ({self.detail}{said})"
