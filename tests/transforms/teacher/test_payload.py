"""Request bodies, and what their hash covers."""

import json
from dataclasses import replace

import pytest

from transforms.elements.rows import ChatMessage
from transforms.teacher.payload import PayloadTemplate, longest_answer_tokens
from transforms.teacher.specs import EndpointSpec, SamplingSpec

ENDPOINT = EndpointSpec("http://h/v1/chat/completions", model="m", extra_body_json='{"reasoning_effort": "low"}')
SAMPLING = SamplingSpec(max_new_tokens=7, stop=("END",))
MESSAGES = (ChatMessage("user", "caf\u00e9"),)


def hashed(endpoint: EndpointSpec = ENDPOINT, sampling: SamplingSpec = SAMPLING, messages: tuple[ChatMessage, ...] = MESSAGES) -> str:
    template = PayloadTemplate(endpoint, sampling)
    return template.request_hash(template.body(messages))


def test_body_holds_what_was_set_and_no_zero_penalties() -> None:
    assert json.loads(PayloadTemplate(ENDPOINT, SAMPLING).body(MESSAGES)) == {
        "messages": [{"role": "user", "content": "caf\u00e9"}],
        "model": "m",
        "max_tokens": 7,
        "temperature": 0.2,
        "top_p": 0.1,
        "stop": ["END"],
        "reasoning_effort": "low",
    }


def test_hash_covers_everything_that_changes_the_answer() -> None:
    others = [
        hashed(messages=(ChatMessage("system", "caf\u00e9"),)),
        hashed(sampling=replace(SAMPLING, temperature=0.3)),
        hashed(sampling=replace(SAMPLING, max_new_tokens=8)),
        hashed(endpoint=replace(ENDPOINT, model="n")),
        hashed(endpoint=replace(ENDPOINT, extra_body_json="{}")),
    ]
    assert len({hashed(), *others}) == 6


def test_hash_covers_nothing_else() -> None:
    moved = replace(ENDPOINT, chat_url="http://elsewhere/v1/chat/completions", headers=(("x", "y"),))
    assert hashed(endpoint=moved) == hashed()


def test_without_a_model_the_address_names_it() -> None:
    here = replace(ENDPOINT, model=None)
    assert hashed(endpoint=here) != hashed(endpoint=replace(here, chat_url="http://elsewhere/v1/chat/completions"))


@pytest.mark.parametrize(
    ("extra", "tokens"),
    [
        ("{}", 128),
        ('{"max_completion_tokens": 5000}', 5000),
        ('{"max_tokens": 64}', 64),
        ('{"n": 3}', 384),
        ('{"max_tokens": null}', 128),
        ('{"n": null, "max_completion_tokens": "9"}', 128),
    ],
)
def test_an_extra_body_may_ask_for_more_tokens_than_the_setting(extra: str, tokens: int) -> None:
    assert longest_answer_tokens(EndpointSpec("http://t/v1/chat/completions", extra_body_json=extra), SamplingSpec()) == tokens
