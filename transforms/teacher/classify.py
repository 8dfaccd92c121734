"""One table: what an HTTP response that is no answer means.

Statuses follow the contract of Azure's batch scoring (its faults left out: 403 is final here, resets are not) and the error bodies of
OpenAI-style servers. A 424 carries the model server's own status in a header and is read as that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from transforms.elements.failures import FailureKind

MODEL_STATUS_HEADER = "ms-azureml-model-error-statuscode"
MODEL_REASON_HEADER = "ms-azureml-model-error-reason"

_BY_STATUS = {
    400: FailureKind.BAD_REQUEST,
    401: FailureKind.UNAUTHORIZED,
    403: FailureKind.FORBIDDEN,
    404: FailureKind.NOT_FOUND,
    405: FailureKind.NOT_FOUND,
    408: FailureKind.TIMED_OUT,
    409: FailureKind.UNAVAILABLE,
    413: FailureKind.TOO_LARGE,
    422: FailureKind.BAD_REQUEST,
    425: FailureKind.UNAVAILABLE,
    429: FailureKind.THROTTLED,
    500: FailureKind.SERVER_ERROR,
    502: FailureKind.UNAVAILABLE,
    503: FailureKind.UNAVAILABLE,
    504: FailureKind.TIMED_OUT,
    529: FailureKind.THROTTLED,
}
_BY_MODEL_REASON = {
    "model_not_ready": FailureKind.UNAVAILABLE,
    "too_few_model_instance": FailureKind.UNAVAILABLE,
    "too_many_pending_request": FailureKind.THROTTLED,
}
_CONTENT_FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
_ADVICE = re.compile(r"use '?(max_completion_tokens|max_tokens)\b")
_UNKNOWN = re.compile(r"unrecognized|unsupported parameter|not supported|extra_forbidden|extra inputs|not permitted|unknown")
_NO_TRAFFIC = b"Specified traffic group could not be found"  # an online endpoint between two deployments
_NO_HEADER = "no authorization header present"  # a serverless endpoint's 400 for what others call 401


def classify(status: int, headers: Mapping[str, str], body: bytes) -> FailureKind:
    """The kind of failure of a response with a status other than 200.

    ``body`` is read only where the status alone does not tell. Unknown 4xx count as refused rows, unknown 5xx as server errors.
    """
    if status == 424:
        return _model_failure(headers, body)
    if status in (400, 422):
        return _refusal(body)
    if status == 404 and _NO_TRAFFIC in body:
        return FailureKind.UNAVAILABLE
    kind = _BY_STATUS.get(status)
    if kind is not None:
        return kind
    if 400 <= status < 500:
        return FailureKind.BAD_REQUEST
    if status >= 500:
        return FailureKind.SERVER_ERROR
    return FailureKind.NOT_FOUND  # a redirect or an empty success: this address is no chat completions route


def _model_failure(headers: Mapping[str, str], body: bytes) -> FailureKind:
    by_reason = _BY_MODEL_REASON.get(headers.get(MODEL_REASON_HEADER, ""))
    if by_reason is not None:
        return by_reason
    told = headers.get(MODEL_STATUS_HEADER, "")
    model_status = int(told) if told.isdigit() else 424
    if model_status == 424:
        return FailureKind.SERVER_ERROR
    if model_status in (400, 422):
        return _refusal(body)
    return _BY_STATUS.get(model_status, FailureKind.SERVER_ERROR if model_status >= 500 else FailureKind.BAD_REQUEST)


def _refusal(body: bytes) -> FailureKind:
    fields = _error_fields(body)
    code = str(fields.get("code", "")).lower()
    message = str(fields.get("message", "")).lower()
    inner = fields.get("innererror")
    inner_code = str(inner.get("code", "")).lower() if isinstance(inner, dict) else ""
    if _NO_HEADER in message or _NO_HEADER in body[:200].decode("utf-8", "replace").lower():
        return FailureKind.UNAUTHORIZED
    if code in _CONTENT_FILTER_CODES or inner_code in _CONTENT_FILTER_CODES:
        return FailureKind.CONTENT_FILTERED
    if code == "context_length_exceeded" or "maximum context length" in message or "context window" in message:
        return FailureKind.CONTEXT_LENGTH_EXCEEDED
    return _token_limit_wish(message, fields.get("param")) or FailureKind.BAD_REQUEST


def _token_limit_wish(message: str, parameter: object) -> FailureKind | None:
    """Which name of the token limit a refusal asks for, if it is about that at all."""
    if "max_completion_tokens" not in message:
        return None
    advised = _ADVICE.search(message)
    if advised is not None:
        completion = advised[1] == "max_completion_tokens"
        return FailureKind.WANTS_MAX_COMPLETION_TOKENS if completion else FailureKind.WANTS_MAX_TOKENS
    if parameter == "max_tokens" or "'max_tokens'" in message:
        return FailureKind.WANTS_MAX_COMPLETION_TOKENS
    return FailureKind.WANTS_MAX_TOKENS if _UNKNOWN.search(message) else None


def _error_fields(body: bytes) -> dict[str, object]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(fields, dict):
        return {}
    error = fields.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        return {**fields, "message": error}
    detail = fields.get("detail")
    if "message" not in fields and detail:
        # pydantic servers say which field they do not know in a list of objects
        return {**fields, "message": detail if isinstance(detail, str) else orjson.dumps(detail).decode()}
    return fields
