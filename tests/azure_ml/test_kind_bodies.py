"""A kind has its own form of requests and answers; everything that reads or changes a body works with each of them."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from azure_emulator.data_planes import PLANES
from azure_jobs import ROUTES, AzureHost
from builders import chat_line
from jobs import Job

from beam_distill.before_run.differing_settings import differing_settings
from beam_distill.cli.main import main
from transforms.elements.failures import FailureKind, RequestFailure
from transforms.elements.rows import ChatMessage
from transforms.teacher.adaptation import LEFT_OUT_AT_NEED, Adaptation
from transforms.teacher.body_values import filled_extra_body, with_fields
from transforms.teacher.kinds.registry import KINDS, EndpointKind, plain_request
from transforms.teacher.payload import PayloadTemplate, longest_answer_tokens, request_fields, token_limit_in
from transforms.teacher.refused_parameters import read_request
from transforms.teacher.specs import EndpointSpec, SamplingSpec

LIMIT = 4321
SAMPLING = SamplingSpec(LIMIT, 0.25, 0.75, 0.5, -0.5, ("###",), top_logprobs=4)
MESSAGES = (ChatMessage("system", "Be brief."), ChatMessage("user", "2 plus 2?"))
EXTRA = '{"seed": 5, "options": {"keep": "1", "secret": "${K}"}, "parameters": {"secret": "${K}"}}'
every_kind = pytest.mark.parametrize("kind", list(EndpointKind), ids=lambda kind: kind.value)


def endpoint(kind: EndpointKind, extra: str = EXTRA) -> EndpointSpec:
    return EndpointSpec("http://h/v1/chat/completions", "m", kind, extra_body_json=extra)


def a_body(kind: EndpointKind, sampling: SamplingSpec = SAMPLING, extra: str = EXTRA) -> bytes:
    return PayloadTemplate(endpoint(kind, extra), sampling).body(MESSAGES)


def values(fields: Any) -> list[Any]:
    """All values of a JSON value."""
    parts = fields.values() if isinstance(fields, dict) else fields if isinstance(fields, list) else ()
    return [fields, *(value for part in parts for value in values(part))]


@every_kind
def test_a_body_is_read_back_as_the_plain_request_of_which_it_was_made(kind: EndpointKind) -> None:
    body = a_body(kind)
    request = plain_request(body)
    assert request["messages"] == [message._asdict() for message in MESSAGES]
    sent = {"model": "m", **request_fields(endpoint(kind), SAMPLING)}
    if kind is EndpointKind.ONLINE_SCORE:
        del sent["model"]  # the deployment is the model
    assert {name: value for name, value in request.items() if name != "messages"} == sent
    assert KINDS[kind].body_of(request) == body
    assert token_limit_in(body.decode()) == LIMIT


@every_kind
@pytest.mark.parametrize("name", sorted(LEFT_OUT_AT_NEED))
def test_a_refused_field_is_left_out_wherever_it_is(kind: EndpointKind, name: str) -> None:
    adaptation = Adaptation(KINDS[kind])
    before = plain_request(adaptation.applied(a_body(kind)))
    assert adaptation.learn(RequestFailure(FailureKind.PARAMETER_REFUSED, "status 400", 400, "no", parameters=(name,)), 0)
    changed = adaptation.applied(a_body(kind))
    after = plain_request(changed)
    if name == "system":
        assert after["messages"] == [{"role": "user", "content": "Be brief.\n\n2 plus 2?"}]
    left_out = (name, "top_logprobs") if name == "logprobs" else (name,)
    for field in left_out if name != "system" else ():
        assert before[field] in values(json.loads(a_body(kind)))
        assert before[field] not in values(json.loads(changed))
    assert {field: value for field, value in after.items() if field not in (*left_out, "messages")} == {
        field: value for field, value in before.items() if field not in (*left_out, "messages")
    }


@every_kind
def test_a_secret_replaces_its_own_value_and_nothing_else(kind: EndpointKind) -> None:
    body = a_body(kind)
    filled = with_fields(body, filled_extra_body(EXTRA, {"K": "s3cret"}), KINDS[kind])
    assert json.loads(filled) == json.loads(body.replace(b"${K}", b"s3cret"))
    assert LIMIT in values(json.loads(filled))


@every_kind
def test_a_refusal_is_compared_with_the_fields_of_the_request(kind: EndpointKind) -> None:
    asked = read_request(a_body(kind))
    assert asked.token_limit == "max_tokens"
    assert set(asked.names) == LEFT_OUT_AT_NEED
    assert asked.has("2 plus 2")


@every_kind
def test_changed_settings_have_their_names(kind: EndpointKind) -> None:
    other = a_body(kind, SamplingSpec(7, 0.25, 0.5, 0.5, -0.5, ("###",), top_logprobs=5), EXTRA.replace("5", "6"))
    assert set(differing_settings(a_body(kind).decode(), other.decode())) == {
        f"teacher_model_max_new_tokens {LIMIT} -> 7",
        "teacher_model_top_p 0.75 -> 0.5",
        "teacher_model_top_logprobs 4 -> 5",
        "extra_body.seed 5 -> 6",
    }


@every_kind
def test_the_longest_answer_is_that_of_the_limit(kind: EndpointKind) -> None:
    assert longest_answer_tokens(endpoint(kind), SAMPLING) == LIMIT


@pytest.fixture
def job(host: AzureHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setenv("TEACHER_KEY", "KEY-1")
    return Job(tmp_path / "job", task="CONVERSATION")


def arguments(host: AzureHost, kind: EndpointKind, limit: int) -> tuple[str, ...]:
    address = f"--teacher_model_endpoint_url={host.emulator.url}{PLANES[kind].address}"
    return (address, f"--endpoint_kind={kind.value}", "--model=teacher", "--api_key_env=TEACHER_KEY", f"--teacher_model_max_new_tokens={limit}")


@pytest.mark.slow
@every_kind
def test_a_higher_limit_sends_the_cut_off_rows_only_and_the_report_shows_the_rest(
    host: AzureHost, job: Job, kind: EndpointKind, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.WARNING)
    host.state.answer = "seven"
    job.train([chat_line(("user", "Short?"))])
    assert job.run(*arguments(host, kind, 5)) == 0
    host.state.answer = None
    job.train([chat_line(("user", "Short?")), chat_line(("user", "Long?")), chat_line(("user", "Longer?"))])
    assert job.run(*arguments(host, kind, 5), "--min_endpoint_success_ratio=0") == 0
    assert [reject["reason"] for reject in job.rejects()] == ["cut_off_by_length"] * 2
    host.state.seen.clear()
    assert job.run(*arguments(host, kind, 50)) == 0
    sent = [plain_request(seen.body)["messages"][-1]["content"] for seen in host.state.of(ROUTES[kind]) if seen.method == "POST"]
    assert sorted(sent) == ["Long?", "Longer?"]
    assert "teacher_model_max_new_tokens 5 -> 50: 2 rows cut off" in caplog.text + capsys.readouterr().err
    assert main(["report", str(job.work_dir)]) == 0
    page = (job.work_dir / "report.html").read_text(encoding="utf-8")
    assert all(text in page for text in ("Short?", "Long?", "Longer?", "seven"))
    assert "input_string" not in page
