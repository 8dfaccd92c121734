"""Contents in parts: text is joined, everything else is refused by its own name."""

from typing import Any

import pytest

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec
from transforms.intake.columns import RowColumns
from transforms.intake.unusable import UnusableRecord

USER = {"role": "user", "content": "u"}


def contents(*messages: dict[str, Any]) -> list[str]:
    return [message.content for message in RowColumns(ColumnSpec()).chat({"messages": list(messages)})]


def refused(*messages: dict[str, Any]) -> UnusableRecord:
    with pytest.raises(UnusableRecord) as caught:
        contents(*messages)
    assert caught.value.reason in reasons.NEVER_ASKED
    assert len(caught.value.detail) < 300
    return caught.value


@pytest.mark.fault("N10", "G11")
@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([{"type": "text", "text": "one"}], "one"),
        ([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}], "one\ntwo"),
        ([{"type": "input_text", "text": "one"}, {"type": "output_text", "text": "two", "annotations": []}], "one\ntwo"),
        ([{"text": "Google's and Amazon's"}], "Google's and Amazon's"),
        (["bare", "strings"], "bare\nstrings"),
        ([{"type": "text", "text": "a table's columns", "image_url": None}], "a table's columns"),
    ],
)
def test_parts_that_are_all_text_are_joined(parts: list[Any], text: str) -> None:
    assert contents({"role": "user", "content": parts}) == [text]


@pytest.mark.fault("N10", "G11")
def test_one_text_part_is_the_same_row_as_its_text() -> None:
    assert contents({"role": "user", "content": [{"type": "text", "text": "u"}]}) == contents(USER)


@pytest.mark.fault("N10", "G11")
@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}, reasons.HOLDS_PICTURE),
        ({"type": "input_image", "image_url": "https://example.org/a.png"}, reasons.HOLDS_PICTURE),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}, reasons.HOLDS_PICTURE),
        ({"type": "image"}, reasons.HOLDS_PICTURE),
        ({"image": {"format": "png", "source": {"bytes": "AA"}}}, reasons.HOLDS_PICTURE),
        ({"inlineData": {"mimeType": "image/png", "data": "AA"}}, reasons.HOLDS_PICTURE),
        ({"file_data": {"mime_type": "audio/mp3", "file_uri": "gs://a/b.mp3"}}, reasons.HOLDS_AUDIO),
        ({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}, reasons.HOLDS_AUDIO),
        ({"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}, reasons.HOLDS_VIDEO),
        ({"type": "file", "file": {"file_id": "f"}}, reasons.HOLDS_FILE),
        ({"type": "document", "source": {}}, reasons.HOLDS_FILE),
        ({"inline_data": {"mime_type": "application/pdf", "data": "AA"}}, reasons.HOLDS_FILE),
        ({"type": "tool_result", "tool_use_id": "t", "content": "x"}, reasons.TOOL_CALLS),
        ({"functionCall": {"name": "f"}}, reasons.TOOL_CALLS),
        ({"type": "hologram"}, reasons.CONTENT_NOT_TEXT),
        ({"type": "text"}, reasons.CONTENT_NOT_TEXT),
        ({}, reasons.CONTENT_NOT_TEXT),
        (7, reasons.CONTENT_NOT_TEXT),
    ],
)
def test_what_is_not_text_is_refused_by_its_name(part: Any, reason: str) -> None:
    said = refused({"role": "user", "content": [{"type": "text", "text": "What is this?"}, part]})
    assert said.reason == reason
    assert "part 2 of the content of message 1 of 1 (user)" in said.detail


@pytest.mark.fault("N10")
def test_no_parts_are_no_content() -> None:
    assert "an empty list" in refused({"role": "user", "content": []}).detail


@pytest.mark.fault("N11")
@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "assistant", "content": "I will look it up.", "tool_calls": [{"id": "1"}]},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
        {"role": "tool", "tool_call_id": "1", "content": "42"},
        {"role": "function", "name": "f", "content": "42"},
        {"from": "function_call", "value": "{}"},
        {"from": "observation", "value": "42"},
    ],
)
def test_tool_calls_are_refused_by_their_name(message: dict[str, Any]) -> None:
    said = refused(USER, message)
    assert said.reason == reasons.TOOL_CALLS
    assert "tool" in said.detail
    assert "message 2 of 2" in said.detail


@pytest.mark.fault("N11")
def test_a_message_without_calls_is_taken_where_a_table_has_a_column_for_them() -> None:
    assert contents(USER, {"role": "assistant", "content": "a", "tool_calls": None}) == ["u", "a"]
    assert contents(USER, {"role": "assistant", "content": "a", "tool_calls": []}) == ["u", "a"]
