"""A refused field is learned once."""

import json

import pytest

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.elements.rows import ChatMessage
from transforms.teacher.adaptation import LEFT_OUT_AT_NEED, Adaptation
from transforms.teacher.kinds.registry import KINDS, EndpointKind
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.specs import EndpointSpec, SamplingSpec

SAMPLING = SamplingSpec(64, 0.2, 0.1, 0.5, -0.5, ("###",), top_logprobs=3)
MESSAGES = (ChatMessage("system", "Be brief."), ChatMessage("user", "2 plus 2?"), ChatMessage("assistant", "4"), ChatMessage("user", "And 3?"))


def a_body(kind: EndpointKind = EndpointKind.OPENAI) -> bytes:
    return PayloadTemplate(EndpointSpec("http://h/v1/chat/completions", "m", kind), SAMPLING).body(MESSAGES)


def refused(*parameters: str) -> RequestFailure:
    return RequestFailure(FailureKind.PARAMETER_REFUSED, "status 400", 400, "Unsupported value", parameters=parameters)


@pytest.mark.fault("D10", "R5")
@pytest.mark.parametrize("kind", [EndpointKind.OPENAI, EndpointKind.ONLINE_SCORE])
@pytest.mark.parametrize("name", sorted(LEFT_OUT_AT_NEED - {"system"}))
def test_a_refused_field_is_left_out_of_every_later_request(name: str, kind: EndpointKind) -> None:
    adaptation = Adaptation(KINDS[kind])
    assert adaptation.applied(a_body(kind)) == a_body(kind)
    assert adaptation.learn(refused(name), sent_with=0)
    sent = json.loads(adaptation.applied(a_body(kind)))
    before = json.loads(a_body(kind))
    parameters = sent["input_data"]["parameters"] if "input_data" in sent else sent
    parameters_before = before["input_data"]["parameters"] if "input_data" in before else before
    assert set(parameters_before) - set(parameters) == ({name, "top_logprobs"} if name == "logprobs" else {name})
    assert adaptation.left_out == (name,)


@pytest.mark.fault("D10", "A1")
def test_a_refused_system_role_is_merged_into_the_first_user_message() -> None:
    adaptation = Adaptation(KINDS[EndpointKind.OPENAI])
    assert adaptation.learn(refused("system"), 0)
    messages = json.loads(adaptation.applied(a_body()))["messages"]
    assert messages[0] == {"role": "user", "content": "Be brief.\n\n2 plus 2?"}
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert json.loads(a_body())["messages"][0]["role"] == "system"


@pytest.mark.fault("D10")
def test_no_change_is_made_twice() -> None:
    adaptation = Adaptation(KINDS[EndpointKind.OPENAI])
    assert adaptation.learn(refused("top_p"), 0)
    assert adaptation.learn(refused("top_p"), 0)  # it was sent before the change
    assert not adaptation.learn(refused("top_p"), adaptation.version)
    assert not adaptation.learn(refused("chat_template_kwargs"), adaptation.version)  # the person's own


def test_each_name_of_the_token_limit_is_tried_once() -> None:
    adaptation = Adaptation(KINDS[EndpointKind.OPENAI])
    other = RequestFailure(FailureKind.WANTS_MAX_COMPLETION_TOKENS, "status 400", 400)
    back = RequestFailure(FailureKind.WANTS_MAX_TOKENS, "status 400", 400)
    assert adaptation.learn(other, 0)
    assert "max_tokens" not in json.loads(adaptation.applied(a_body()))
    assert json.loads(adaptation.applied(a_body()))["max_completion_tokens"] == 64
    assert adaptation.learn(back, adaptation.version)
    assert adaptation.applied(a_body()) == a_body()
    assert not adaptation.learn(other, adaptation.version)
    assert not Adaptation(KINDS[EndpointKind.ONLINE_SCORE]).learn(other, 0)
