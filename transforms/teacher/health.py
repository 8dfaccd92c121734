"""Is the endpoint there at all: pause and probe when it stops answering, stop the run when there is no point in going on.

A circuit breaker without a clock of its own; every call tells the time in seconds.
"""

from __future__ import annotations

from transforms.elements.failures import EarlyStop, FailureKind, RequestFailure, StopCause
from transforms.teacher.specs import PatienceSpec

TROUBLE = frozenset(
    {
        FailureKind.CANNOT_CONNECT,
        FailureKind.CONNECTION_LOST,
        FailureKind.TIMED_OUT,
        FailureKind.UNAVAILABLE,
        FailureKind.SERVER_ERROR,
    }
)
OPEN_AFTER = 8  # failures in a row; at 10 % faults that many by chance is one in a hundred million
REFUSALS_BEFORE_FIRST_ANSWER = 3
REFUSALS_AFTER_ANSWERS = 20
BAD_REQUESTS_BEFORE_FIRST_ANSWER = 30
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0


class EndpointHealth:
    """What is known of the endpoint's state. ``chat_url`` names it in messages."""

    def __init__(self, chat_url: str, patience: PatienceSpec) -> None:
        self._chat_url = chat_url
        self._patience = patience
        self._trouble_in_a_row = 0
        self._refusals = 0
        self._bad_requests = 0
        self._ever_answered = False
        self._ever_heard = False
        self._trouble_since_s: float | None = None
        self._pause_s = FIRST_PAUSE_S
        self._next_probe_s = 0.0

    @property
    def paused(self) -> bool:
        """Whether the circuit is open: only one probe at a time may be sent."""
        return self._trouble_in_a_row >= OPEN_AFTER

    def probe_delay_s(self, now_s: float) -> float:
        """While paused: seconds until the next probe."""
        return max(0.0, self._next_probe_s - now_s)

    def answered(self) -> bool:
        """An answer came. True when that ends a pause."""
        was_paused = self.paused
        self._ever_answered = True
        self._refusals = 0
        self._heard()
        return was_paused

    def failed(self, now_s: float, failure: RequestFailure) -> EarlyStop | None:
        """An attempt failed. An EarlyStop when going on makes no sense."""
        kind = failure.kind
        if kind is FailureKind.NO_CREDENTIAL:
            return EarlyStop(StopCause.ENDPOINT_REFUSED, f"there is no credential for {self._chat_url}: {failure.detail}")
        if kind is FailureKind.QUOTA_SPENT:
            return EarlyStop(StopCause.ENDPOINT_REFUSED, self.refusal_text(failure))
        if kind in TROUBLE:
            return self._in_trouble(now_s, failure)
        self._heard()
        if kind in (FailureKind.FORBIDDEN, FailureKind.NOT_FOUND, FailureKind.UNAUTHORIZED):
            self._refusals += 1
            allowed = REFUSALS_AFTER_ANSWERS if self._ever_answered else REFUSALS_BEFORE_FIRST_ANSWER
            if self._refusals >= allowed:
                return EarlyStop(StopCause.ENDPOINT_REFUSED, self.refusal_text(failure))
        elif kind in (FailureKind.BAD_REQUEST, FailureKind.TOO_LARGE) and not self._ever_answered:
            self._bad_requests += 1
            if self._bad_requests >= BAD_REQUESTS_BEFORE_FIRST_ANSWER:
                return EarlyStop(
                    StopCause.ENDPOINT_REFUSED,
                    f"{self._chat_url} refused the first {self._bad_requests} requests ({failure.detail}: "
                    f"{failure.excerpt.strip()[:300]}). Look at the model name, the sampling settings and extra_body.",
                )
        return None

    def refusal_text(self, failure: RequestFailure) -> str:
        """What a person should know of a refusal by the endpoint itself."""
        advice = {
            FailureKind.UNAUTHORIZED: "The credential is missing, wrong or expired: see authentication_type and what it names.",
            FailureKind.FORBIDDEN: "The credential is known but may not use this endpoint: see its permissions or network rules.",
            FailureKind.QUOTA_SPENT: "The account has no credit or quota left: add some, then run the same command again.",
            FailureKind.NOT_FOUND: "There is no chat completions route here, or no such model: see teacher_model_endpoint_url and model.",
        }[failure.kind]
        said = f": {failure.excerpt.strip()[:300]}" if failure.excerpt.strip() else ""
        return f"{self._chat_url} answered {failure.detail}{said}. {advice}"

    def _heard(self) -> None:
        self._ever_heard = True
        self._trouble_in_a_row = 0
        self._trouble_since_s = None
        self._pause_s = FIRST_PAUSE_S

    def _in_trouble(self, now_s: float, failure: RequestFailure) -> EarlyStop | None:
        self._trouble_in_a_row += 1
        if failure.status is not None:
            self._ever_heard = True
        if self._trouble_since_s is None:
            self._trouble_since_s = now_s
        lasted_s = now_s - self._trouble_since_s
        never_there = not self._ever_heard and failure.kind is FailureKind.CANNOT_CONNECT
        patience_s = self._patience.first_answer_s if never_there else self._patience.outage_s
        if self._trouble_in_a_row >= OPEN_AFTER and self._next_probe_s <= now_s:
            self._next_probe_s = now_s + self._pause_s
            self._pause_s = min(LONGEST_PAUSE_S, 2.0 * self._pause_s)
        if lasted_s >= patience_s:
            what = "cannot be reached" if never_there else "stopped answering"
            return EarlyStop(
                StopCause.ENDPOINT_GONE,
                f"{self._chat_url} {what}: nothing for {lasted_s:.0f} s, last {failure.kind.value} ({failure.detail}).",
            )
        return None
