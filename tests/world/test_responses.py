"""Every response of the corpus, sent by a real server to the real client: its classification and the message for the user."""

import asyncio
from collections.abc import Iterator

import pytest
from world.corpus import Case, cases, then
from world.responding import responding

from transforms.elements.failures import FailureKind
from transforms.prompts.base import AnswerRejected
from transforms.prompts.endings import whole_text
from transforms.teacher.client import AttemptResult, TeacherClient
from transforms.teacher.specs import EndpointSpec

pytestmark = pytest.mark.fault("D1", "D3", "D9", "D10", "D15", "D16", "R3", "R5", "R9", "R12", "A1", "A3", "A9", "X-C3")


@pytest.fixture(scope="module")
def results() -> Iterator[dict[str, AttemptResult]]:
    """All cases at once, over one server and one loop."""
    with responding({case.name: case.response for case in cases()}) as server:

        async def ask(case: Case) -> AttemptResult:
            client = TeacherClient(EndpointSpec(chat_url=f"{server}/{case.name}/v1/chat/completions"), 1)
            try:
                return await client.send(case.request, 0, 1)
            finally:
                await client.close()

        async def ask_all() -> dict[str, AttemptResult]:
            return {case.name: await asyncio.wait_for(ask(case), 10) for case in cases()}

        yield asyncio.run(ask_all())


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_response_is_classified(case: Case, results: dict[str, AttemptResult]) -> None:
    fields, result = case.fields, results[case.name]
    if "kind" in fields:
        failure = result.failure
        assert failure is not None, result.reply
        assert failure.kind.value == fields["kind"]
        assert then(failure.kind) == fields["then"]
        assert list(failure.parameters) == fields.get("parameters", [])
        if "wait_s" in fields:
            assert failure.retry_after_s == pytest.approx(fields["wait_s"])
        read = f"{failure.detail}: {failure.excerpt}"
    else:
        reply = result.reply
        assert reply is not None, result.failure
        assert reply.content == fields["answer"]
        assert fields["then"] == ("rejected" if "reason" in fields else "published")
        for name in ("completion_tokens", "refusal", "wants_tools"):
            assert getattr(reply, name) == fields.get(name, getattr(reply, name))
        read = ""
        try:
            whole_text(reply, None)
        except AnswerRejected as rejected:
            assert rejected.reason == fields["reason"]
            read = rejected.detail
        else:
            assert fields.get("reason", "empty_answer") == "empty_answer"
    for words in fields.get("reads", []):
        assert words in read
    if fields["status"] in (200, 201):
        assert result.was_stream or result.body == case.response.body


def test_the_corpus_covers_every_kind() -> None:
    assert len(cases()) >= 150
    assert all(case.fields["source"] and case.fields["then"] for case in cases())
    adapted = {FailureKind.WANTS_MAX_TOKENS, FailureKind.NO_CREDENTIAL, FailureKind.CANNOT_CONNECT}
    assert {case.fields["kind"] for case in cases() if "kind" in case.fields} == {kind.value for kind in set(FailureKind) - adapted}
