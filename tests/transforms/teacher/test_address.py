"""Addresses as people have them."""

import pytest

from transforms.teacher.address import chat_completions_url, models_url


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


@pytest.mark.parametrize("address", ["localhost:8000", "ftp://h", "http://", "http://user:pass@h", "http://h:99999", "h"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        chat_completions_url(address)


def test_models_stand_beside_the_chat_route() -> None:
    assert models_url("http://h/v1/chat/completions?a=b") == "http://h/v1/models?a=b"
