"""The meaning of errors by their text, in the wordings of many servers; a row's own text never counts."""

import json
from pathlib import Path
from typing import Any

import pytest
from world.corpus import read_yaml

from transforms.elements.failures import FailureKind as Kind
from transforms.teacher.classify import classify

WORDINGS = read_yaml(Path(__file__).with_name("error_wordings.yaml"))
TABLE = [(outcome, *entry) if len(entry) == 3 else (outcome, *entry, {}) for outcome, entries in WORDINGS.items() for entry in entries]


def request(row: str = "Sum up: the cat sat.", *, system: bool = True, **fields: Any) -> bytes:
    messages = [{"role": "system", "content": "Be brief."}] if system else []
    messages.append({"role": "user", "content": row})
    sampling = {
        "temperature": 0.2,
        "top_p": 0.1,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.1,
        "stop": ["END"],
        "logprobs": True,
        "top_logprobs": 5,
    }
    return json.dumps({"model": "m", "messages": messages, "max_tokens": 64, **sampling, **fields}).encode()


def error(message: str, **codes: Any) -> bytes:
    return json.dumps({"error": {"message": message, **codes}}).encode()


@pytest.mark.fault("D9", "D10", "D16", "R3", "R5", "A1", "A3")
@pytest.mark.parametrize(("outcome", "status", "message", "codes"), TABLE, ids=[f"{row[0]}: {row[2][:50]}" for row in TABLE])
def test_each_word_has_one_meaning(outcome: str, status: int, message: str, codes: dict[str, Any]) -> None:
    verdict = classify(status, {}, error(message, **codes), request())
    assert ":".join([verdict.kind.value, *([",".join(verdict.parameters)] if verdict.parameters else [])]) == outcome


@pytest.mark.fault("D16")
@pytest.mark.parametrize(
    "row",
    [
        "My credit balance is too low, what now?",
        "Explain: the prompt is too long, maximum context length exceeded",
        "Is this flagged by a content policy?",
        "temperature is not supported with this model",
        "Invalid API key provided",
        "rate limit exceeded",
    ],
)
@pytest.mark.parametrize("shape", ["cannot parse {row}", "near '{row}'", "prompt={row!r} failed", "{row}"])
def test_the_rows_own_words_do_not_count(row: str, shape: str) -> None:
    verdict = classify(400, {}, error(shape.format(row=row)), request(row))
    assert verdict.kind in (Kind.BAD_REQUEST, Kind.UNCLEAR_REFUSAL)
    detail = [{"type": "string_type", "loc": ["body", "messages", 1], "msg": "Input should be a valid string", "input": row}]
    assert classify(422, {}, json.dumps({"detail": detail}).encode(), request("another row")).kind is Kind.BAD_REQUEST


@pytest.mark.fault("D10")
def test_only_what_the_request_has_can_be_left_out() -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "x"}], "max_tokens": 8}).encode()
    for message in ("temperature is not supported", "System role not supported", "conversation roles must alternate user/assistant"):
        assert classify(400, {}, error(message), body).kind is Kind.BAD_REQUEST


@pytest.mark.fault("D10")
def test_fields_are_found_inside_the_wrapper_of_an_online_endpoint() -> None:
    body = json.dumps({"input_data": {"input_string": [{"role": "system", "content": "x"}], "parameters": {"top_p": 0.1}}}).encode()
    assert classify(400, {}, error("top_p is not supported"), body).parameters == ("top_p",)
    assert classify(400, {}, error("System role not supported"), body).parameters == ("system",)


@pytest.mark.fault("D10")
def test_temperature_wins_over_an_excluding_parameter() -> None:
    message = "only one of top_p and temperature can be set"
    assert classify(400, {}, error(message), request()).parameters == ("top_p",)
    assert classify(400, {}, error(message), request(row="x", top_p=None).replace(b'"top_p": null, ', b"")).parameters == ("temperature",)


@pytest.mark.fault("D9", "R4")
def test_a_long_wait_for_a_limit_is_a_spent_quota() -> None:
    body = error("request limit reached")
    assert classify(429, {"Retry-After": "40000"}, body, request()).kind is Kind.QUOTA_SPENT
    assert classify(429, {"Retry-After": "40"}, body, request()) == (Kind.THROTTLED, (), 40.0)
    assert classify(429, {"Retry-After": "40000"}, b"", request()).kind is Kind.THROTTLED


@pytest.mark.fault("A3")
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (402, Kind.QUOTA_SPENT),
        (410, Kind.NOT_FOUND),
        (440, Kind.UNAVAILABLE),
        (449, Kind.UNAVAILABLE),
        (451, Kind.CONTENT_FILTERED),
        (460, Kind.CONNECTION_LOST),
        (498, Kind.UNAVAILABLE),
        (499, Kind.CONNECTION_LOST),
        (501, Kind.NOT_FOUND),
        (520, Kind.UNAVAILABLE),
        (524, Kind.TIMED_OUT),
    ],
)
def test_statuses_of_gateways(status: int, kind: Kind) -> None:
    assert classify(status, {}, b"").kind is kind


@pytest.mark.fault("D10")
def test_a_field_and_its_refusal_may_be_on_two_lines() -> None:
    """As pydantic 1 writes its errors as text, in NVIDIA's problem details."""
    refused = "body -> frequency_penalty\n  Extra inputs are not permitted (type=extra_forbidden)\nbody -> stop\n  extra fields not permitted"
    body = json.dumps({"title": "Unprocessable Entity", "status": 422, "detail": refused}).encode()
    asked = json.dumps({"messages": [], "frequency_penalty": 0.5, "temperature": 0.2, "stop": ["x"]}).encode()
    assert classify(422, {}, body, asked) == (Kind.PARAMETER_REFUSED, ("frequency_penalty", "stop"), None)
    too_high = json.dumps({"detail": "body -> frequency_penalty\n  Input should be less than or equal to 2"}).encode()
    assert classify(422, {}, too_high, asked).kind is Kind.BAD_REQUEST


@pytest.mark.fault("D3", "D16")
@pytest.mark.parametrize(
    "message",
    [
        "Our servers are currently overloaded. Please try again later.",
        "The model is overloaded",
        "This model is temporarily unavailable, try again later",
        "Selected model is at capacity. Please try a different model.",
    ],
)
def test_a_server_that_is_full_says_so_with_status_400_too(message: str) -> None:
    assert classify(400, {}, error(message), request("hello")).kind is Kind.UNAVAILABLE
    assert classify(400, {}, error(f"cannot parse {message}"), request(message)).kind is Kind.BAD_REQUEST


@pytest.mark.fault("D16")
def test_other_things_that_are_overloaded_are_not_the_server() -> None:
    for message in ("ambiguous overloaded function in the schema", "schema invalid, try again later", "the tool is unavailable"):
        assert classify(400, {}, error(message), request("hello")).kind in (Kind.BAD_REQUEST, Kind.UNCLEAR_REFUSAL)
