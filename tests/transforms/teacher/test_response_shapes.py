"""The shapes in which servers and gateways send an answer, or an error, with status 200."""

import json
from typing import Any

import pytest

from transforms.elements.failures import FailureKind as Kind
from transforms.prompts.base import AnswerRejected
from transforms.prompts.endings import whole_text
from transforms.teacher.classify import classify_inside
from transforms.teacher.response import BrokenBody, BrokenOff, ErrorInside, read_reply


def choice(content: Any = "four", finish_reason: Any = "stop", **other: Any) -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish_reason, **other}


ANSWER = {"id": "x", "choices": [choice()]}


def read(body: Any) -> Any:
    return read_reply(json.dumps(body).encode(), 0, 1, 1.0)


@pytest.mark.fault("D3", "D15")
@pytest.mark.parametrize(
    ("content", "text", "thought"),
    [
        (["four"], "four", None),
        (["fo", {"type": "text", "text": "ur"}], "four", None),
        ([[{"type": "text", "text": "four"}]], "four", None),
        ([{"type": "output_text", "text": "four", "annotations": []}], "four", None),
        ([{"type": "text", "text": {"value": "four", "annotations": []}}], "four", None),
        ([{"type": "text", "content": "four"}], "four", None),
        ({"content_type": "text", "parts": ["fo", "ur"]}, "four", None),
        ([{"type": "text", "text": "four"}, {"type": "image_url", "image_url": {"url": "x"}}], "four", None),
        ([{"type": "reference", "reference_ids": [1]}, {"type": "text", "text": "four"}], "four", None),
        ([{"text": "hm", "thought": True}, {"text": "four"}], "four", "hm"),
        ([{"type": "reasoning_content", "text": "hm"}, {"type": "text", "text": "four"}], "four", "hm"),
        ([{"type": "redacted_thinking", "data": "xx"}, {"type": "text", "text": "four"}], "four", None),
        (4, "4", None),
        (4.5, "4.5", None),
        (False, "false", None),
        ({"reason": "2 + 2", "answer": 4}, '{"reason":"2 + 2","answer":4}', None),
        ([{"Denser_Summary": "a"}, {"Denser_Summary": "b"}], '[{"Denser_Summary":"a"},{"Denser_Summary":"b"}]', None),
        ([], None, None),
        (None, None, None),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_content_of_any_shape_becomes_text(content: Any, text: str | None, thought: str | None) -> None:
    reply = read({"choices": [choice(content)]})
    assert (reply.content, reply.reasoning) == (text, thought)


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"reasoning": {"content": "hm"}},
        {"thinking": "hm"},
        {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}, {"type": "reasoning.encrypted", "data": "x"}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]},
    ],
    ids=str,
)
def test_thinking_beside_the_content_is_the_reasoning(fields: dict[str, Any]) -> None:
    body = {"choices": [choice()]}
    body["choices"][0]["message"] |= fields
    assert (read(body).content, read(body).reasoning) == ("four", "hm")


@pytest.mark.fault("D3")
@pytest.mark.parametrize(
    "body",
    [
        *({"code": 0, "msg": "ok", name: ANSWER} for name in ("data", "result", "response", "output", "completion")),
        {"statusCode": 200, "headers": {}, "body": json.dumps(ANSWER)},
        [ANSWER],
        json.dumps(ANSWER),
        *({**ANSWER, "error": empty} for empty in (None, {}, "", {"code": None, "message": ""}, {"code": 0, "message": "success"})),
        {"choices": [choice("five", index=1), choice("four", index=0)]},
        {"object": "chat.completion.chunk", "choices": [{"delta": {"role": "assistant", "content": "four"}, "finish_reason": "stop"}]},
        {"object": "text_completion", "choices": [{"text": "four", "finish_reason": "stop"}]},
        {"choices": [{"message": "four", "finish_reason": "stop"}]},
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_answer_is_found_where_gateways_put_it(body: Any) -> None:
    assert whole_text(read(body), None) == "four"


@pytest.mark.parametrize(("word", "reason"), [("content_filter: PROHIBITED_CONTENT", "content_filtered"), ("length", "cut_off_by_length")])
def test_a_choice_without_a_message_may_say_why(word: str, reason: str) -> None:
    with pytest.raises(AnswerRejected) as caught:
        whole_text(read({"choices": [{"index": 0, "finish_reason": word}]}), None)
    assert caught.value.reason == reason
    with pytest.raises(BrokenBody):
        read({"choices": [{"index": 0, "finish_reason": "stop"}]})


def test_a_piece_of_a_stream_is_not_an_answer() -> None:
    with pytest.raises(BrokenBody):
        read({"choices": [{"delta": {"content": "fo"}, "finish_reason": None}]})


@pytest.mark.fault("D1")
@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ([choice(finish_reason="stop", native_finish_reason="MAX_TOKENS")], "cut_off_by_length"),
        ([choice(finish_reason=None, native_finish_reason="SAFETY")], "content_filtered"),
        ([choice(finish_reason=None, finishReason="MAX_TOKENS")], "cut_off_by_length"),
        ([choice(finish_reason=None, finish_details={"type": "max_tokens"})], "cut_off_by_length"),
        ([choice(finish_reason=None, stop_reason="max_tokens")], "cut_off_by_length"),
        ([choice(finish_reason="stop", native_finish_reason="end_turn")], None),
        ([choice(finish_reason="stop", native_finish_reason="something new")], None),
        ([choice(finish_reason="stop", stop_reason=151645)], None),
        ([choice(finish_reason="stop", stop_reason="Question:")], None),
        ([choice(finish_reason=None, finish_details={"type": "stop", "stop": "<|end|>"})], None),
    ],
    ids=str,
)
def test_the_word_for_the_end_is_found_wherever_it_is(choices: list[Any], reason: str | None) -> None:
    try:
        assert whole_text(read({"choices": choices}), None) == "four"
    except AnswerRejected as rejected:
        assert rejected.reason == reason
    else:
        assert reason is None


def test_the_finish_reason_of_the_model_counts_more_than_that_of_its_gateway() -> None:
    with pytest.raises(BrokenOff, match="abort"):
        read({"choices": [choice(native_finish_reason="abort")]})


@pytest.mark.fault("D3")
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"statusCode": 429, "body": json.dumps({"error": {"message": "Too many requests"}})}, Kind.THROTTLED),
        ({"errorMessage": "2026-01-01 x Task timed out after 3.00 seconds", "errorType": "Sandbox.Timedout"}, Kind.TIMED_OUT),
        ({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, Kind.THROTTLED),
        ({"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "x"}}}, Kind.THROTTLED),
        ({"ResponseMetadata": {"RequestId": "1", "Error": {"Code": "x", "Message": "Invalid API key"}}}, Kind.UNAUTHORIZED),
        ({"errcode": 429, "errmsg": "rate limit exceeded"}, Kind.THROTTLED),
        ({"err": "too many requests"}, Kind.THROTTLED),
        ({"success": False, "errors": [{"message": "Capacity temporarily exceeded."}], "result": {}}, Kind.UNAVAILABLE),
        ({"header": {"code": 10013, "message": "输入内容审核不通过，涉嫌违规", "status": 2}}, Kind.CONTENT_FILTERED),
        ({"ok": False, "description": "Too Many Requests: retry after 5"}, Kind.THROTTLED),
        ({"exception": "insufficient balance"}, Kind.QUOTA_SPENT),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, Kind.CONTENT_FILTERED),
        ({"code": 401, "msg": "令牌已过期或验证不正确", "success": False}, Kind.UNAUTHORIZED),
    ],
    ids=str,
)
def test_an_error_is_read_under_any_name(body: Any, kind: Kind) -> None:
    with pytest.raises(ErrorInside) as caught:
        read(body)
    assert classify_inside(caught.value.reported, b"", caught.value.otherwise)[0].kind is kind
