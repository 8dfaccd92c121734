"""Secrets in the wrong place are refused without showing them, and masked where settings are shown."""

import json

import pytest
from given_settings import given, refused

from beam_distill.config.secrets import is_secret_name, looks_like_secret

KEYS = [
    "sk-proj-abcdefgh12345678",
    "sk-ant-api03-xyzxyzxyz",
    "hf_abcdefghijklmnop",
    "gsk_abcdefghijklmnop",
    "ghp_abcdefghijklmnop",
    "nvapi-abcdefghijkl",
    "AIzaSyA1234567890abcdefghij",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    "0123456789abcdef0123456789abcdef",
    "a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "Bearer whatever",
]


@pytest.mark.fault("X-F3")
@pytest.mark.parametrize("key", [*KEYS, "two words", "with-hyphen", "1ABC", "a=b"])
def test_a_key_where_its_variables_name_belongs_is_refused_and_not_repeated(key: str) -> None:
    said = refused(api_key_env=key)
    assert "expected the name of an environment variable" in said
    assert key not in said


@pytest.mark.fault("X-F3")
@pytest.mark.parametrize("key", KEYS)
def test_a_key_where_a_files_path_belongs_is_refused_and_not_repeated(key: str) -> None:
    said = refused(api_key_file=key)
    assert "expected the path of a file" in said
    assert key not in said


@pytest.mark.parametrize("name", ["TEACHER_KEY", "OPENAI_API_KEY", "key", "_K1", "HF_TOKEN", "AZURE_OPENAI_API_KEY_EASTUS2_PRODUCTION"])
def test_names_of_variables_are_taken(name: str) -> None:
    assert given(api_key_env=name).settings.api_key_env == name
    assert given(api_key_file=f"/etc/secrets/{name}").settings.api_key_file == f"/etc/secrets/{name}"


@pytest.mark.fault("X-F3")
@pytest.mark.parametrize("key", KEYS)
def test_a_key_where_a_connections_name_belongs_is_refused_and_not_repeated(key: str) -> None:
    said = refused(connection_name=key)
    assert "expected the name of a workspace connection" in said
    assert key not in said
    assert given(connection_name="distillation-ws-connection-1a2b3c4d").settings.connection_name


def test_a_set_variable_counts_whatever_its_name_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "KEYOFTHETEACHER2024INEASTUS2"
    assert "looks like the key itself" in refused(api_key_env=name)
    monkeypatch.setenv(name, "x")
    assert given(api_key_env=name).settings.api_key_env == name


@pytest.mark.fault("X-F3", "X-F2")
def test_a_password_or_a_key_as_the_address_is_not_shown() -> None:
    assert "hush" not in refused(teacher_model_endpoint_url="http://me:hush@host/v1")
    assert "abcdefgh" not in refused(teacher_model_endpoint_url="sk-proj-abcdefgh12345678")


@pytest.mark.fault("X-F4")
@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "X-Auth-Token",
        "X-Api-Key",
        "X-API-KEY",
        "Ocp-Apim-Subscription-Key",
        "X-Goog-Api-Key",
        "X-Functions-Key",
        "PRIVATE-TOKEN",
        "X-Amz-Security-Token",
        "CF-Access-Client-Secret",
        "Helicone-Auth",
        "X-Portkey-Api-Key",
        "XApiKey",
        "authToken",
        "x-access-token",
        "Cookie",
        "X-Password",
        "Modal-Key",
    ],
)
def test_a_header_that_carries_a_secret_is_given_by_reference(name: str) -> None:
    said = refused(additional_headers={name: "blue"})
    assert f"the header {name} carries a secret" in said
    assert "${NAME}" in said
    assert "blue" not in said
    assert given(additional_headers={name: "${VARIABLE}"}).settings.additional_headers == {name: "${VARIABLE}"}
    assert given(additional_headers={name: "Bearer ${VARIABLE}"}).warnings
    assert "carries a secret" in refused(additional_headers={name: "Bearer SECRET${VARIABLE}"})
    assert "carries a secret" in refused(additional_headers={name: "SECRET ${VARIABLE}"})


@pytest.mark.fault("X-F4")
@pytest.mark.parametrize("value", [key for key in KEYS if key != "two words"])
def test_a_value_that_looks_like_a_secret_is_refused_under_any_name(value: str) -> None:
    said = refused(additional_headers={"x-gateway": value})
    assert "carries a secret" in said
    assert value not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-team", "blue"),
        ("HTTP-Referer", "https://example.com/page?id=3"),
        ("X-Title", "Distillation of May 2026"),
        ("anthropic-version", "2023-06-01"),
        ("OpenAI-Organization", "org-abc"),
        ("x-ms-client-session-id", "550e8400-e29b-41d4-a716-446655440000"),
        ("azureml-model-deployment", "gpt-4o-mini-2024-07-18"),
        ("extra-parameters", "pass-through"),
        ("idempotency-key", "run-7"),
        ("x-max-tokens", "4096"),
        ("x-mixed", "tenant-${TENANT}"),
    ],
)
def test_other_headers_are_taken_as_they_are(name: str, value: str) -> None:
    assert given(additional_headers={name: value}).settings.additional_headers == {name: value}


@pytest.mark.fault("X-F5")
def test_secrets_in_a_body_and_in_beams_options_are_masked_where_settings_are_shown() -> None:
    body = {
        "reasoning_effort": "low",
        "max_tokens_to_think": 5,
        "prompt_cache_key": "job-7",
        "data_sources": [{"parameters": {"authentication": {"type": "api_key", "key": "HUSH1"}, "endpoint": "https://s.example.com"}}],
        "accessKey": "HUSH2",
        "note": "Bearer HUSH3",
        "where": "https://a.blob.core.windows.net/c?sv=2024&sig=HUSH4",
        "connection": "DefaultEndpointsProtocol=https;AccountKey=HUSH5;",
    }
    options = {
        "blob_service_endpoint": "https://a.blob.core.windows.net/?sv=2024&sig=HUSH6",
        "azure_connection_string": "x=HUSH7",
        "s3_secret_access_key": "HUSH8",
        "s3_region_name": "eu-north-1",
        "direct_num_workers": 2,
    }
    settings = given(extra_body=body, beam_options=options).settings
    shown = json.dumps(settings.public_view()) + repr(settings)
    assert "HUSH" not in shown
    for kept in ("low", "job-7", "api_key", "https://s.example.com", "eu-north-1"):
        assert kept in shown
    assert settings.extra_body == body
    assert settings.beam_options == options


@pytest.mark.fault("X-F5")
def test_the_name_of_a_secret_is_shown() -> None:
    body = {"api_key": "${SEARCH_KEY}", "header": "Bearer ${SEARCH_KEY}", "other_key": "x-${SEARCH_KEY}"}
    assert given(extra_body=body).settings.public_view()["extra_body"] == {**body, "other_key": "***"}


@pytest.mark.parametrize("name", ["max_tokens", "stop_token_ids", "eos_token", "monkey", "keyword", "author", "token_budget", "seed"])
def test_names_that_only_sound_like_secrets(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize("text", ["", "blue", "gpt-4o", "meta-llama/Meta-Llama-3.1-405B-Instruct", "https://host/v1?api-version=2024-10-21"])
def test_texts_that_are_not_secrets(text: str) -> None:
    assert not looks_like_secret(text)
