"""Common shapes of rows, recognised without a setting."""

import io
import json
from typing import Any

import pytest

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec
from transforms.elements.rows import RejectedRow, Split, TrainingRow
from transforms.intake.columns import RowColumns
from transforms.intake.read_spec import ReadSpec
from transforms.intake.unusable import UnusableRecord
from transforms.intake.walk import column_problems, walk_rows

U, A = ("user", "u"), ("assistant", "a")


def chat(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in RowColumns(ColumnSpec()).chat(row)]


def reason(row: dict[str, Any]) -> str:
    with pytest.raises(UnusableRecord) as caught:
        chat(row)
    assert len(caught.value.detail) < 400
    return caught.value.reason


def turns(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"from": who, "value": text} for who, text in pairs]


SHAREGPT = [
    ({"conversations": turns(("human", "u"), ("gpt", "a"))}, [U, A]),
    (
        {"id": "x_0", "conversations": turns(("system", "s"), ("human", "u"), ("gpt", "a"), ("human", "v"))},
        [("system", "s"), U, A, ("user", "v")],
    ),
    ({"conversations": turns(("user", "u"), ("chatgpt", "a"), ("user", "v"), ("bing", "b"))}, [U, A, ("user", "v"), ("assistant", "b")]),
    ({"conversations": turns(("Human", "u"), ("GPT", "a"))}, [U, A]),
    ({"conversations": turns(("prompter", "u"), ("assistant", "a"))}, [U, A]),
    ({"conversations": turns(("human", "u"), ("model", "a"))}, [U, A]),
    ({"conversations": turns(("human", "u"), ("bard", "a"), ("human", "v"), ("claude", "b"))}, [U, A, ("user", "v"), ("assistant", "b")]),
    ({"conversations": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]}, [U, A]),
    ({"conversations": [{"role": "human", "content": "u"}, {"role": "gpt", "content": "a"}]}, [U, A]),
    ({"conversation": [{"role": "user", "content": "u"}]}, [U]),
    ({"conversations": turns(("human", "u")), "system": "s"}, [("system", "s"), U]),
    ({"conversations": turns(("human", "u")), "system": ""}, [U]),
    ({"conversations": json.dumps(turns(("human", "u"), ("gpt", "a")))}, [U, A]),
    ({"messages": turns(("human", "u"), ("gpt", "a"))}, [U, A]),
    ({"conversations": json.dumps(json.dumps(turns(("human", "u"), ("gpt", "a"))))}, [U, A]),
    ({"conversation": [{"human": "u", "assistant": "a"}, {"human": "v"}]}, [U, A, ("user", "v")]),
    ({"conversation": [{"system": "s", "input": "u", "output": "a"}]}, [("system", "s"), U, A]),
    ({"conversations": turns(("human", "about the <image> tag"), ("gpt", "a"))}, [("user", "about the <image> tag"), A]),
    ({"conversations": turns(("human", "<image>\n<url>x</url>\n</image>"))}, [("user", "<image>\n<url>x</url>\n</image>")]),
    ({"conversations": turns(("human", "u")), "image": "x.jpg"}, [U]),
]


@pytest.mark.fault("N8")
@pytest.mark.parametrize(("row", "messages"), SHAREGPT)
def test_sharegpt(row: dict[str, Any], messages: list[tuple[str, str]]) -> None:
    assert chat(row) == messages


@pytest.mark.fault("N8")
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"conversations": turns(("gpt", "a"), ("human", "u"))}, reasons.WRONG_ORDER),
        ({"conversations": turns(("human", "u"), ("function_call", "{}"))}, reasons.TOOL_CALLS),
        ({"conversations": turns(("human", "u"), ("observation", "{}"))}, reasons.TOOL_CALLS),
        ({"conversations": turns(("narrator", "u"))}, reasons.UNKNOWN_ROLE),
        ({"conversations": [{"from": "human"}]}, reasons.CONTENT_NOT_TEXT),
        ({"conversations": "text"}, reasons.NO_MESSAGES),
        ({"conversations": []}, reasons.NO_MESSAGES),
        ({"conversations": None}, reasons.NO_MESSAGES),
        ({"conversations": [{"human": "u"}, {"narrator": "v"}]}, reasons.UNKNOWN_ROLE),
        ({"conversations": turns(("human", "<image>\nWhat is it?"), ("gpt", "a"))}, reasons.HOLDS_PICTURE),
        ({"conversations": turns(("human", "What is it? <image>")), "images": ["x.jpg"]}, reasons.HOLDS_PICTURE),
        ({"conversations": turns(("human", "What is it?\n<video>")), "videos": []}, reasons.HOLDS_VIDEO),
    ],
)
def test_sharegpt_rows_that_are_not_a_chat(row: dict[str, Any], expected: str) -> None:
    assert reason(row) == expected


@pytest.mark.fault("N8")
@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ({"instruction": "u", "input": "", "output": "a"}, [U, A]),
        ({"instruction": "Translate.", "input": "chien", "output": "dog"}, [("user", "Translate.\n\nchien"), ("assistant", "dog")]),
        ({"instruction": "u"}, [U]),
        ({"instruction": "u", "input": None, "output": None}, [U]),
        ({"instruction": "u", "context": "c", "response": "a", "category": "qa"}, [("user", "u\n\nc"), A]),
        ({"system": "s", "instruction": "u", "output": "a"}, [("system", "s"), U, A]),
        ({"instruction": "v", "output": "a", "history": [["u", "a"]]}, [U, A, ("user", "v"), A]),
        ({"instruction": "v", "history": '[["u", "a"]]'}, [U, A, ("user", "v")]),
        ({"instruction": "", "input": "u"}, [U]),
    ],
)
def test_alpaca(row: dict[str, Any], messages: list[tuple[str, str]]) -> None:
    assert chat(row) == messages


@pytest.mark.fault("N8")
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"instruction": " ", "input": ""}, reasons.EMPTY_USER_MESSAGE),
        ({"instruction": ["a"], "output": "a"}, reasons.CONTENT_NOT_TEXT),
        ({"instruction": "u", "history": ["u"]}, reasons.BAD_MESSAGE),
        ({"instruction": "u", "history": 7}, reasons.BAD_MESSAGE),
        ({"instruction": "Answer the question.", "question": "1 + 1?", "output": "2"}, reasons.NO_MESSAGES),
    ],
)
def test_alpaca_rows_without_a_question(row: dict[str, Any], expected: str) -> None:
    assert reason(row) == expected


CHAT = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]
BATCH = {"custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions"}


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ({**BATCH, "body": {"model": "m", "messages": [{"role": "user", "content": "u"}], "temperature": 2}}, [U]),
        ({**BATCH, "body": '{"messages": [{"role": "user", "content": "u"}]}'}, [U]),
        ({**BATCH, "body": {"messages": [{"role": "developer", "content": "s"}, {"role": "user", "content": "u"}]}}, [("system", "s"), U]),
        ({**BATCH, "url": "/v1/responses", "body": {"input": "u", "instructions": "s"}}, [("system", "s"), U]),
        ({**BATCH, "url": "/v1/responses", "body": {"input": [{"role": "user", "content": [{"type": "input_text", "text": "u"}]}]}}, [U]),
        ({"custom_id": "r-1", "params": {"model": "m", "system": "s", "messages": [{"role": "user", "content": "u"}]}}, [("system", "s"), U]),
        (
            {"custom_id": "r-1", "params": {"system": [{"type": "text", "text": "s"}], "messages": [{"role": "user", "content": "u"}]}},
            [("system", "s"), U],
        ),
        (
            {"recordId": "1", "modelInput": {"system": "s", "messages": [{"role": "user", "content": [{"type": "text", "text": "u"}]}]}},
            [("system", "s"), U],
        ),
        ({"key": "1", "request": {"contents": [{"parts": [{"text": "u"}]}]}}, [U]),
        (
            {"request": {"contents": [{"role": "user", "parts": [{"text": "u"}]}], "system_instruction": {"parts": [{"text": "s"}]}}},
            [("system", "s"), U],
        ),
        ({"request": {"messages": [{"role": "user", "content": "u"}]}}, [U]),
        ({"prompt": "u", "chosen": "a", "rejected": "b"}, [U, A]),
        ({"prompt": [{"role": "user", "content": "u"}], "chosen": [{"role": "assistant", "content": "a"}], "rejected": []}, [U, A]),
        (
            {
                "messages": [
                    {"role": "user", "content": "u"},
                    {"role": "assistant", "content": [{"type": "thinking"}, {"type": "text", "text": "a"}]},
                ]
            },
            [U, A],
        ),
        ({"prompt": "u", "completion": "a"}, [U, A]),
        ({"prompt": "u", "completion": ""}, [U]),
        ({"prompt": [{"role": "user", "content": "u"}], "completion": [{"role": "assistant", "content": "a"}]}, [U, A]),
        ({"prompt": [{"role": "user", "content": "u"}], "completion": "a"}, [U, A]),
        ({"prompt": '[{"role": "user", "content": "u"}]', "completion": "a"}, [U, A]),
        ({"prompt": '[{"role": "user", "content": "u"}]', "completion": '[{"role": "assistant", "content": "a"}]'}, [U, A]),
        ({"prompt": "[1, 2] sorted?", "completion": "[1, 2]"}, [("user", "[1, 2] sorted?"), ("assistant", "[1, 2]")]),
        ({"prompt": "[1, 2]", "completion": "a"}, [("user", "[1, 2]"), A]),
        ({"system": "s", "prompt": "u", "completion": "a"}, [("system", "s"), U, A]),
        ({"system": "s", "prompt": [{"role": "user", "content": "u"}], "completion": None}, [("system", "s"), U]),
        ({"prompt": "u", "chosen": CHAT, "rejected": CHAT}, [U, A]),
        ({"prompt": [{"role": "user", "content": "u"}], "chosen": CHAT, "rejected": CHAT}, [U, A]),
        ({"prompt": "u", "chosen": CHAT[1:], "rejected": CHAT[1:]}, [U, A]),
        ({"chosen": CHAT, "rejected": CHAT}, [U, A]),
    ],
)
def test_batch_requests_and_prompts_with_completions(row: dict[str, Any], messages: list[tuple[str, str]]) -> None:
    assert chat(row) == messages


@pytest.mark.parametrize(
    "row",
    [
        {**BATCH, "url": "/v1/embeddings", "body": {"model": "m", "input": "u"}},
        {**BATCH, "url": "/v1/completions", "body": {"model": "m", "prompt": "u"}},
        {**BATCH, "body": 7},
        {**BATCH, "body": {"messages": None}},
        {"custom_id": "r-1"},
        {"request": "u", "response": "a"},
        {"request": {"prompt": "u"}},
        {"modelInput": {"inputText": "u"}},
        {"prompt": "u"},
        {"chosen": "Human: u", "rejected": "Human: u"},
        {"chosen": None, "rejected": CHAT},
        {"question": "u", "answer": "a"},
        {"text": "u"},
    ],
)
def test_what_is_not_certain_is_not_guessed(row: dict[str, Any]) -> None:
    assert reason(row) == reasons.NO_MESSAGES


@pytest.mark.fault("N8")
def test_every_shape_is_the_same_row_as_the_chat_it_means() -> None:
    rows = [
        {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]},
        {"conversations": turns(("human", "u"), ("gpt", "a"))},
        {"instruction": "u", "input": "", "output": "a"},
        {"prompt": "u", "completion": "a"},
        {**BATCH, "body": {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]}},
    ]
    files = {f"{place}.jsonl": json.dumps(row).encode() for place, row in enumerate(rows)}
    keys = []
    for name, data in files.items():
        found = list(walk_rows(lambda _, data=data: io.BytesIO(data), [name], Split.TRAIN, None, ReadSpec(1000)))  # type: ignore[misc]
        keys += [row.row_key for row in found if isinstance(row, TrainingRow)]
        assert column_problems(lambda _, data=data: io.BytesIO(data), name, ReadSpec(1000)) == []  # type: ignore[misc]
    assert len(keys) == 5
    assert len(set(keys)) == 1


@pytest.mark.fault("N8")
def test_a_column_that_is_named_is_the_only_one_looked_at() -> None:
    row = {"conversations": turns(("human", "u"), ("gpt", "a")), "chat": turns(("human", "v"))}
    assert [(message.role, message.content) for message in RowColumns(ColumnSpec("chat")).chat(row)] == [("user", "v")]
    with pytest.raises(UnusableRecord):
        RowColumns(ColumnSpec("other")).chat(row)
    assert [(message.role, message.content) for message in RowColumns(ColumnSpec("conversations")).chat(row)] == [U, A]


@pytest.mark.fault("N12")
def test_a_list_as_python_prints_it_has_its_own_message() -> None:
    data = b"messages\n\"[{'role': 'user', 'content': 'u'}]\"\n"
    (row,) = walk_rows(lambda _: io.BytesIO(data), ["x.csv"], Split.TRAIN, None, ReadSpec(1000))
    assert isinstance(row, RejectedRow)
    assert row.reason == reasons.PRINTED_LIST
    assert "as Python prints it" in row.detail
    assert "to_json or to_parquet" in row.detail


@pytest.mark.parametrize("system", ["s", [{"text": "s"}], [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]])
def test_a_system_prompt_beside_the_messages_comes_first(system: Any) -> None:
    """As Anthropic and Bedrock write rows."""
    row = {"system": system, "messages": [{"role": "user", "content": [{"text": "u"}]}]}
    assert chat(row) == [("system", "s"), U]
    assert chat({**row, "messages": [{"role": "system", "content": "own"}, {"role": "user", "content": "u"}]}) == [("system", "own"), U]


@pytest.mark.parametrize("nothing", [None, "", [], {}, 5])
def test_no_system_prompt_beside_the_messages(nothing: Any) -> None:
    assert chat({"system": nothing, "messages": [{"role": "user", "content": "u"}]}) == [U]


PARTS = [{"text": "u"}]


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ({"contents": [{"role": "user", "parts": PARTS}]}, [U]),
        ({"contents": [{"parts": PARTS}]}, [U]),
        ({"contents": [{"role": "user", "parts": PARTS}, {"role": "model", "parts": [{"text": "a"}]}]}, [U, A]),
        ({"systemInstruction": {"parts": [{"text": "s"}]}, "contents": [{"role": "user", "parts": PARTS}]}, [("system", "s"), U]),
        ({"system_instruction": "s", "contents": [{"role": "user", "parts": PARTS}]}, [("system", "s"), U]),
        ({"systemInstruction": None, "contents": [{"role": "user", "parts": PARTS}], "tools": []}, [U]),
        ({"conversations": [{"role": "human", "value": "u"}, {"role": "gpt", "value": "a"}]}, [U, A]),
        ({"messages": [{"role": "user", "value": "u"}]}, [U]),
    ],
)
def test_gemini_and_mixed_keys(row: dict[str, Any], messages: list[tuple[str, str]]) -> None:
    assert chat(row) == messages


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "x"}}]}]}, reasons.HOLDS_PICTURE),
        ({"contents": [{"role": "user", "parts": [{"functionCall": {"name": "f"}}]}]}, reasons.TOOL_CALLS),
        ({"contents": [{"role": "user", "parts": []}]}, reasons.CONTENT_NOT_TEXT),
        ({"contents": []}, reasons.NO_MESSAGES),
        ({"contents": "u"}, reasons.NO_MESSAGES),
        ({"messages": [{"role": "user"}]}, reasons.CONTENT_NOT_TEXT),
    ],
)
def test_gemini_rows_that_are_not_a_chat(row: dict[str, Any], expected: str) -> None:
    assert reason(row) == expected


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
def test_a_table_that_pandas_wrote_column_by_column_is_not_one_row(name: str) -> None:
    """Else every value of a column would be one prompt."""
    table = {"question": {"0": "u", "1": "v"}, "answer": {"0": "a", "1": "b"}}
    reading = ReadSpec(1000, None, ColumnSpec(user_template="{{ question }}", label="answer"))
    (row,) = walk_rows(lambda _: io.BytesIO(json.dumps(table).encode()), [name], Split.TRAIN, None, reading)
    assert isinstance(row, RejectedRow)
    assert "orient='records'" in row.detail
    nested = {"id": "7", "question": {"0": "u"}}
    (row,) = walk_rows(lambda _: io.BytesIO(json.dumps(nested).encode()), [name], Split.TRAIN, None, reading)
    assert isinstance(row, TrainingRow)
