"""Addresses as people have them."""

import pytest

from transforms.teacher.address import chat_completions_url, models_url, other_route


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1/chat/completions"),
        ("http://localhost:8000/", "http://localhost:8000/v1/chat/completions"),
        ("http://localhost:8000/v1", "http://localhost:8000/v1/chat/completions"),
        ("http://localhost:8000/v1/", "http://localhost:8000/v1/chat/completions"),
        ("https://h/v1/chat/completions", "https://h/v1/chat/completions"),
        ("https://h/chat/completions", "https://h/chat/completions"),
        ("https://h/proxy/v1beta", "https://h/proxy/v1beta/v1/chat/completions"),
        ("https://h/score", "https://h/v1/chat/completions"),
        ("https://h/openai/deployments/d?api-version=2024-10-21", "https://h/openai/deployments/d/chat/completions?api-version=2024-10-21"),
        (" http://h ", "http://h/v1/chat/completions"),
    ],
)
def test_every_form_becomes_the_chat_route(address: str, url: str) -> None:
    assert chat_completions_url(address) == url


@pytest.mark.fault("A8")
@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://h/v1/projects/p/locations/l/endpoints/openapi", "https://h/v1/projects/p/locations/l/endpoints/openapi/chat/completions"),
        ("https://h/v1/projects/p/locations/l/endpoints/123/", "https://h/v1/projects/p/locations/l/endpoints/123/chat/completions"),
        ("https://models.github.ai/inference", "https://models.github.ai/inference/chat/completions"),
        ("https://h/serving-endpoints", "https://h/serving-endpoints/chat/completions"),
        ("https://h/v1/account/gateway/compat", "https://h/v1/account/gateway/compat/chat/completions"),
        ("https://h/v1beta/openai/", "https://h/v1beta/openai/chat/completions"),
        ("https://h/inference/v1", "https://h/inference/v1/chat/completions"),
        ("https://h/v1/models", "https://h/v1/chat/completions"),
        ("https://h/v1/completions", "https://h/v1/chat/completions"),
        ("https://h/api/v3/responses?a=b", "https://h/api/v3/chat/completions?a=b"),
        ("https://h/models", "https://h/models/chat/completions"),
    ],
)
def test_a_base_address_without_a_version(address: str, url: str) -> None:
    assert chat_completions_url(address) == url


@pytest.mark.fault("A8")
@pytest.mark.parametrize(
    ("address", "other"),
    [
        ("https://h", "https://h/chat/completions"),
        ("https://h/api/", "https://h/api/chat/completions"),
        ("https://h/inference?a=b", "https://h/inference/v1/chat/completions?a=b"),
        ("https://h/v1", None),
        ("https://h/v1/models", None),
        ("https://h/v1/chat/completions", None),
        ("https://h/chat/completions", None),
        ("https://h/score", None),
    ],
)
def test_a_guessed_version_has_another_place_to_look(address: str, other: str | None) -> None:
    assert other_route(address, chat_completions_url(address)) == other


@pytest.mark.parametrize("address", ["http://[::1", "localhost:8000", "ftp://h", "http://", "http://user:pass@h", "http://h:99999", "h"])
def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        chat_completions_url(address)


def test_models_are_next_to_the_chat_route() -> None:
    assert models_url("http://h/v1/chat/completions?a=b") == "http://h/v1/models?a=b"
