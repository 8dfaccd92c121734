"""Endpoints found by name, and settings with names."""

from typing import Any

import pytest
from azure_emulator.arm_routes import a_connection, a_deployment, a_serverless, an_online
from azure_emulator.state import Scripted
from azure_jobs import AzureHost

from beam_distill.config.settings import DistillSettings
from beam_distill.config.sources import resolve
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.azure_endpoint import Located, check_model_name, locate
from beam_distill.job.specs import endpoint_spec
from transforms.azure.endpoints import FoundEndpoint, find_endpoint
from transforms.azure.problems import AzureProblem
from transforms.azure.resource_manager import ResourceManager
from transforms.teacher.kinds.registry import EndpointKind
from transforms.teacher.specs import CredentialKind

ASSET = "azureml://registries/azureml-meta/models/Meta-Llama-3.1-405B-Instruct"


def settings(host: AzureHost, **given: Any) -> DistillSettings:
    values = {
        "train_file_path": "rows.jsonl",
        "generated_batch_train_file_path": str(host.folder / "out.jsonl"),
        "data_generation_task_type": "MATH",
        "subscription_id": "sub-1",
        "resource_group": "group-1",
        "workspace_name": "space-1",
        "arm_url": host.emulator.url,
        "azure_ca_bundle": host.authority,
        "first_answer_patience": "2",
        **given,
    }
    return resolve(values, None, {}).settings


def found(host: AzureHost, name: str = "teacher") -> FoundEndpoint:
    host.become("imds")
    return find_endpoint(ResourceManager(host.workspace, host.identity), name)


def located(host: AzureHost, **given: Any) -> Located:
    host.become("imds")
    return locate(settings(host, **given))


def test_serverless_comes_first(host: AzureHost) -> None:
    host.state.serverless["teacher"] = a_serverless("https://t.eastus2.models.ai.azure.com")
    host.state.online["teacher"] = an_online("https://t.eastus2.inference.ml.azure.com/score")
    assert found(host) == FoundEndpoint("teacher", True, "https://t.eastus2.models.ai.azure.com", "key", ASSET)
    assert host.state.counts() == {"imds": 1, "arm serverless": 1}


def test_a_404_leads_to_the_online_endpoints_over_all_pages(host: AzureHost) -> None:
    host.state.online["teacher"] = an_online("https://t.eastus2.inference.ml.azure.com/score")
    host.state.deployments["teacher"] = [a_deployment("green"), a_deployment("red"), a_deployment("blue")]
    assert found(host).model_id == f"{ASSET}/versions/1"
    assert host.state.counts() == {"imds": 1, "arm serverless": 1, "arm online": 1, "arm deployments": 3}


@pytest.mark.parametrize("status", [401, 403, 500])
def test_another_status_does_not_lead_to_the_online_endpoints(host: AzureHost, status: int) -> None:
    host.state.always["arm serverless"] = Scripted(status, {"error": {"code": "X", "message": "no"}})
    host.state.online["teacher"] = an_online("https://t/score")
    with pytest.raises(AzureProblem):
        found(host)
    assert host.state.counts()["arm online"] == 0


def test_an_endpoint_that_is_found_nowhere_says_how_to_list_them(host: AzureHost) -> None:
    with pytest.raises(AzureProblem, match="az ml online-endpoint list"):
        found(host)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"provisioningState": "Creating"}, "Creating"),
        ({"provisioningState": "Failed"}, "Failed"),
        ({"endpointState": "Suspended"}, "Suspended"),
        ({"inferenceEndpoint": None}, "no address yet"),
    ],
)
def test_serverless_that_cannot_be_used(host: AzureHost, changes: dict[str, Any], said: str) -> None:
    host.state.serverless["teacher"] = a_serverless("https://t", **changes)
    with pytest.raises(AzureProblem, match=said):
        found(host)


@pytest.mark.parametrize(
    ("changes", "deployments", "said"),
    [
        ({"provisioningState": "Updating"}, [a_deployment("blue")], "Updating"),
        ({"traffic": {"blue": 50, "green": 50}}, [a_deployment("blue"), a_deployment("green")], "blue 50 %, green 50 %"),
        ({"traffic": {"gone": 100}}, [a_deployment("blue")], "gone 100 %"),
        ({"traffic": {}}, [a_deployment("blue")], "none"),
        ({}, [a_deployment("blue", provisioningState="Updating")], "deployment blue"),
        ({"scoringUri": None}, [a_deployment("blue")], "scoringUri"),
    ],
)
def test_online_that_cannot_be_used(host: AzureHost, changes: dict[str, Any], deployments: list[dict[str, Any]], said: str) -> None:
    host.state.online["teacher"] = an_online("https://t/score", **changes)
    host.state.deployments["teacher"] = deployments
    with pytest.raises(AzureProblem, match=said):
        found(host)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("Key", CredentialKind.SERVERLESS_KEY), ("AAD", CredentialKind.IDENTITY), ("KeyAndAAD", CredentialKind.SERVERLESS_KEY)],
)
def test_what_opens_a_serverless_endpoint(host: AzureHost, mode: str, kind: CredentialKind) -> None:
    host.state.serverless["teacher"] = a_serverless("https://t.eastus2.models.ai.azure.com", authMode=mode)
    assert located(host, teacher_model_endpoint_name="teacher").credential.kind is kind


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("Key", CredentialKind.ONLINE_KEY), ("AMLToken", CredentialKind.ONLINE_TOKEN), ("AADToken", CredentialKind.IDENTITY)],
)
def test_what_opens_an_online_endpoint(host: AzureHost, mode: str, kind: CredentialKind) -> None:
    host.state.online["teacher"] = an_online("https://t.eastus2.inference.ml.azure.com/score", authMode=mode)
    host.state.deployments["teacher"] = [a_deployment("blue")]
    located_at = located(host, teacher_model_endpoint_name="teacher")
    assert located_at.credential.kind is kind
    assert located_at.kind is EndpointKind.ONLINE


def test_an_identity_does_not_open_what_takes_keys_only(host: AzureHost) -> None:
    host.state.serverless["teacher"] = a_serverless("https://t")
    with pytest.raises(RunRefused, match="accepts keys only"):
        located(host, teacher_model_endpoint_name="teacher", authentication_type="managed_identity")


def test_headers_that_the_endpoint_wants_go_along(host: AzureHost) -> None:
    inference = {"uri": "https://t.eastus2.models.ai.azure.com", "headers": {"x-route": "a"}}
    host.state.serverless["teacher"] = a_serverless("", inferenceEndpoint=inference)
    host.become("imds")
    spec = endpoint_spec(settings(host, teacher_model_endpoint_name="teacher"))
    assert ("x-route", "a") in spec.headers
    assert spec.chat_url == "https://t.eastus2.models.ai.azure.com/v1/chat/completions"


def test_a_connection_leads_to_its_target(host: AzureHost) -> None:
    host.state.connections["c"] = a_connection("https://t.eastus2.models.ai.azure.com/v1/chat/completions")
    at = located(host, connection_name="c")
    assert (at.address, at.kind) == ("https://t.eastus2.models.ai.azure.com/v1/chat/completions", EndpointKind.SERVERLESS)
    assert at.credential.kind is CredentialKind.CONNECTION
    assert at.credential.place == "c"
    assert located(host, connection_name="c", teacher_model_endpoint_url="https://other/v1").address == "https://other/v1"


def test_a_connection_to_azure_openai_has_its_api_version(host: AzureHost) -> None:
    host.state.connections["c"] = a_connection(
        "https://r.openai.azure.com/", category="AzureOpenAI", metadata={"ApiVersion": "2024-12-01-preview"}
    )
    host.become("imds")
    spec = endpoint_spec(settings(host, connection_name="c", model="gpt"))
    assert spec.chat_url == "https://r.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-12-01-preview"


def test_a_connection_without_a_key_uses_our_own_identity(host: AzureHost) -> None:
    host.state.connections["c"] = a_connection("https://r.openai.azure.com", authType="AAD", credentials=None)
    at = located(host, connection_name="c")
    assert at.credential.kind is CredentialKind.IDENTITY
    assert at.credential.place == "https://cognitiveservices.azure.com/.default"


@pytest.mark.parametrize(
    ("asset", "good"),
    [(ASSET, True), (f"{ASSET}/versions/1", True), (f"{ASSET}/versions/2", False), ("azureml://registries/azureml/models/Other", False)],
)
def test_the_asset_id_is_compared_with_what_is_deployed(host: AzureHost, asset: str, good: bool) -> None:
    host.state.online["teacher"] = an_online("https://t.eastus2.inference.ml.azure.com/score")
    host.state.deployments["teacher"] = [a_deployment("blue")]
    if good:
        located(host, teacher_model_endpoint_name="teacher", teacher_model_asset_id=asset)
        return
    with pytest.raises(RunRefused, match="runs azureml://") as caught:
        located(host, teacher_model_endpoint_name="teacher", teacher_model_asset_id=asset)
    assert caught.value.code is ExitCode.WRONG_INPUT


@pytest.mark.fault("G6")
@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/4", "endpoint teacher runs Phi-3-mini-4k-instruct of azureml"),
        ("azureml://registries/mine/models/Meta-Llama-3.1-405B-Instruct/versions/1", "of mine, which is not one of the models"),
        ("azureml:my-model:3", "which is not a registered model and is not one of the models"),
    ],
)
def test_the_deployed_model_is_held_against_the_list_without_an_asset_id(
    host: AzureHost, model: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    host.state.online["teacher"] = an_online("https://t.eastus2.inference.ml.azure.com/score")
    deployment = a_deployment("blue")
    deployment["properties"]["model"] = model
    host.state.deployments["teacher"] = [deployment]
    located(host, teacher_model_endpoint_name="teacher")
    assert said in caplog.text
    with pytest.raises(RunRefused, match="strict_model_list makes that an error") as refused:
        located(host, teacher_model_endpoint_name="teacher", strict_model_list="true")
    assert said in str(refused.value)
    assert refused.value.code is ExitCode.WRONG_INPUT


@pytest.mark.fault("G6")
def test_a_listed_deployed_model_is_taken(host: AzureHost, caplog: pytest.LogCaptureFixture) -> None:
    host.state.serverless["teacher"] = a_serverless("https://t.eastus2.models.ai.azure.com")
    located(host, teacher_model_endpoint_name="teacher", strict_model_list="true")
    assert "not one of" not in caplog.text


@pytest.mark.fault("G6")
@pytest.mark.parametrize(("name", "good"), [("Meta-Llama-3.1-405B-Instruct", True), ("meta-llama-3.1-405b-instruct-x", True), ("Phi-3", False)])
def test_the_name_that_info_tells_is_held_against_the_list_where_it_is_strict(host: AzureHost, name: str, good: bool) -> None:
    given = {"teacher_model_endpoint_url": "https://t.eastus2.inference.ml.azure.com"}
    endpoint = endpoint_spec(settings(host, **given))
    check_model_name(settings(host, **given), endpoint, name)
    strict = settings(host, strict_model_list="true", **given)
    check_model_name(strict, endpoint, "")
    if good:
        check_model_name(strict, endpoint, name)
        return
    with pytest.raises(RunRefused, match="says that it serves Phi-3"):
        check_model_name(strict, endpoint, name)


@pytest.mark.fault("G13")
@pytest.mark.parametrize("mode", ["Key", "AMLToken", "AADToken"])
@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/v1",
        "https://t.eastus2.inference.ml.azure.com:8443/score",
        "http://t.eastus2.inference.ml.azure.com/score",
        "https://t.eastus2.inference.ml.azure.com.example/score",
    ],
)
def test_what_opens_an_endpoint_by_name_goes_to_no_other_host(host: AzureHost, mode: str, address: str) -> None:
    host.state.online["teacher"] = an_online("https://t.eastus2.inference.ml.azure.com/score", authMode=mode)
    host.state.deployments["teacher"] = [a_deployment("blue")]
    with pytest.raises(RunRefused, match="is sent to no other host") as refused:
        located(host, teacher_model_endpoint_name="teacher", teacher_model_endpoint_url=address)
    assert refused.value.code is ExitCode.WRONG_INPUT
    own = "https://T.eastus2.inference.ml.azure.com:443/v1"
    assert located(host, teacher_model_endpoint_name="teacher", teacher_model_endpoint_url=own).address == own


@pytest.mark.fault("G13")
def test_a_connections_key_that_goes_to_another_address_is_reported(host: AzureHost, caplog: pytest.LogCaptureFixture) -> None:
    host.state.connections["c"] = a_connection("https://t.eastus2.models.ai.azure.com/v1")
    located(host, connection_name="c", teacher_model_endpoint_url="https://t.eastus2.models.ai.azure.com")
    assert "its key goes to" not in caplog.text
    located(host, connection_name="c", teacher_model_endpoint_url="https://other/v1")
    assert "its key goes to https://other/v1: teacher_model_endpoint_url says so" in caplog.text


@pytest.mark.parametrize("name", ["teacher_model_asset_id", "student_model"])
def test_models_outside_the_list(host: AzureHost, name: str, caplog: pytest.LogCaptureFixture) -> None:
    given = {name: "azureml://registries/mine/models/Better/versions/3", "teacher_model_endpoint_url": "https://h/v1"}
    located(host, **given)
    assert "Better of mine is not one of the models" in caplog.text
    with pytest.raises(RunRefused, match="strict_model_list makes that an error"):
        located(host, strict_model_list="true", **given)
    with pytest.raises(RunRefused, match="expected azureml://registries"):
        located(host, **{**given, name: f"{ASSET}/labels/latest"})


def test_a_student_from_another_publisher_is_not_compared(host: AzureHost, caplog: pytest.LogCaptureFixture) -> None:
    located(host, student_model="Qwen/Qwen3-8B", strict_model_list="true", teacher_model_endpoint_url="https://h/v1")
    assert "not one of" not in caplog.text


@pytest.mark.parametrize("student", ["Phi-3-medium-4k-instruct", "phi-3.5-mini-instruct"])
def test_every_listed_student_is_known(host: AzureHost, student: str, caplog: pytest.LogCaptureFixture) -> None:
    asset = f"azureml://registries/azureml/models/{student}/versions/1"
    located(host, student_model=asset, strict_model_list="true", teacher_model_endpoint_url="https://h/v1")
    assert "not one of" not in caplog.text


def test_a_token_is_not_sent_to_just_anyone(host: AzureHost) -> None:
    given = {"teacher_model_endpoint_url": "https://somewhere.example/v1", "authentication_type": "managed_identity"}
    with pytest.raises(RunRefused, match="identity_scope"):
        located(host, **given)
    assert located(host, identity_scope="api://x/.default", **given).credential.place == "api://x/.default"
    with pytest.raises(RunRefused, match="plain http"):
        located(host, identity_scope="api://x/.default", authentication_type="managed_identity", teacher_model_endpoint_url="http://h.example")


def test_azure_that_is_down_counts_as_an_endpoint_that_is_down(host: AzureHost) -> None:
    host.state.always["imds"] = Scripted(503)
    with pytest.raises(RunRefused) as caught:
        located(host, connection_name="c")
    assert caught.value.code is ExitCode.ENDPOINT_STOPPED
    assert 2 <= host.state.counts()["imds"] <= 6  # requested again for first_answer_patience


def test_a_list_that_leads_elsewhere_gets_no_token(host: AzureHost) -> None:
    host.state.online["teacher"] = an_online("https://t/score")
    host.state.always["arm deployments"] = Scripted(200, {"value": [], "nextLink": "https://elsewhere.example/deployments"})
    with pytest.raises(AzureProblem, match="no token goes there"):
        found(host)
