"""Bodies of status 200: an answer, an error inside, or unusable."""

import json
from typing import Any

import pytest

from transforms.elements.failures import FailureKind as Kind
from transforms.elements.finish_reasons import Ending, ending_of
from transforms.teacher.classify import classify_inside
from transforms.teacher.response import BrokenBody, BrokenOff, ErrorInside, read_reply


def completion(content: Any = "four", finish_reason: Any = "stop", usage: Any = None, **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish_reason}
    return {"id": "x", "choices": [choice], **({} if usage is None else {"usage": usage})}


def read(body: Any) -> Any:
    return read_reply(body if isinstance(body, (bytes, str)) else json.dumps(body).encode(), 0, 1, 1.0)


@pytest.mark.fault("D15")
@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b'{"choices":[{"message":{"content":"A cat \\ud83d"},"finish_reason":"stop"}]}', "A cat \ufffd"),
        (b'{"choices":[{"message":{"content":"\\udc00 \\ud83d\\ude00"}}]}', "\ufffd \U0001f600"),
        (b'{"choices":[{"message":{"content":"x"},"logprobs":{"content":[{"logprob":-Infinity},{"logprob":NaN}]}}]}', "x"),
        (b'{"choices":[{"message":{"content":"two\nlines\tand a tab"}}]}', "two\nlines\tand a tab"),
        (b'\xef\xbb\xbf{"choices":[{"message":{"content":"x"}}]}', "x"),
        (b'{"choices":[{"message":{"content":"caf\xe9"}}]}', "caf\ufffd"),
        (b'\n\n  {"choices":[{"message":{"content":"x"}}]}\n', "x"),
        (b'{"choices":[{"message":{"content":"x"}}],"n":1e999}', "x"),
        (b'{"choices":[{"message":{"content":"x"}}]}\x00\x00', "x"),
        (b'{"choices":[{"message":{"content":"x"}}]}\n\ndata: [DONE]\n', "x"),
        (b': still working\n\n: still working\n\n{"choices":[{"message":{"content":"x"}}]}', "x"),
        (b'{"choices":[{"message":{"content":{"type":"text","text":"x"}}}]}', "x"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_answer_is_read_although_it_is_not_strict_json(body: bytes, content: str) -> None:
    assert read(body).content == content
    assert read(body.decode("utf-8", "replace")).content == content  # as the ledger gives it back


@pytest.mark.fault("D4", "X-A1", "X-A2")
@pytest.mark.parametrize("count", [2**64 - 1, 2**63 - 1, 10**30, -1, True, "12 tokens", "-3", 1.5, 1e300, float("inf"), None])
def test_an_impossible_count_is_not_reported(count: Any) -> None:
    reply = read(completion(usage={"prompt_tokens": count, "completion_tokens": count}))
    assert (reply.prompt_tokens, reply.completion_tokens) == (None, None)


@pytest.mark.fault("X-A2")
def test_counts_of_a_whole_job_fit_into_64_bits() -> None:
    most = 1_000_000_000
    reply = read(completion(usage={"prompt_tokens": most, "completion_tokens": most}))
    assert (reply.prompt_tokens + reply.completion_tokens) * 1_000_000_000 < 2**63


@pytest.mark.fault("D21", "R12")
@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 1110}, (100, 1010)),
        ({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}, (100, 10)),
        ({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 10}, (100, 10)),
        ({"prompt_tokens": 100, "total_tokens": 130}, (100, 30)),
        ({"completion_tokens": 10, "total_tokens": 130}, (None, 10)),
        ({}, (None, None)),
        (None, (None, None)),
        ([1], (None, None)),
    ],
)
def test_tokens_outside_the_completion_are_counted(usage: Any, counts: tuple[int | None, int | None]) -> None:
    reply = read(completion(usage=usage))
    assert (reply.prompt_tokens, reply.completion_tokens) == counts


@pytest.mark.fault("D1")
@pytest.mark.parametrize(
    ("sent", "finish_reason"),
    [
        ({"type": "stop", "matched": 2}, "stop"),
        ({"reason": "length"}, "length"),
        (1, "1"),
        ({}, None),
        (None, None),
        (["stop"], "stop"),
        (["a", "b"], "['a', 'b']"),
    ],
)
def test_a_finish_reason_of_any_type_becomes_a_word(sent: Any, finish_reason: str | None) -> None:
    assert read(completion(finish_reason=sent)).finish_reason == finish_reason


@pytest.mark.fault("D1", "R2")
@pytest.mark.parametrize("word", ["error", "abort", "ABORTED", "network_error", "insufficient_system_resource", "error: upstream gone"])
def test_a_broken_off_answer_is_not_an_answer(word: str) -> None:
    with pytest.raises(BrokenOff, match=word):
        read(completion(finish_reason=word))


@pytest.mark.fault("D1")
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "stream ended early"}, Kind.BROKEN_OFF),
        ("cut", Kind.BROKEN_OFF),
        ({"code": 502, "message": "provider disconnected"}, Kind.UNAVAILABLE),
        ({"code": 429, "message": "slow down"}, Kind.THROTTLED),
        ({"code": "content_filter"}, Kind.CONTENT_FILTERED),
    ],
)
def test_an_error_inside_the_choice_is_a_failed_attempt(error: Any, kind: Kind) -> None:
    body = completion()
    body["choices"][0]["error"] = error
    with pytest.raises(ErrorInside) as caught:
        read(body)
    assert classify_inside(caught.value.reported, b"", caught.value.otherwise)[0].kind is kind


@pytest.mark.fault("A9", "R12")
def test_a_refusal_and_tool_calls_are_kept() -> None:
    assert read(completion(None, refusal="I cannot help with that.")).refusal == "I cannot help with that."
    assert read(completion([{"type": "refusal", "refusal": "No."}])).refusal == "No."
    assert read(completion(None, "tool_calls", tool_calls=[{"id": "1"}])).wants_tools
    assert not read(completion(None, tool_calls=[])).wants_tools
    assert read(completion()).refusal is None


def test_an_answer_that_was_encoded_twice_is_read() -> None:
    assert read(json.dumps(json.dumps({"output": "four"}))).content == "four"


def test_thinking_among_the_parts_of_a_content_is_left_out() -> None:
    parts = [{"type": "thinking", "text": "hm"}, {"type": "text", "text": "four"}]
    assert read(completion(parts)).content == "four"
    assert read(completion(parts)).reasoning == "hm"


def test_thinking_parts_are_the_reasoning_of_a_content() -> None:
    """As Mistral sends them: a list of texts inside, more than one part, some without anything."""
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "Let me "}, {"type": "text", "text": "see."}]}]
    parts = [*thought, {"type": "text", "text": "fo"}, {"type": "thinking", "thinking": []}, {"type": "text", "text": "ur"}]
    reply = read(completion(parts))
    assert (reply.content, reply.reasoning) == ("four", "Let me see.")
    assert read(completion([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "four"}])).reasoning == "hm"
    assert read(completion(parts, reasoning_content="named")).reasoning == "named"
    assert read(completion([{"type": "text", "text": "four"}])).reasoning is None


@pytest.mark.fault("X-A3", "D3")
def test_deep_nesting_raises_nothing() -> None:
    deep: Any = "x"
    for _ in range(800):
        deep = [deep]
    with pytest.raises(ErrorInside) as caught:
        read({"error": {"message": deep}})
    assert classify_inside(caught.value.reported, b"", Kind.BROKEN_BODY)[0].kind is Kind.BROKEN_BODY
    with pytest.raises(BrokenBody):
        read(b"[" * 1_000_000)


@pytest.mark.fault("D3", "X-C3")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"<!doctype html><title>Sign in</title>", "web page"),
        (b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n', "event stream"),
        (b'{"choices":[{"message":{"content":"rate limit', "not JSON"),
        (b'"ok"', "not an object"),
        (b'{"id":"x","type":"message","role":"assistant","content":[{"type":"text","text":"rate limit"}]}', "id, type, role, content"),
        (b'{"choices":[{"delta":{}}]}', "no message"),
    ],
)
def test_a_body_of_another_shape_says_what_it_is(body: bytes, words: str) -> None:
    with pytest.raises(BrokenBody, match=words) as caught:
        read(body)
    error = caught.value
    assert not isinstance(error, ErrorInside) or classify_inside(error.reported, b"", error.otherwise)[0].kind is Kind.BROKEN_BODY


@pytest.mark.parametrize(
    ("ends", "ending"),
    [
        ({"status": "completed"}, Ending.COMPLETE),
        ({"status": "completed", "incomplete_details": None}, Ending.COMPLETE),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, Ending.CUT_OFF),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, Ending.FILTERED),
        ({"status": "incomplete"}, Ending.CUT_OFF),
        ({"status": "in_progress"}, None),
    ],
)
def test_an_answer_in_the_form_of_the_responses_api_ends_as_it_says(ends: dict[str, object], ending: Ending | None) -> None:
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Paris"}]}
    reply = read(json.dumps({"object": "response", "output": [message], **ends}))
    assert reply.content == "Paris"
    assert ending_of(reply.finish_reason) is ending


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_response_that_failed_is_no_answer(status: str) -> None:
    with pytest.raises(BrokenBody):
        read(json.dumps({"object": "response", "status": status, "output": []}))
