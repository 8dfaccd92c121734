"""The probe: it costs no tokens, and every refusal says what to do; ``beam-distill check`` as a user runs it."""

from dataclasses import replace
from typing import Any

import pytest
from azure_emulator.arm_routes import a_connection
from azure_emulator.state import Scripted
from azure_jobs import AzureHost
from builders import questions, write_rows

from beam_distill.cli.main import main
from transforms.elements.failures import FailureKind
from transforms.teacher.kinds.openai import OpenAI
from transforms.teacher.kinds.registry import KINDS, EndpointKind
from transforms.teacher.probe import probe_endpoint
from transforms.teacher.specs import CredentialKind, CredentialRef

KEY = CredentialRef(CredentialKind.ENVIRONMENT, "TEACHER_KEY")
AZURE_KINDS = [name for name, kind in KINDS.items() if kind.is_azure]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", "KEY-1")


@pytest.mark.parametrize("kind", AZURE_KINDS, ids=lambda kind: kind.value)
def test_an_accepted_credential_costs_no_tokens(host: AzureHost, kind: EndpointKind) -> None:
    result = probe_endpoint(host.endpoint(kind, KEY), 2.0)
    assert result.reached
    assert result.refusal is None
    counts = host.state.counts()
    assert counts["door"] == 1
    assert not [route for route in ("serverless", "online", "score", "azure_openai") if counts[route]]
    assert result.info_model == ("Meta-Llama-3.1-405B-Instruct" if kind in (EndpointKind.SERVERLESS, EndpointKind.ONLINE) else "")


@pytest.mark.parametrize("kind", AZURE_KINDS, ids=lambda kind: kind.value)
@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (Scripted(401, "key_auth_access_denied", content_type="text/plain"), FailureKind.UNAUTHORIZED),
        (Scripted(403), FailureKind.FORBIDDEN),
        (Scripted(404), FailureKind.NOT_FOUND),
        (Scripted(424, headers={"ms-azureml-model-error-statuscode": "404"}), FailureKind.NOT_FOUND),
        (Scripted(424, headers={"ms-azureml-model-error-statuscode": "400"}), None),
        (Scripted(404, "Specified traffic group could not be found"), None),
        (Scripted(422), None),
        (Scripted(429), None),
        (Scripted(503), None),
    ],
)
def test_responses_to_the_credential_check(host: AzureHost, kind: EndpointKind, answer: Scripted, refusal: FailureKind | None) -> None:
    host.state.always["door"] = answer
    result = probe_endpoint(host.endpoint(kind, KEY), 2.0)
    assert result.reached
    assert result.refusal is refusal
    assert host.state.counts()["door"] == 1


@pytest.mark.parametrize(
    "info",
    [
        Scripted(404),
        Scripted(405),
        Scripted(424, headers={"ms-azureml-model-error-statuscode": "404"}),
        Scripted(200, "<html>", content_type="text/html"),
        Scripted(500),
    ],
)
def test_info_is_advice_only(host: AzureHost, info: Scripted) -> None:
    host.state.info = info
    result = probe_endpoint(host.endpoint(EndpointKind.SERVERLESS, KEY), 2.0)
    assert result.refusal is None
    assert result.info_model == ""


def test_info_may_refuse_the_credential(host: AzureHost) -> None:
    host.state.info = Scripted(401)
    assert probe_endpoint(host.endpoint(EndpointKind.ONLINE, KEY), 2.0).refusal is FailureKind.UNAUTHORIZED


def check(host: AzureHost, *extra: str, command: str = "check", **given: Any) -> int:
    rows = write_rows(host.folder / "train.jsonl", questions(3))
    arguments = [
        command,
        f"--train_file_path={rows}",
        f"--generated_batch_train_file_path={host.folder / 'out.jsonl'}",
        "--data_generation_task_type=MATH",
        "--subscription_id=sub-1",
        "--resource_group=group-1",
        "--workspace_name=space-1",
        f"--arm_url={host.emulator.url}",
        f"--azure_ca_bundle={host.authority}",
        "--first_answer_patience=2",
    ]
    return main([*arguments, *(f"--{name}={value}" for name, value in given.items()), *extra])


def test_check_of_a_connection(host: AzureHost, capsys: pytest.CaptureFixture[str]) -> None:
    host.become("imds")
    host.state.connections["teacher"] = a_connection(f"{host.emulator.url}/serverless")
    assert check(host, connection_name="teacher", endpoint_kind="serverless") == 0
    shown = capsys.readouterr().out
    assert "serverless" in shown
    assert "connection teacher" in shown
    assert "Meta-Llama-3.1-405B-Instruct" in shown
    assert host.state.counts() == {"imds": 1, "arm list_secrets": 1, "door": 1, "info": 1}
    assert "KEY-1" not in shown


def test_check_sends_one_row_on_request(host: AzureHost, capsys: pytest.CaptureFixture[str]) -> None:
    host.state.style = "old"
    given = {"teacher_model_endpoint_url": f"{host.emulator.url}", "endpoint_kind": "azure_openai", "model": "dep", "api_key_env": "TEACHER_KEY"}
    assert check(host, "--sample_request", teacher_model_max_new_tokens="9", **given) == 0
    assert "word word" in capsys.readouterr().out
    assert host.state.counts() == {"door": 1, "azure_openai": 2}  # once under each name of the token limit


def test_the_sample_of_a_check_is_sent_without_a_refused_field_as_rows_are(host: AzureHost, capsys: pytest.CaptureFixture[str]) -> None:
    host.state.script(
        "serverless", Scripted(400, {"error": {"message": "Unsupported parameter: 'temperature' is not supported with this model."}})
    )
    given = {"teacher_model_endpoint_url": f"{host.emulator.url}/serverless", "endpoint_kind": "serverless", "api_key_env": "TEACHER_KEY"}
    assert check(host, "--sample_request", **given) == 0
    assert ["temperature" in seen.json() for seen in host.state.of("serverless")] == [True, False]
    assert "word word" in capsys.readouterr().out


def test_check_reports_a_sample_that_fails(host: AzureHost, capsys: pytest.CaptureFixture[str]) -> None:
    host.state.always["serverless"] = Scripted(422, {"status": 422, "code": "parameter_not_supported", "message": "top_p"})
    given = {"teacher_model_endpoint_url": f"{host.emulator.url}/serverless", "endpoint_kind": "serverless", "api_key_env": "TEACHER_KEY"}
    assert check(host, "--sample_request", **given) == 2
    assert "parameter_not_supported" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "address", "door", "code", "said"),
    [
        ("online", "/online/score", Scripted(404), 4, "--endpoint_kind online_score"),
        ("azure_openai", "", Scripted(404), 4, "no such deployment"),
        ("azure_openai", "", Scripted(404), 4, "/openai/v1 or /models"),
        ("serverless", "/serverless", Scripted(401), 4, "the key is wrong or expired"),
        ("serverless", "/serverless", Scripted(403), 4, "permissions and network rules"),
    ],
)
def test_check_says_what_to_do(
    host: AzureHost, kind: str, address: str, door: Scripted, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    host.state.always["door"] = door
    given = {"teacher_model_endpoint_url": f"{host.emulator.url}{address}", "endpoint_kind": kind, "api_key_env": "TEACHER_KEY", "model": "dep"}
    assert check(host, **given) == code
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(("door", "said"), [(Scripted(401), "identity_scope right?"), (Scripted(403), "give it the role")])
def test_check_of_an_identity_that_is_refused(host: AzureHost, door: Scripted, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    host.become("app_service")
    host.state.always["door"] = door
    given = {"teacher_model_endpoint_url": f"{host.emulator.url}/online", "endpoint_kind": "online", "authentication_type": "managed_identity"}
    assert check(host, **given) == 4
    assert said in capsys.readouterr().err


def test_check_of_another_model_than_asked_for(host: AzureHost, capsys: pytest.CaptureFixture[str]) -> None:
    host.state.info = Scripted(200, {"model_name": "Phi-3"})
    asset = "azureml://registries/azureml-meta/models/Meta-Llama-3.1-405B-Instruct"
    given = {"teacher_model_endpoint_url": f"{host.emulator.url}/serverless", "endpoint_kind": "serverless", "api_key_env": "TEACHER_KEY"}
    assert check(host, teacher_model_asset_id=asset, **given) == 2
    assert "says that it serves Phi-3" in capsys.readouterr().err


def test_check_without_the_right_to_a_connection(host: AzureHost, capsys: pytest.CaptureFixture[str]) -> None:
    host.become("imds")
    host.state.always["arm list_secrets"] = Scripted(403, {"error": {"code": "AuthorizationFailed", "message": "no"}})
    assert check(host, connection_name="teacher") == 4
    assert "Workspace Connection Secrets Reader" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_model_that_must_be_named_and_is_not_listed_is_asked_for_before_anything_is_sent(
    host: AzureHost, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    host.state.always["door"] = Scripted(400)
    address = f"{host.emulator.url}/openai/v1"
    given = {"teacher_model_endpoint_url": address, "endpoint_kind": "azure_openai", "api_key_env": "TEACHER_KEY"}
    extra = ("--sample_request",) if command == "check" else ()
    assert check(host, *extra, command=command, **given) == 2
    shown = capsys.readouterr()
    assert "must name its model or deployment, and the endpoint lists none: name it with --model" in shown.out + shown.err
    assert host.state.counts() == {"door": 1}
    assert check(host, model="dep", **given) == 0


class ElsewhereListed(OpenAI):
    """A server whose models are not next to its route of chats."""

    def models_url(self, chat_url: str) -> str:
        return chat_url.replace("/serverless/v1/chat/completions", "/plain/v1/models")


def test_a_kind_says_where_its_models_are_listed(host: AzureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, EndpointKind.OPENAI, ElsewhereListed())
    endpoint = replace(host.endpoint(EndpointKind.OPENAI, KEY), chat_url=f"{host.emulator.url}/serverless/v1/chat/completions")
    assert probe_endpoint(endpoint, 2.0).models == ("teacher",)
