"""The one table: status, headers and body to the kind of failure."""

import json

import pytest

from transforms.elements.failures import FailureKind as Kind
from transforms.teacher.classify import classify


def error(code: str = "", message: str = "", **fields: object) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, **fields}}).encode()


MODEL_STATUS = "ms-azureml-model-error-statuscode"
MODEL_REASON = "ms-azureml-model-error-reason"
AWS_ERROR = "x-amzn-errortype"
TABLE = [
    (400, {}, b'{"message":"Model has timed out in processing the request. Try your request again."}', Kind.TIMED_OUT),
    (400, {}, b"", Kind.UNCLEAR_REFUSAL),
    (400, {}, error("content_filter"), Kind.CONTENT_FILTERED),
    (400, {}, b'{"status":400,"code":"content_filter","message":"filtered","param":"messages"}', Kind.CONTENT_FILTERED),
    (400, {}, error("x", innererror={"code": "ResponsibleAIPolicyViolation"}), Kind.CONTENT_FILTERED),
    (400, {}, error("context_length_exceeded"), Kind.CONTEXT_LENGTH_EXCEEDED),
    (400, {}, b'{"object":"error","message":"This model\'s maximum context length is 4096 tokens."}', Kind.CONTEXT_LENGTH_EXCEEDED),
    (
        400,
        {},
        error("unsupported_parameter", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", param="max_tokens"),
        Kind.WANTS_MAX_COMPLETION_TOKENS,
    ),
    (400, {}, b"not understood", Kind.UNCLEAR_REFUSAL),
    (400, {}, b"[1]", Kind.UNCLEAR_REFUSAL),
    (401, {}, b"key_auth_access_denied", Kind.UNAUTHORIZED),
    (403, {}, b"", Kind.FORBIDDEN),
    (404, {}, b"", Kind.NOT_FOUND),
    (405, {}, b"", Kind.NOT_FOUND),
    (301, {}, b"", Kind.NOT_FOUND),
    (204, {}, b"", Kind.NOT_FOUND),
    (408, {}, b"", Kind.TIMED_OUT),
    (413, {}, b"", Kind.TOO_LARGE),
    (400, {AWS_ERROR: "ThrottlingException:http://internal.example.com/coral/"}, b'{"message":"Too many tokens"}', Kind.THROTTLED),
    (400, {AWS_ERROR: "ThrottlingException"}, b"", Kind.THROTTLED),
    (400, {AWS_ERROR: "ModelTimeoutException"}, b'{"message":"Model has timed out in processing the request"}', Kind.TIMED_OUT),
    (400, {AWS_ERROR: "ServiceUnavailableException"}, b"{}", Kind.UNAVAILABLE),
    (400, {AWS_ERROR: "ValidationException"}, b'{"message":"Input is too long for requested model."}', Kind.CONTEXT_LENGTH_EXCEEDED),
    (400, {AWS_ERROR: "ValidationException"}, b"{}", Kind.UNCLEAR_REFUSAL),
    (418, {}, b"", Kind.UNCLEAR_REFUSAL),
    (422, {}, b"", Kind.UNCLEAR_REFUSAL),
    (424, {}, b"", Kind.SERVER_ERROR),
    (424, {MODEL_STATUS: "400"}, error("context_length_exceeded"), Kind.CONTEXT_LENGTH_EXCEEDED),
    (424, {MODEL_STATUS: "404"}, b"", Kind.NOT_FOUND),
    (424, {MODEL_STATUS: "408"}, b"", Kind.TIMED_OUT),
    (424, {MODEL_STATUS: "429"}, b"", Kind.THROTTLED),
    (424, {MODEL_STATUS: "500"}, b"", Kind.SERVER_ERROR),
    (424, {MODEL_STATUS: "503"}, b"", Kind.UNAVAILABLE),
    (424, {MODEL_STATUS: "504"}, b"", Kind.TIMED_OUT),
    (424, {MODEL_STATUS: "599"}, b"", Kind.SERVER_ERROR),
    (424, {MODEL_REASON: "model_not_ready"}, b"", Kind.UNAVAILABLE),
    (424, {MODEL_REASON: "too_few_model_instance"}, b"", Kind.UNAVAILABLE),
    (424, {MODEL_REASON: "too_many_pending_request", MODEL_STATUS: "200"}, b"", Kind.THROTTLED),
    (429, {}, b"", Kind.THROTTLED),
    (500, {}, b"", Kind.SERVER_ERROR),
    (502, {}, b"", Kind.UNAVAILABLE),
    (503, {}, b"", Kind.UNAVAILABLE),
    (504, {}, b"", Kind.TIMED_OUT),
    (529, {}, b"", Kind.THROTTLED),
    (599, {}, b"", Kind.SERVER_ERROR),
]


@pytest.mark.parametrize(("status", "headers", "body", "kind"), TABLE, ids=[f"{row[0]}-{row[3].value}-{n}" for n, row in enumerate(TABLE)])
def test_every_response_has_its_kind(status: int, headers: dict[str, str], body: bytes, kind: Kind) -> None:
    assert classify(status, headers, body).kind is kind


@pytest.mark.parametrize(
    ("fields", "wait_s"),
    [
        ({"retry_after": 12}, 12.0),
        ({"retryAfter": "12"}, 12.0),
        ({"metadata": {"retry_after_seconds": 12.5}}, 12.5),
        ({"retry_after_ms": 1500}, 1.5),
        ({"retry_after": None}, None),
        ({"retry_after": "later"}, None),
        ({"retry_after": [12]}, 12.0),
        ({"retry_after": 1_764_000_030}, None),
        ({"retry_after": True}, None),
        ({"retry_after": -1}, None),
        ({"retry_after": "12s"}, 12.0),
        ({"reset_seconds": 34, "reset_time": "34s"}, 34.0),
        ({"reset_time": "1m34s"}, 94.0),
        ({"resets_in_seconds": 300}, 300.0),
        ({"reset_time": "midnight UTC"}, None),
    ],
)
def test_a_wait_may_be_a_field_of_the_body(fields: dict[str, object], wait_s: float | None) -> None:
    body = json.dumps({"error": {"message": "rate limit", **fields}}).encode()
    assert classify(429, {}, body) == (Kind.THROTTLED, (), wait_s)
    assert classify(429, {"Retry-After": "3"}, body).wait_s == 3.0


@pytest.mark.parametrize(
    ("fields", "wait_s"),
    [
        ({"resets_at": 1_764_000_030}, 30.0),
        ({"resetAt": 1_764_000_030_000}, 30.0),
        ({"retry_after": "2025-11-24T16:00:30Z"}, 30.0),
        ({"resets_at": 1_763_000_000}, 0.0),
    ],
)
def test_a_wait_may_be_a_moment_in_the_body(fields: dict[str, object], wait_s: float) -> None:
    body = json.dumps({"error": {"message": "rate limit", **fields}}).encode()
    assert classify(429, {}, body, now_epoch_s=1_764_000_000.0).wait_s == wait_s


def test_a_cool_down_of_days_that_only_the_body_names_is_a_spent_quota() -> None:
    said = {"code": "model_cooldown", "message": "All credentials for model x are cooling down"}
    for fields in ({"reset_seconds": 561_635}, {"reset_time": "156h0m34s"}, {"resets_at": 1_764_561_635}):
        body = json.dumps({"error": {**said, **fields}}).encode()
        assert classify(429, {}, body, now_epoch_s=1_764_000_000.0).kind is Kind.QUOTA_SPENT


@pytest.mark.parametrize(
    ("message", "wait_s", "kind"),
    [
        ("slow down", 135_734, Kind.QUOTA_SPENT),
        ("All credentials for model x are cooling down", 5_000, Kind.QUOTA_SPENT),
        ("All credentials for model x are cooling down", 50, Kind.THROTTLED),
        ("slow down", 5_000, Kind.THROTTLED),
    ],
)
def test_no_rate_asks_for_a_wait_of_days(message: str, wait_s: int, kind: Kind) -> None:
    assert classify(429, {"Retry-After": str(wait_s)}, error("x", message)).kind is kind
