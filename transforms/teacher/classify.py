"""The meaning of an HTTP response that is not an answer: by status, and by the body's words if the status is not enough.

Statuses follow the contract of Azure's batch scoring (without its faults: 403 is final here, resets are not) and the error bodies of
OpenAI-style servers. A 424 has the model server's own status in a header and counts as that; without the header its body is read for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from transforms.elements.failures import FailureKind
from transforms.teacher import error_words as words
from transforms.teacher.error_body import ErrorBody, plain, read_error
from transforms.teacher.offline_backends import offline_backend
from transforms.teacher.refused_parameters import Asked, read_request, refused_parameters
from transforms.teacher.server_hints import retry_after_s, wait_in_words_s
from transforms.teacher.tls_responses import tls_fault_in

MODEL_STATUS_HEADER = "ms-azureml-model-error-statuscode"
MODEL_REASON_HEADER = "ms-azureml-model-error-reason"
AWS_ERROR_HEADER = "x-amzn-errortype"
LONG_WAIT_S = 3600.0
LONGEST_RATE_S = 24 * 3600.0
"""No limit of a rate lasts a day: a 429 that asks for more is a spent quota, whatever its words."""
LONGEST_CODE = 200

_BY_STATUS = {
    400: FailureKind.BAD_REQUEST,
    401: FailureKind.UNAUTHORIZED,
    402: FailureKind.QUOTA_SPENT,
    403: FailureKind.FORBIDDEN,
    404: FailureKind.NOT_FOUND,
    405: FailureKind.NOT_FOUND,
    407: FailureKind.FORBIDDEN,
    408: FailureKind.TIMED_OUT,
    409: FailureKind.UNAVAILABLE,
    410: FailureKind.NOT_FOUND,  # a model that is no longer served
    413: FailureKind.TOO_LARGE,
    420: FailureKind.THROTTLED,
    422: FailureKind.BAD_REQUEST,
    425: FailureKind.UNAVAILABLE,
    429: FailureKind.THROTTLED,
    440: FailureKind.UNAVAILABLE,  # IIS: the session ran out
    449: FailureKind.UNAVAILABLE,  # IIS: retry with
    451: FailureKind.CONTENT_FILTERED,
    460: FailureKind.CONNECTION_LOST,  # AWS load balancer: the client is gone
    498: FailureKind.UNAVAILABLE,  # Groq: no capacity left in the flex tier
    499: FailureKind.CONNECTION_LOST,  # nginx: the client is gone
    500: FailureKind.SERVER_ERROR,
    501: FailureKind.NOT_FOUND,  # a server without POST
    502: FailureKind.UNAVAILABLE,
    503: FailureKind.UNAVAILABLE,
    504: FailureKind.TIMED_OUT,
    520: FailureKind.UNAVAILABLE,  # Cloudflare, to 527: the server behind it
    521: FailureKind.UNAVAILABLE,
    522: FailureKind.UNAVAILABLE,
    523: FailureKind.UNAVAILABLE,
    524: FailureKind.TIMED_OUT,
    525: FailureKind.UNAVAILABLE,
    526: FailureKind.UNAVAILABLE,
    527: FailureKind.UNAVAILABLE,
    529: FailureKind.THROTTLED,
    530: FailureKind.UNAVAILABLE,
}
_BY_MODEL_REASON = {
    "model_not_ready": FailureKind.UNAVAILABLE,
    "too_few_model_instance": FailureKind.UNAVAILABLE,
    "too_many_pending_request": FailureKind.THROTTLED,
}
_BY_STATUS_ALONE = frozenset({404, 405, 407, 408, 410, 451, 501})
_OF_THE_WAY = frozenset({502, 503, 504, *range(520, 531)})
"""Statuses of proxies and of full servers: they say nothing about the request."""
_VAGUE_STATUSES = frozenset({400, 403, 422, 500})
"""Statuses that some servers use for every error, so a more precise code in the body has priority."""
_PRECISE_STATUSES = frozenset({401, 404, 429, 503, 504})
_CUT_OFF = b"max completion tokens reached"  # replaces the generated text, if Groq's JSON mode needed more tokens
_QUEUE = re.compile(r"\bqueue\b")
_NO_TRAFFIC = b"Specified traffic group could not be found"  # an online endpoint between two deployments


class Classified(NamedTuple):
    """The kind of a failure, the request fields that the teacher refuses, and the requested wait in seconds."""

    kind: FailureKind
    parameters: tuple[str, ...] = ()
    wait_s: float | None = None


def classify(status: int, headers: Mapping[str, str], body: object, request: bytes = b"", now_epoch_s: float = 0.0) -> Classified:
    """The meaning of a response with a status other than 2xx.

    ``body`` is its bytes, or the parsed value; ``request`` the body that was sent: the row's own text does not count as the server's
    words. Unknown 4xx count as refused rows, unknown 5xx as server errors.
    """
    if status == 424:
        by_reason = _BY_MODEL_REASON.get(headers.get(MODEL_REASON_HEADER, ""))
        if by_reason is not None:
            return Classified(by_reason, wait_s=retry_after_s(headers, now_epoch_s))
        reported = headers.get(MODEL_STATUS_HEADER, "")
        if reported.isascii() and reported.isdigit() and 400 <= int(reported) < 600:
            status = int(reported)
    if offline_backend(status, headers, body) is not None:
        return Classified(FailureKind.UNAVAILABLE, wait_s=retry_after_s(headers, now_epoch_s))
    reading = _Reading(status, body, request, retry_after_s(headers, now_epoch_s), now_epoch_s)
    if status == 424:
        reading.status = reading.status_of_model()
    reading.take_code(headers.get(AWS_ERROR_HEADER, ""))
    return reading.classified()


def classify_inside(
    reported: object, request: bytes, otherwise: FailureKind, headers: Mapping[str, str] | None = None, now_epoch_s: float = 0.0
) -> tuple[Classified, int | None]:
    """The meaning of an error in a body of status 200, and the status in it; ``otherwise`` if it is unknown."""
    reading = _Reading(None, reported, request, retry_after_s(headers or {}, now_epoch_s), now_epoch_s)
    if reading.status is None:
        return reading.words_alone() or Classified(otherwise), None
    return reading.classified(), reading.error.status


class _Reading:
    """One response and the request it answers."""

    def __init__(self, status: int | None, body: object, request: bytes, asked_wait_s: float | None, now_epoch_s: float) -> None:
        self._body = body
        self._request = request
        self._asked: Asked | None = None
        self.error: ErrorBody = read_error(body, now_epoch_s)
        self._message = self.error.message
        self.status = status if status is not None else self.error.status or self._status_by_code()
        self._wait_s = next((wait_s for wait_s in (asked_wait_s, self.error.wait_s) if wait_s is not None), None)
        if self._wait_s is None:
            self._wait_s = wait_in_words_s(self._message)

    def take_code(self, code: str) -> None:
        """A code from a header: Bedrock names the error there, also throttling with status 400, followed by a colon and an address."""
        if code:
            self.error.codes.insert(0, plain(code[:LONGEST_CODE].partition(":")[0]))

    def status_of_model(self) -> int:
        """The status that the model server's body names or means, for a 424 without headers; 500 if none."""
        named = self.error.status
        if named is not None and named != 424:
            return named
        if self.error.sentences == ["not found"]:  # a web framework's body for an unknown route
            return 404
        return 422 if self.error.parameters else self._status_by_code() or 500

    def classified(self) -> Classified:
        """By status, refined by the words."""
        status = self.status
        assert status is not None
        if status in _BY_STATUS_ALONE or status < 400:
            return Classified(self._by_status(status), wait_s=self._wait_s)
        refined = self._by_words(status)
        if refined is not None:
            return refined
        if status in _VAGUE_STATUSES:
            precise = self._status_by_code()
            if precise in _PRECISE_STATUSES:
                status = precise
            elif status != 500 and self._said(words.KEY_REFUSED):
                status = 401
            elif status in (400, 422) and self._said(words.NO_PERMISSION):
                status = 403
            elif status != 500 and (self._said(words.PACE) or self._said(words.ASKED_TO_WAIT) or self._quota_returns_soon()):
                status = 429
            elif status in (400, 422) and self._said(words.NOT_HERE):
                status = 404
            elif status in (400, 422, 500) and self._said(words.FULL):
                status = 503
            elif status == 400 and self._said(words.TOO_LATE):
                status = 504
            elif status in (400, 422) and self._server_is_at_fault():
                status = 500
        kind = self._by_status(status)
        if kind is FailureKind.BAD_REQUEST and not self.error.parameters and not self._said(words.REQUEST_AT_FAULT):
            kind = FailureKind.UNCLEAR_REFUSAL
        return Classified(kind, wait_s=self._wait_s)

    def words_alone(self) -> Classified | None:
        """For an error without any status."""
        refined = self._by_words(400)
        if refined is not None:
            return refined
        meanings = {
            401: words.KEY_REFUSED,
            429: words.PACE,
            504: words.TOO_LATE,
            503: words.BUSY,
            404: words.NOT_HERE,
            500: words.SERVER_FAULT,
            400: words.REQUEST_INVALID,
        }
        status = next((status for status, pattern in meanings.items() if self._said(pattern)), None)
        return None if status is None else Classified(self._by_status(status), wait_s=self._wait_s)

    def _by_words(self, status: int) -> Classified | None:
        if self._money_is_gone(status):
            return Classified(FailureKind.QUOTA_SPENT)
        if status == 402:
            return Classified(FailureKind.THROTTLED, wait_s=self._wait_s)
        if status == 429:
            return Classified(FailureKind.TOO_LARGE) if self._can_never_fit() else None
        if status in (502, 503) and self._said(words.CONTEXT_LENGTH_GIVEN) and self._is_too_long():
            return Classified(FailureKind.CONTEXT_LENGTH_EXCEEDED)
        if status == 401 or status in _OF_THE_WAY:
            return None
        if status in (400, 422, 500) and self._said(words.GENERATION_FAILED):
            cut_off = isinstance(self._body, bytes) and _CUT_OFF in self._body
            return Classified(FailureKind.BAD_REQUEST if cut_off else FailureKind.GENERATION_FAILED)
        if self._said(words.NOT_LET_IN):
            return Classified(FailureKind.FORBIDDEN)
        if self._is_too_long():
            return Classified(FailureKind.CONTEXT_LENGTH_EXCEEDED)
        if self._said(words.FILTERED):
            return Classified(FailureKind.CONTENT_FILTERED)
        if status != 413 and self._can_never_fit():
            return Classified(FailureKind.TOO_LARGE)
        refused = self._refused_parameters() if status in _VAGUE_STATUSES else None
        if refused is None and status == 500 and self._said(words.CANNOT_BE_RENDERED):
            return Classified(FailureKind.BAD_REQUEST)
        return refused

    def _money_is_gone(self, status: int) -> bool:
        if status == 402 and self._wait_s is None:
            return True  # with a wait it is a gateway that counts requests in flight (OpenRouter)
        if self._said(words.ALLOTTED_PACE):
            return False
        if status == 429 and self._said(words.DAY_QUOTA_NAMED):
            return True  # whatever the wait beside it, which is that of the minute
        if status not in _OF_THE_WAY and self._said(words.MONEY_GONE):
            return True
        if status not in (400, 403, 412, 429):
            return False
        if self._wait_s is not None:
            if status == 429 and self._wait_s >= LONGEST_RATE_S:
                return True
            return self._wait_s >= LONG_WAIT_S and (self._said(words.SOME_LIMIT) or self._said(words.LONG_PERIOD))
        if self._said(words.SHORT_PERIOD):
            return False
        if self._said(words.LONG_PERIOD) and (self._said(words.SOME_LIMIT) or self._too_much_was_sent(status)):
            return True
        if status == 403 and "quota exceeded" in self._message:
            return True
        if status != 429 and self._said(words.UPGRADE_ADVISED):
            return True
        return self._said(words.MONEY_ADVISED) or (self._said(words.QUOTA_EXCEEDED) and not self._quota_returns_soon())

    def _too_much_was_sent(self, status: int) -> bool:
        return 429 in (status, self._status_by_code()) and self._said(words.COUNTED) and not self._said(words.FULL)

    def _quota_returns_soon(self) -> bool:
        if not self._said(words.QUOTA_EXCEEDED):
            return False
        return self._wait_s is not None or (self._said(words.ASKED_TO_COME_BACK) and not self._said(words.BILLING))

    def _can_never_fit(self) -> bool:
        for pattern in (words.REQUESTED_OF_LIMIT, words.LIMIT_OF_REQUESTED):
            numbers = pattern.search(self._message) if self._said(pattern) else None
            if numbers is not None and _number(numbers["requested"]) > _number(numbers["limit"]) > 0:
                return True
        return self._said(words.TOO_LARGE)

    def _is_too_long(self) -> bool:
        if self._said(words.NO_ROOM_LEFT):
            return True
        if not self._said(words.CONTEXT_TOO_SMALL) or self._said(words.SHORT_PERIOD) or _QUEUE.search(self._message):
            return False
        if self._said(words.ASKED_TO_WAIT) or self._status_by_code() in (429, 503, 504):
            return False  # too many tokens for this minute, not for the context
        return not words.OUTPUT_SETTING.search(self._message) or words.INPUT_NAMED.search(self._message) is not None

    def _refused_parameters(self) -> Classified | None:
        asked = self._request_read()
        refused = refused_parameters(self.error, self._message, asked)
        others = tuple(name for name in refused if name not in ("max_tokens", "max_completion_tokens"))
        if others:
            return Classified(FailureKind.PARAMETER_REFUSED, others)
        if "max_tokens" in refused:
            return Classified(FailureKind.WANTS_MAX_COMPLETION_TOKENS)
        return Classified(FailureKind.WANTS_MAX_TOKENS) if refused else None

    def _by_status(self, status: int) -> FailureKind:
        if status == 404 and isinstance(self._body, bytes) and _NO_TRAFFIC in self._body:
            return FailureKind.UNAVAILABLE
        if status == 202:
            return FailureKind.UNAVAILABLE
        if tls_fault_in(status, self._body, self._request) is not None:
            return FailureKind.NO_TRUST
        kind = _BY_STATUS.get(status)
        if kind is not None:
            return kind
        if status == 424 or status >= 500:
            return FailureKind.SERVER_ERROR
        if status >= 400:
            return FailureKind.BAD_REQUEST
        return FailureKind.NOT_FOUND  # a redirect or an empty success: this address is not a chat completions route

    def _status_by_code(self) -> int | None:
        known = [words.STATUS_OF_CODE[code] for code in self.error.codes if code in words.STATUS_OF_CODE]
        precise = [status for status in known if status in _PRECISE_STATUSES]
        return next(iter(precise or known), None)

    def _server_is_at_fault(self) -> bool:
        """Only in a sentence: as a code it occurs with errors of every kind."""
        return any(words.SERVER_FAULT.search(sentence) for sentence in self.error.sentences) and self._said(words.SERVER_FAULT)

    def _said(self, pattern: re.Pattern[str]) -> bool:
        """Whether the server says this, in words that are not in the row itself."""
        if pattern.search(self._message) is None:
            return False
        asked = self._request_read()
        return any(not asked.has(found[0]) for found in pattern.finditer(self._message))

    def _request_read(self) -> Asked:
        """The request, parsed only if the server's message may repeat it; then the repeated lines are removed from the message."""
        if self._asked is None:
            self._asked = read_request(self._request)
            self._message = self._asked.left_of(self._message)
        return self._asked


def _number(text: str) -> int:
    return int(text.replace(",", "")[:15] or 0)
