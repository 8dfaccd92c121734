"""One line to the messages of a chat."""

import json
import pickle

import pytest

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec
from transforms.elements.rows import ChatMessage
from transforms.intake.columns import RowColumns
from transforms.intake.formats.jsonl import fields_of
from transforms.intake.unusable import UnusableRecord

S, U, A = ({"role": role, "content": role[0]} for role in ("system", "user", "assistant"))


def parse_row(data: bytes) -> tuple[ChatMessage, ...]:
    fields = fields_of(data)
    if isinstance(fields, UnusableRecord):
        raise fields
    return RowColumns(ColumnSpec()).chat(fields)


def line(*messages: object) -> bytes:
    return json.dumps({"messages": messages}).encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(line(U), [("user", "u")], id="user"),
        pytest.param(line(S, U), [("system", "s"), ("user", "u")], id="system, user"),
        pytest.param(line(S, U, A), [("system", "s"), ("user", "u"), ("assistant", "a")], id="with a label"),
        pytest.param(line(U, A, U), [("user", "u"), ("assistant", "a"), ("user", "u")], id="several turns"),
        pytest.param(line({"role": "developer", "content": "d"}, U), [("system", "d"), ("user", "u")], id="developer"),
        pytest.param(line({**U, "name": "x", "weight": 0}), [("user", "u")], id="further keys of a message"),
        pytest.param(b'{"id": 7, "messages": [{"content": "\\u00e9", "role": "user"}]}', [("user", "é")], id="further keys"),
        pytest.param(line(U, {"role": "assistant", "content": ""}), [("user", "u"), ("assistant", "")], id="empty label"),
        pytest.param(line({"role": "system", "content": ""}, U), [("system", ""), ("user", "u")], id="empty system"),
    ],
)
def test_good_rows(data: bytes, expected: list[tuple[str, str]]) -> None:
    assert parse_row(data) == tuple(ChatMessage(*message) for message in expected)


@pytest.mark.parametrize(
    ("data", "reason", "says"),
    [
        pytest.param(b'{"messages": "\xff"}', reasons.NOT_UTF8, ["byte 15", "0xff", "UTF-8"], id="Latin-1"),
        pytest.param('{"messages": 1}'.encode("utf-16"), reasons.NOT_UTF8, ["UTF-16"], id="UTF-16"),
        pytest.param('{"messages": 1}'.encode("utf-16-le"), reasons.NOT_UTF8, ["UTF-16"], id="UTF-16 without a mark"),
        pytest.param(b'{"messages": [}', reasons.INVALID_JSON, ["column 15", "'}'"], id="bad JSON"),
        pytest.param(b'{"messages": [', reasons.INVALID_JSON, ["column 15", "ends there", "one line"], id="cut-off JSON"),
        pytest.param(b"{'messages': []}", reasons.INVALID_JSON, ["column 2"], id="single quotes"),
        pytest.param(line(U) + line(U), reasons.INVALID_JSON, ["column"], id="two rows on one line"),
        pytest.param(b'{"messages": [{"role": "user", "content": "\\ud800"}]}', reasons.INVALID_JSON, [], id="surrogate"),
        pytest.param(b"[" * 5000, reasons.INVALID_JSON, [], id="nested without end"),
        pytest.param(b"[1]", reasons.NOT_AN_OBJECT, ["a list", '"messages"'], id="list"),
        pytest.param(b'"text"', reasons.NOT_AN_OBJECT, ["a string"], id="string"),
        pytest.param(b"null", reasons.NOT_AN_OBJECT, ["null"], id="null"),
        pytest.param(b"{}", reasons.NO_MESSAGES, ["no keys"], id="empty object"),
        pytest.param(b'{"prompt": "x"}', reasons.NO_MESSAGES, ["'prompt'"], id="other keys"),
        pytest.param(b'{"messages": []}', reasons.NO_MESSAGES, ["empty list"], id="no messages"),
        pytest.param(b'{"messages": null}', reasons.NO_MESSAGES, ["null"], id="null messages"),
        pytest.param(b'{"messages": {"role": "user"}}', reasons.NO_MESSAGES, ["an object"], id="one message, not a list"),
        pytest.param(line(U, "hi"), reasons.BAD_MESSAGE, ["message 2 of 2", "a string"], id="message is text"),
        pytest.param(line({"content": "x"}), reasons.UNKNOWN_ROLE, ["message 1 of 1", 'no "role"'], id="no role"),
        pytest.param(line({"role": "human", "content": "x"}), reasons.UNKNOWN_ROLE, ["'human'", "user"], id="human"),
        pytest.param(line({"role": "User", "content": "x"}), reasons.UNKNOWN_ROLE, ["'User'", '"user"'], id="upper case"),
        pytest.param(line({"role": 1, "content": "x"}), reasons.UNKNOWN_ROLE, ["a number"], id="role is a number"),
        pytest.param(line(U, {"role": "tool", "content": "x"}), reasons.TOOL_CALLS, ["'tool'", "leave these rows out"], id="tool"),
        pytest.param(line({"role": "user", "content": None}), reasons.CONTENT_NOT_TEXT, ["null"], id="null content"),
        pytest.param(line({"role": "user"}), reasons.CONTENT_NOT_TEXT, ["missing"], id="no content"),
        pytest.param(line(U, S), reasons.WRONG_ORDER, ["message 2 of 2 (system)", "beginning"], id="system later"),
        pytest.param(line(S, S, U), reasons.WRONG_ORDER, ["message 2 of 3"], id="two system messages"),
        pytest.param(line(S, A, U), reasons.WRONG_ORDER, ["follows system"], id="assistant after system"),
        pytest.param(line(A), reasons.WRONG_ORDER, ["comes first"], id="assistant only"),
        pytest.param(line(U, U), reasons.WRONG_ORDER, ["take turns"], id="two users"),
        pytest.param(line(U, A, A), reasons.WRONG_ORDER, ["message 3 of 3"], id="two assistants"),
        pytest.param(line(S), reasons.NO_USER_MESSAGE, ["system message only"], id="system only"),
        pytest.param(line({"role": "user", "content": " \n"}), reasons.EMPTY_USER_MESSAGE, ["message 1 of 1"], id="blank"),
        pytest.param(line(U, A, {"role": "user", "content": ""}), reasons.EMPTY_USER_MESSAGE, ["message 3 of 3"], id="later blank"),
    ],
)
def test_bad_rows(data: bytes, reason: str, says: list[str]) -> None:
    with pytest.raises(UnusableRecord) as caught:
        parse_row(data)
    assert caught.value.reason == reason
    assert reason in reasons.NEVER_ASKED
    for words in says:
        assert words in caught.value.detail
    assert len(caught.value.detail) < 400


def test_the_exception_survives_pickling() -> None:
    again = pickle.loads(pickle.dumps(UnusableRecord(reasons.WRONG_ORDER, "why")))
    assert (again.reason, again.detail, str(again)) == (reasons.WRONG_ORDER, "why", "wrong_order: why")
