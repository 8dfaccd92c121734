"""Endpoint kinds: how an address shows its kind, routes and headers, and a working token limit on each of them."""

from collections.abc import Container
from dataclasses import replace

import orjson
import pytest
from azure_emulator.data_planes import PLANES
from azure_emulator.state import Scripted
from azure_jobs import ROUTES, AzureHost

from beam_distill.config.sources import resolve
from beam_distill.exit_codes import RunRefused
from beam_distill.job.specs import endpoint_spec
from transforms.elements.failures import FailureKind, StopCause
from transforms.elements.rows import ChatMessage
from transforms.teacher.classify import Classified, classify, classify_inside
from transforms.teacher.kinds.clouds import scope_in_cloud
from transforms.teacher.kinds.registry import KINDS, EndpointKind, kind_of
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.response import BrokenBody, ErrorInside, read_reply
from transforms.teacher.specs import CredentialKind, CredentialRef, EndpointSpec, SamplingSpec

MESSAGES = (ChatMessage("user", "hi"),)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("https://t.eastus2.models.ai.azure.com", EndpointKind.SERVERLESS),
        ("https://t.eastus2.inference.ai.azure.com/v1", EndpointKind.SERVERLESS),
        ("https://T.EastUS2.Inference.ML.Azure.com/score", EndpointKind.ONLINE),
        ("https://r.openai.azure.com", EndpointKind.AZURE_OPENAI),
        ("https://r.cognitiveservices.azure.com/", EndpointKind.AZURE_OPENAI),
        ("https://r.services.ai.azure.com/models", EndpointKind.AZURE_OPENAI),
        ("http://localhost:8000/v1", EndpointKind.OPENAI),
        ("https://openai.azure.com.example/v1", EndpointKind.OPENAI),
        ("https://evil.example/?x=.openai.azure.com", EndpointKind.OPENAI),
    ],
)
def test_the_end_of_the_host_tells_the_kind(address: str, kind: EndpointKind) -> None:
    assert kind_of(address) is kind


@pytest.mark.fault("A11")
@pytest.mark.parametrize(
    ("host", "kind", "scope"),
    [
        ("r.openai.azure.us", EndpointKind.AZURE_OPENAI, "https://cognitiveservices.azure.us/.default"),
        ("r.openai.azure.cn", EndpointKind.AZURE_OPENAI, "https://cognitiveservices.azure.cn/.default"),
        ("r.cognitiveservices.azure.us", EndpointKind.AZURE_OPENAI, "https://cognitiveservices.azure.us/.default"),
        ("virginia.api.cognitive.microsoft.us", EndpointKind.AZURE_OPENAI, "https://cognitiveservices.azure.us/.default"),
        ("chinaeast2.api.cognitive.azure.cn", EndpointKind.AZURE_OPENAI, "https://cognitiveservices.azure.cn/.default"),
        ("r.services.ai.azure.us", EndpointKind.AZURE_OPENAI, "https://cognitiveservices.azure.us/.default"),
        ("t.usgovvirginia.inference.ml.azure.us", EndpointKind.ONLINE, "https://ml.azure.us/.default"),
        ("t.chinaeast2.inference.ml.azure.cn", EndpointKind.ONLINE, "https://ml.azure.cn/.default"),
        ("t.usgovvirginia.models.ai.azure.us", EndpointKind.SERVERLESS, "https://ml.azure.us/.default"),
        ("t.x.inference.ml.azure.eaglex.ic.gov", EndpointKind.ONLINE, "https://ml.azure.eaglex.ic.gov/.default"),
        ("r.openai.azure.com", EndpointKind.AZURE_OPENAI, "https://cognitiveservices.azure.com/.default"),
        ("r.openai.azure.us.example.com", EndpointKind.OPENAI, None),
        ("openai.azure.usa", EndpointKind.OPENAI, None),
    ],
)
def test_the_other_clouds_of_azure_have_the_same_kinds(host: str, kind: EndpointKind, scope: str | None) -> None:
    assert kind_of(f"https://{host.upper()}/v1") is kind
    public = KINDS[kind].scope
    assert (None if public is None else scope_in_cloud(public, host)) == scope


@pytest.mark.fault("A11")
def test_a_gateway_is_of_the_cloud_whose_resource_manager_is_named() -> None:
    scope = "https://cognitiveservices.azure.com/.default"
    assert scope_in_cloud(scope, "gateway.example", "management.chinacloudapi.cn") == "https://cognitiveservices.azure.cn/.default"
    assert scope_in_cloud(scope, "r.openai.azure.com", "management.usgovcloudapi.net") == scope
    assert scope_in_cloud(scope, "gateway.example", "management.azure.com") == scope


@pytest.mark.parametrize(
    ("kind", "address", "url"),
    [
        (EndpointKind.SERVERLESS, "https://t", "https://t/v1/chat/completions"),
        (EndpointKind.SERVERLESS, "https://t/chat/completions", "https://t/chat/completions?api-version=2024-05-01-preview"),
        (EndpointKind.SERVERLESS, "https://t/chat/completions?api-version=x", "https://t/chat/completions?api-version=x"),
        (EndpointKind.ONLINE, "https://t/score", "https://t/v1/chat/completions"),
        (EndpointKind.ONLINE, "https://t/score/v1/chat/completions", "https://t/v1/chat/completions"),
        (EndpointKind.ONLINE, "https://t/score/?a=b", "https://t/v1/chat/completions?a=b"),
        (EndpointKind.ONLINE_SCORE, "https://t", "https://t/score"),
        (EndpointKind.ONLINE_SCORE, "https://t/score/", "https://t/score"),
        (EndpointKind.ONLINE_SCORE, "https://t/v1/chat/completions?a=b", "https://t/score?a=b"),
        (EndpointKind.AZURE_OPENAI, "https://r/", "https://r/openai/deployments/dep/chat/completions?api-version=2024-10-21"),
        (EndpointKind.AZURE_OPENAI, "https://r/openai/deployments/d", "https://r/openai/deployments/d/chat/completions?api-version=2024-10-21"),
        (EndpointKind.AZURE_OPENAI, "https://r/openai/v1", "https://r/openai/v1/chat/completions"),
        (EndpointKind.AZURE_OPENAI, "https://r/api/projects/p", "https://r/api/projects/p/openai/v1/chat/completions"),
        (EndpointKind.AZURE_OPENAI, "https://r/api/projects/p/openai/v1/", "https://r/api/projects/p/openai/v1/chat/completions"),
        (
            EndpointKind.AZURE_OPENAI,
            "https://r/openai/responses?api-version=x",
            "https://r/openai/deployments/dep/chat/completions?api-version=x",
        ),
        (EndpointKind.AZURE_OPENAI, "https://r/openai/v1/responses", "https://r/openai/v1/chat/completions"),
        (EndpointKind.AZURE_OPENAI, "https://r/models", "https://r/models/chat/completions?api-version=2024-05-01-preview"),
    ],
)
def test_routes(kind: EndpointKind, address: str, url: str) -> None:
    assert KINDS[kind].chat_url(address, "dep") == url


def test_azure_openai_without_a_deployment_asks_for_one() -> None:
    with pytest.raises(ValueError, match="--model"):
        KINDS[EndpointKind.AZURE_OPENAI].chat_url("https://r", None)


KEY = CredentialRef(CredentialKind.ENVIRONMENT, "TEACHER_KEY")


STYLES = {
    EndpointKind.SERVERLESS: ("new",),
    EndpointKind.ONLINE: ("new",),
    EndpointKind.ONLINE_SCORE: ("old", "new"),
    EndpointKind.AZURE_OPENAI: ("new", "old", "reasoning"),
    EndpointKind.OPENAI: ("new",),
}
"""The servers behind each kind, as the emulator knows them."""
KEY_HEADERS = {
    EndpointKind.SERVERLESS: {"Authorization": "Bearer k"},
    EndpointKind.ONLINE: {"Authorization": "Bearer k"},
    EndpointKind.ONLINE_SCORE: {"Authorization": "Bearer k"},
    EndpointKind.AZURE_OPENAI: {"api-key": "k"},
    EndpointKind.OPENAI: {"Authorization": "Bearer k", "api-key": "k"},
}
"""How each kind sends the key ``k``."""


@pytest.mark.parametrize(("kind", "style"), [(kind, style) for kind, styles in STYLES.items() for style in styles])
def test_the_token_limit_limits(host: AzureHost, kind: EndpointKind, style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", "KEY-1")
    host.state.style = style
    rows = host.lane(host.endpoint(kind, KEY), max_new_tokens=7).send(3)
    contents = [row.replies[0].content or "" for row in rows]
    assert [len(content.split()) for content in contents] == [7, 7, 7]
    if (kind, style) != (EndpointKind.ONLINE_SCORE, "old"):  # which tells no more than the text
        assert all(row.replies[0].finish_reason == "length" and row.replies[0].completion_tokens == 7 for row in rows)
    sent = [seen.json() for seen in host.state.of(ROUTES[kind])]
    if kind is not EndpointKind.ONLINE_SCORE:
        assert not [fields for fields in sent if "max_new_tokens" in fields]


def test_reasoning_models_of_azure_openai_cost_no_refused_request(host: AzureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", "KEY-1")
    host.state.style = "reasoning"
    assert all(row.replies for row in host.lane(host.endpoint(EndpointKind.AZURE_OPENAI, KEY)).send(3))
    assert host.state.counts() == {"azure_openai": 3}


def test_a_server_that_refuses_both_names_refuses_the_row(host: AzureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", "KEY-1")

    def refused(name: str, other: str) -> Scripted:
        message = f"Unsupported parameter: '{name}' is not supported with this model. Use '{other}' instead."
        return Scripted(400, {"error": {"message": message, "param": name}})

    names = ("max_completion_tokens", "max_tokens")
    host.state.script("azure_openai", *(refused(*(names if turn % 2 == 0 else names[::-1])) for turn in range(20)))
    (row,) = host.lane(host.endpoint(EndpointKind.AZURE_OPENAI, KEY)).send()
    assert row.failure is not None
    assert row.failure.kind is FailureKind.BAD_REQUEST
    assert host.state.counts()["azure_openai"] == 3


@pytest.mark.parametrize(("kind", "headers"), KEY_HEADERS.items())
def test_how_a_key_is_sent(kind: EndpointKind, headers: dict[str, str]) -> None:
    assert KINDS[kind].key_headers("k") == headers


def spec_of(address: str, **given: str) -> EndpointSpec:
    values = {
        "train_file_path": "a",
        "generated_batch_train_file_path": "b",
        "data_generation_task_type": "MATH",
        "teacher_model_endpoint_url": address,
        **given,
    }
    return endpoint_spec(resolve(values, None, {}).settings)


def test_extra_parameters_are_announced_where_azure_wants_that() -> None:
    extra = '{"chat_template_kwargs": {}}'
    inference, versioned = "https://t.e.models.ai.azure.com/chat/completions", "https://t.e.models.ai.azure.com/v1"
    assert ("extra-parameters", "pass-through") in spec_of(inference, extra_body=extra).headers
    assert spec_of(inference).headers == ()
    assert spec_of(inference, extra_body='{"seed": 1}').headers == ()
    assert spec_of(versioned, extra_body=extra).headers == ()
    reported = spec_of(inference, extra_body=extra, additional_headers='{"extra-parameters": "drop"}')
    assert reported.headers == (("extra-parameters", "drop"),)


def test_extra_parameters_pass_the_strict_route(host: AzureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", "KEY-1")
    given = {"endpoint_kind": "serverless", "api_key_env": "TEACHER_KEY", "extra_body": '{"top_k": 3}'}
    endpoint = spec_of(f"{host.emulator.url}/chat/completions", **given)
    assert all(row.replies for row in host.lane(endpoint).send(2))
    bare = replace(endpoint, headers=())
    (row,) = host.lane(bare).send()
    assert row.failure is not None
    assert "Extra parameters" in row.failure.excerpt


def test_bounds_are_reported_before_the_run() -> None:
    with pytest.raises(RunRefused, match="teacher_model_temperature: 1.5 is above 1"):
        spec_of("https://t.e.models.ai.azure.com/chat/completions", teacher_model_temperature="1.5")
    spec_of("https://t.e.models.ai.azure.com/v1", teacher_model_temperature="1.5")
    spec_of("https://r.openai.azure.com/openai/deployments/d", teacher_model_temperature="1.5")


def test_the_override_wins_over_the_host() -> None:
    assert spec_of("https://t.e.inference.ml.azure.com/score", endpoint_kind="online_score").chat_url.endswith("/score")
    assert spec_of("https://t.e.inference.ml.azure.com/score").chat_url.endswith(".com/v1/chat/completions")


def test_plain_requests_keep_their_hash() -> None:
    """Ledgers from before the kinds still give their answers."""
    endpoint = EndpointSpec("http://h/v1/chat/completions", model="m", extra_body_json='{"seed": 1}')
    template = PayloadTemplate(endpoint, SamplingSpec(stop=("x",)))
    body = template.body(MESSAGES)
    assert body == (
        b'{"messages":[{"role":"user","content":"hi"}],"max_tokens":128,"model":"m","seed":1,"stop":["x"],"temperature":0.2,"top_p":0.1}'
    )
    assert template.request_hash(body) == "7f2fd4a2361bba7fe85088881788eabd"


def test_score_requests_have_their_shape() -> None:
    endpoint = EndpointSpec("http://h/score", model="m", kind=EndpointKind.ONLINE_SCORE)
    fields = orjson.loads(PayloadTemplate(endpoint, SamplingSpec(max_new_tokens=9)).body(MESSAGES))
    assert fields == {
        "input_data": {
            "input_string": [{"role": "user", "content": "hi"}],
            "parameters": {"max_tokens": 9, "max_new_tokens": 9, "temperature": 0.2, "top_p": 0.1},
        }
    }


@pytest.mark.parametrize(
    ("body", "content", "reason"),
    [
        (b'{"output": "4"}', "4", None),
        (b'{"output": ["4"]}', "4", None),
        (b'{"output": "4", "finish_reason": "length", "message": {"role": "assistant", "content": "x"}}', "4", "length"),
        (b'{"output": null, "message": {"reasoning_content": "r"}}', None, None),
    ],
)
def test_score_answers(body: bytes, content: str | None, reason: str | None) -> None:
    reply = read_reply(body, 0, 1, 1.0)
    assert (reply.content, reply.finish_reason) == (content, reason)


def test_score_failures_hide_in_a_200() -> None:
    with pytest.raises(BrokenBody):
        read_reply(b"{}", 0, 1, 1.0)
    with pytest.raises(ErrorInside) as caught:
        read_reply(b'{"output": null, "error": {"status_code": 429, "body": "slow"}}', 0, 1, 1.0)
    assert classify_inside(caught.value.reported, b"", caught.value.otherwise) == (Classified(FailureKind.THROTTLED), 429)


def test_score_failures_are_treated_as_what_they_are(host: AzureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", "KEY-1")
    inside = {"output": None, "error": {"status_code": 503, "body": "starting"}}
    long = {"output": None, "error": {"status_code": 400, "body": {"message": "maximum context length is 10"}}}
    host.state.script("score", Scripted(200, inside), Scripted(200, {}))
    lane = host.lane(host.endpoint(EndpointKind.ONLINE_SCORE, KEY))
    (row,) = lane.send()
    assert row.replies
    assert host.state.counts()["score"] == 3
    host.state.script("score", Scripted(200, long))
    (row,) = lane.send()
    assert row.failure is not None
    assert row.failure.kind is FailureKind.CONTEXT_LENGTH_EXCEEDED


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (400, {}, b'{"error": {"code": "400", "message": "No authorization header present"}}', FailureKind.UNAUTHORIZED),
        (404, {}, b"Specified traffic group could not be found", FailureKind.UNAVAILABLE),
        (404, {}, b'{"error": {"code": "DeploymentNotFound"}}', FailureKind.NOT_FOUND),
        (400, {}, b'{"detail": "Extra parameters [\'x\'] are not allowed"}', FailureKind.BAD_REQUEST),
        (422, {}, b'{"detail": [{"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"]}]}', FailureKind.WANTS_MAX_TOKENS),
        (424, {"ms-azureml-model-error-statuscode": "429"}, b"", FailureKind.THROTTLED),
        (424, {"ms-azureml-model-error-statuscode": "404"}, b"", FailureKind.NOT_FOUND),
        (424, {"ms-azureml-model-error-reason": "too_many_pending_request"}, b"", FailureKind.THROTTLED),
        (400, {}, b'{"status": 400, "code": "content_filter", "message": "The response was filtered"}', FailureKind.CONTENT_FILTERED),
    ],
)
def test_error_shapes(status: int, headers: dict[str, str], body: bytes, kind: FailureKind) -> None:
    assert classify(status, headers, body).kind is kind


def test_a_missing_header_of_a_serverless_endpoint_stops_the_run(host: AzureHost) -> None:
    (row,) = host.lane(host.endpoint(EndpointKind.SERVERLESS, CredentialRef())).send()
    assert row.stopped is not None
    assert row.stopped.cause is StopCause.ENDPOINT_REFUSED
    assert host.state.counts()["serverless"] == 1


@pytest.mark.parametrize("kind", list(EndpointKind), ids=lambda kind: kind.value)
def test_every_kind_has_its_entries(kind: EndpointKind) -> None:
    tables: dict[str, Container[EndpointKind]] = {
        "KINDS in transforms/teacher/kinds/registry.py": KINDS,
        "PLANES in tests/azure_emulator/data_planes.py, and its handler to DataPlanes there": PLANES,
        "STYLES in this file": STYLES,
        "KEY_HEADERS in this file": KEY_HEADERS,
    }
    missing = [place for place, table in tables.items() if kind not in table]
    assert not missing, f"add {kind.value} to " + "; to ".join(missing)
