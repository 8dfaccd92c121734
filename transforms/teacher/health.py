"""Is the endpoint or the row at fault: when to stop sending rows and send a test question, and when to stop the run.

A failed row says little about the endpoint: it may be a row that the endpoint cannot process. So consecutive failures only raise a doubt.
During a doubt one request at a time is sent: first rows that never failed, then our test question (``own_question``). If it is answered,
the rows failed by themselves, and their failures count against them. If not, the endpoint is out: the rows' failures are forgiven when it
is back, and the run stops when the patience ends. A state machine without a clock; every call passes the time in seconds.
"""

from __future__ import annotations

from enum import Enum

from transforms.elements.failures import REFUSAL, ROW_REFUSAL, TROUBLE, UNREADABLE, EarlyStop, FailureKind, RequestFailure, StopCause
from transforms.teacher.refusal_words import begins_with, no_room_text, refusal_text, settings_refused_text
from transforms.teacher.specs import PatienceSpec

DOUBT_AFTER = 8  # consecutive failures; with 10 % faults the chance of this is one in a hundred million
DOUBT_AFTER_REFUSALS = 20
DOUBT_AFTER_FIRST_REFUSALS = 3  # before the first answer
FEW_ROWS = 2  # when fewer rows than these numbers are left: this many failures more than rows
ROWS_REFUSED_BEFORE_QUESTION = 8  # before the first answer
ROWS_REFUSED_BEFORE_STOP = 30
ROWS_FROM_ELSEWHERE = 8  # of these, rows from other places of the input
ROWS_BEFORE_QUESTION = 2  # rows that never failed are tried first, because their answers are useful and the question's is not
MOST_BY_ITSELF = 8
"""Weight of a row's failures, while others were answered, that rejects it. Less would lose rows at an endpoint that fails sometimes."""
THROTTLED_SHARE = 0.2  # of the patience with only 429s: then other rows are tried, because those waiting may be too large for the rate limit
REFUSAL_PATIENCE_S = 10.0  # an endpoint that answered before may be between two deployments
BUSY_S = 0.5  # with answers at least this often, a 503 means a busy endpoint: fewer requests at a time, but no pause
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0


class Doubt(Enum):
    """What our test question is to find out."""

    IS_IT_THERE = "is it there"  # a few tokens are enough
    DOES_IT_TAKE_OUR_SETTINGS = "does it take our settings"  # with the token limit that rows have


class Finding(Enum):
    """What our test question found out."""

    NOTHING = "nothing"
    ROWS_AT_FAULT = "rows at fault"
    ENDPOINT_IS_BACK = "endpoint is back"


class EndpointHealth:
    """The endpoint's known state. ``chat_url`` names it in messages, ``max_new_tokens`` is the token limit of every row."""

    def __init__(self, chat_url: str, patience: PatienceSpec, max_new_tokens: int = 0) -> None:
        self._chat_url = chat_url
        self._patience = patience
        self._max_new_tokens = max_new_tokens
        self._trouble = 0
        self._refusals = 0
        self._rows_refused = 0
        self._refused_before_answer = 0  # all of them, for the message: a test question lowers the count before
        self._rows_too_long = 0
        self._answers_too_large = 0
        self._rows_answered = 0
        self._settings_taken = False
        self._settings_asked = False
        self._ever_heard = False
        self._ever_readable = False
        self._doubt: Doubt | None = None
        self._out = False
        self._rows_tried = 0
        self._silent_since_s: float | None = None
        self._latest: RequestFailure | None = None
        self._pause_s = FIRST_PAUSE_S
        self._next_question_s = 0.0
        self._throttled_out_before = False
        self._throttled_long = False
        self._unavailable = False

    @property
    def doubt(self) -> Doubt | None:
        """During a doubt one request at a time is sent: a row with few failures, or our test question."""
        return self._doubt

    @property
    def out(self) -> bool:
        """Whether our test question showed that the endpoint does not answer."""
        return self._out

    @property
    def answers_rows(self) -> bool:
        """Whether a row has been answered."""
        return self._rows_answered > 0

    @property
    def wants_rows_from_elsewhere(self) -> bool:
        """Whether to try rows from other places of the input instead of the next ones."""
        return self._throttled_long or (not self._rows_answered and (self._rows_refused > 0 or self._rows_too_long > 0))

    @property
    def latest_failure(self) -> RequestFailure | None:
        """The latest failure since the latest answer."""
        return self._latest

    @property
    def patience_s(self) -> float:
        """Seconds without an answer until the run stops, for failures of the latest kind."""
        return self._patience.outage_s if self._latest is None else self._patience_with(self._latest)

    def silent_s(self, now_s: float) -> float:
        """Seconds since the first failure after the latest answer; 0 if there is none."""
        return 0.0 if self._silent_since_s is None else now_s - self._silent_since_s

    def question_delay_s(self, now_s: float) -> float:
        """During a doubt: seconds until the next question."""
        return max(0.0, self._next_question_s - now_s)

    def tries_a_row(self, now_s: float) -> bool:
        """During a doubt: whether to send a row with few failures, if there is one, before the question."""
        if self.silent_s(now_s) >= self.patience_s:
            return False  # our question decides
        return self._out or self._rows_tried < ROWS_BEFORE_QUESTION

    def tried_row_failed(self, now_s: float) -> None:
        """The row that was tried during a doubt failed too."""
        self._rows_tried += 1
        self._wait_longer(now_s)

    def answered(self) -> bool:
        """A row was answered. True when that ends an outage."""
        self._rows_answered += 1
        if self._silent_since_s is None and self._doubt is None and self._ever_readable and self._rows_answered > 1:
            return False
        was_out = self._out
        self._settings_taken = self._ever_readable = True
        self._rows_refused = self._rows_too_long = self._answers_too_large = 0
        self._throttled_out_before = False
        self._clear()
        return was_out

    def failed(self, now_s: float, failure: RequestFailure, rows_left: int, prompt_tokens: float = 0.0) -> EarlyStop | None:
        """An attempt at a row failed; ``rows_left`` counts unfinished rows, including this one; its prompt has about ``prompt_tokens``.

        Returns an EarlyStop when every row would fail.
        """
        kind = failure.kind
        if kind is FailureKind.NO_CREDENTIAL:
            return EarlyStop(StopCause.ENDPOINT_REFUSED, f"there is no credential for {self._chat_url}: {failure.detail}")
        if kind is FailureKind.QUOTA_SPENT or (kind is FailureKind.UNAUTHORIZED and not self._rows_answered and not self._settings_taken):
            return self._refused(failure)
        self._latest = failure
        self._unavailable |= kind is FailureKind.UNAVAILABLE
        if self._silent_since_s is None:
            self._silent_since_s = now_s
        if self._is_trouble(kind):
            self._trouble += kind.weight
            if failure.status is not None:
                self._ever_heard = True
            busy = kind is FailureKind.UNAVAILABLE and failure.status is not None and self.silent_s(now_s) < BUSY_S and self._rows_answered
            if self._trouble >= min(DOUBT_AFTER, FEW_ROWS + rows_left) and not busy:
                self._raise_doubt(Doubt.IS_IT_THERE)
            return None
        self._ever_heard = True
        self._trouble = 0
        if kind in REFUSAL:
            self._refusals += 1
            enough = DOUBT_AFTER_REFUSALS if self._rows_answered else DOUBT_AFTER_FIRST_REFUSALS
            if self._refusals >= min(enough, FEW_ROWS + rows_left):
                self._raise_doubt(Doubt.DOES_IT_TAKE_OUR_SETTINGS)
        elif kind is not FailureKind.THROTTLED:
            self._refusals = 0
            self._silent_since_s = None  # it reads rows and judges them, so it is not silent
            if kind in ROW_REFUSAL and not self._rows_answered:
                return self._row_refused(failure, prompt_tokens)
        return None

    def question_answered(self) -> Finding:
        """Our test question was answered."""
        finding = Finding.ENDPOINT_IS_BACK if self._out else Finding.ROWS_AT_FAULT
        self._settings_taken = self._settings_taken or self._doubt is Doubt.DOES_IT_TAKE_OUR_SETTINGS
        self._ever_readable = True
        self._leave_some_to_try()
        self._clear()
        return finding

    def _leave_some_to_try(self) -> None:
        """After the question, try rows from other places of the input before the decision."""
        most = ROWS_REFUSED_BEFORE_STOP - ROWS_FROM_ELSEWHERE
        self._rows_refused, self._rows_too_long = min(self._rows_refused, most), min(self._rows_too_long, most)

    def question_failed(self, now_s: float, failure: RequestFailure) -> EarlyStop | None:
        """Our test question failed too. Returns an EarlyStop when the patience ends."""
        self._wait_longer(now_s)
        silent_s = self.silent_s(now_s)
        kind = failure.kind
        self._unavailable |= kind is FailureKind.UNAVAILABLE
        if kind in (FailureKind.NO_CREDENTIAL, FailureKind.QUOTA_SPENT):
            return self._refused(failure)
        if self._is_trouble(kind) or kind is FailureKind.THROTTLED:
            self._out = True
            self._ever_heard = self._ever_heard or failure.status is not None
            return self._stop_when_patience_ends(silent_s, failure)
        if kind in REFUSAL:
            if self._refusals and silent_s >= self._patience_with(failure):
                return self._refused(failure)
            self._out = bool(self._refusals)
            if self._out:
                return None
        elif kind is FailureKind.CONTEXT_LENGTH_EXCEEDED and not self._rows_answered and self._doubt is Doubt.DOES_IT_TAKE_OUR_SETTINGS:
            return EarlyStop(StopCause.ENDPOINT_REFUSED, no_room_text(self._chat_url, self._max_new_tokens, failure, by_own_question=True))
        # it works and judges requests: rows continue, each with its own budget
        self._trouble = self._refusals = 0
        self._leave_some_to_try()
        self._doubt = None
        self._out = False
        return None

    def look(self, now_s: float) -> None:
        """Call regularly: time has passed."""
        throttled = self._latest is not None and self._latest.kind is FailureKind.THROTTLED
        self._throttled_long = throttled and self.silent_s(now_s) >= THROTTLED_SHARE * self._patience.outage_s
        if self.silent_s(now_s) >= self._patience.outage_s:
            self._raise_doubt(Doubt.IS_IT_THERE)

    def only_throttled(self, few_rows: bool) -> EarlyStop | None:
        """Rows got only 429s until the patience ended, but our test question was answered: rows of this size do not fit.

        If only ``few_rows`` are left, or others were answered before, these rows become rejects; else an EarlyStop.
        """
        if few_rows or (self._rows_answered and not self._throttled_out_before):
            self._throttled_out_before = True
            return None
        assert self._latest is not None
        return EarlyStop(
            StopCause.ENDPOINT_REFUSED,
            f"{self._chat_url} answered no row for {self._patience.outage_s:.0f} s, only a short question of our own, and throttles the rest "
            f"({self._latest.detail}{begins_with(self._latest)}). What one row costs may be more than its rate limit allows at all: "
            "look at the limits of this deployment, and at teacher_model_max_new_tokens.",
        )

    def _wait_longer(self, now_s: float) -> None:
        self._next_question_s = now_s + self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, 2.0 * self._pause_s)

    def _raise_doubt(self, doubt: Doubt) -> None:
        if self._doubt is None:
            self._doubt = doubt
            self._rows_tried = 0

    def _clear(self) -> None:
        self._ever_heard = True
        self._trouble = self._refusals = 0
        self._doubt = None
        self._out = False
        self._silent_since_s = None
        self._latest = None
        self._throttled_long = self._unavailable = False
        self._pause_s = FIRST_PAUSE_S
        self._next_question_s = 0.0

    def _refused(self, failure: RequestFailure) -> EarlyStop:
        return EarlyStop(StopCause.ENDPOINT_REFUSED, refusal_text(self._chat_url, failure, self._rows_answered))

    def _row_refused(self, failure: RequestFailure, prompt_tokens: float) -> EarlyStop | None:
        too_long = failure.kind is FailureKind.CONTEXT_LENGTH_EXCEEDED
        if too_long and prompt_tokens > self._max_new_tokens:
            return None  # the row itself is long
        self._rows_too_long += too_long
        self._rows_refused += not too_long
        self._refused_before_answer += not too_long
        self._answers_too_large += failure.kind is FailureKind.TOO_LARGE and (failure.status or 400) < 300
        if self._rows_too_long + self._rows_refused >= ROWS_REFUSED_BEFORE_QUESTION and not self._settings_asked:
            self._settings_asked = True
            self._raise_doubt(Doubt.DOES_IT_TAKE_OUR_SETTINGS)
        if self._doubt is not None:
            return None
        if self._rows_too_long >= ROWS_REFUSED_BEFORE_STOP:
            return EarlyStop(StopCause.ENDPOINT_REFUSED, no_room_text(self._chat_url, self._max_new_tokens, failure, by_own_question=False))
        if self._answers_too_large >= ROWS_REFUSED_BEFORE_STOP:  # each was paid for, and a test question would not help
            return EarlyStop(
                StopCause.ENDPOINT_REFUSED,
                f"{self._chat_url} answers, but with nothing that a teacher says: none of the first {self._answers_too_large} rows, from "
                f"several places of the input, got an answer that can be read ({failure.detail}{begins_with(failure)}). Is this the address of "
                "a model? See teacher_model_endpoint_url.",
            )
        if self._rows_refused >= ROWS_REFUSED_BEFORE_STOP and not self._settings_taken:
            return EarlyStop(
                StopCause.ENDPOINT_REFUSED, settings_refused_text(self._chat_url, self._max_new_tokens, failure, self._refused_before_answer)
            )
        return None

    def _is_trouble(self, kind: FailureKind) -> bool:
        """Unknown words are trouble only from an endpoint that has answered rows: otherwise it may refuse our settings."""
        return kind in TROUBLE and (self._rows_answered > 0 or kind not in ROW_REFUSAL)

    def _never_there(self, failure: RequestFailure) -> bool:
        return failure.kind is FailureKind.CANNOT_CONNECT and not self._ever_heard

    def _never_readable(self, failure: RequestFailure) -> bool:
        return failure.kind in UNREADABLE and not self._ever_readable

    def _patience_with(self, failure: RequestFailure) -> float:
        if failure.kind is FailureKind.NOT_FOUND and self._unavailable:  # some routers say so of a model without replicas
            return self._patience.outage_s if self._rows_answered else self._patience.first_answer_s
        if failure.kind is FailureKind.NO_TRUST and self._rows_answered:  # its certificate is being renewed
            return self._patience.outage_s
        if failure.kind in REFUSAL:
            return REFUSAL_PATIENCE_S if self._rows_answered else 0.0
        if self._never_there(failure) or self._never_readable(failure):
            return self._patience.first_answer_s
        return self._patience.outage_s

    def _stop_when_patience_ends(self, silent_s: float, failure: RequestFailure) -> EarlyStop | None:
        if silent_s < self._patience_with(failure):
            return None
        never_there, never_readable = self._never_there(failure), self._never_readable(failure)
        said = f"last {failure.kind.value} ({failure.detail}{begins_with(failure)})"
        if never_readable and failure.kind is FailureKind.BROKEN_OFF:
            what = f"{self._chat_url} breaks off every answer, for {silent_s:.0f} s: {said}. Its own log says why."
            return EarlyStop(StopCause.ENDPOINT_REFUSED, what)
        if never_readable:
            what = f"{self._chat_url} answers, but with nothing that is a chat completion, for {silent_s:.0f} s: {said}."
            return EarlyStop(StopCause.ENDPOINT_REFUSED, f"{what} See teacher_model_endpoint_url.")
        if failure.kind is FailureKind.THROTTLED:
            waits = "A longer outage_patience waits longer."
            return EarlyStop(StopCause.ENDPOINT_REFUSED, f"{self._chat_url} only throttles: no answer for {silent_s:.0f} s, {said}. {waits}")
        what = "cannot be reached" if never_there else "stopped answering" if self._rows_answered else "does not answer"
        asked = " Is teacher_model_endpoint_url right, and is the server up?" if never_there else ""
        return EarlyStop(StopCause.ENDPOINT_GONE, f"{self._chat_url} {what}: nothing for {silent_s:.0f} s, {said}.{asked}")
