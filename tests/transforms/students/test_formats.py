"""Examples in every student format."""

import json
from typing import Any

import pyarrow as pa
import pytest

from transforms.elements.rows import ChatMessage, DistilledExample, RowOrigin, Split
from transforms.students.base import turns_of
from transforms.students.registry import STUDENT_FORMATS

SINGLE = (("system", "Be brief."), ("user", "2 + 2?"), ("assistant", "4"))
TALK = (("system", "Be brief."), ("user", "2 + 2?"), ("assistant", "4"), ("user", "And 3 more?"), ("assistant", "7"))


def row(name: str, messages: tuple[tuple[str, str], ...], how: str = "drop", reasoning: tuple[str | None, ...] = ()) -> dict[str, Any]:
    chat = tuple(ChatMessage(*message) for message in messages)
    return STUDENT_FORMATS[name].row(turns_of(DistilledExample("key", RowOrigin(Split.TRAIN, "f", 1, 0), chat, reasoning), how))


def chat(*messages: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in messages]


EXPECTED: list[tuple[str, tuple[tuple[str, str], ...], dict[str, Any]]] = [
    ("messages", TALK, {"messages": chat(*TALK)}),
    ("merged_system", TALK, {"messages": chat(("user", "Be brief.\n\n2 + 2?"), *TALK[2:])}),
    ("merged_system", TALK[1:3], {"messages": chat(*TALK[1:3])}),
    ("merged_system", (("system", " "), *TALK[1:3]), {"messages": chat(*TALK[1:3])}),
    (
        "sharegpt",
        SINGLE,
        {"conversations": [{"from": "system", "value": "Be brief."}, {"from": "human", "value": "2 + 2?"}, {"from": "gpt", "value": "4"}]},
    ),
    ("alpaca", SINGLE, {"instruction": "2 + 2?", "input": "", "output": "4", "system": "Be brief.", "history": []}),
    ("alpaca", TALK, {"instruction": "And 3 more?", "input": "", "output": "7", "system": "Be brief.", "history": [["2 + 2?", "4"]]}),
    ("prompt_completion", TALK, {"prompt": chat(*TALK[:-1]), "completion": chat(TALK[-1])}),
]


def test_every_format_has_an_expected_row() -> None:
    assert {name for name, _, _ in EXPECTED} == {*STUDENT_FORMATS}, "add a chat and its row to EXPECTED"


@pytest.mark.parametrize(("name", "messages", "expected"), EXPECTED)
def test_shapes(name: str, messages: tuple[tuple[str, str], ...], expected: dict[str, Any]) -> None:
    assert row(name, messages) == expected
    assert row(name, messages, "drop", ("thought",)) == expected


def test_reasoning_precedes_its_answer() -> None:
    thought = row("messages", TALK, "think", ("two and two", None))["messages"]
    assert thought[2]["content"] == "<think>\ntwo and two\n</think>\n\n4"
    assert thought[4]["content"] == "7"


def test_answers_that_came_with_the_row_have_no_reasoning() -> None:
    field = row("messages", TALK, "field", ("plus three",))["messages"]
    assert [message.get("reasoning_content") for message in field] == [None, None, None, None, "plus three"]


@pytest.mark.parametrize("name", list(STUDENT_FORMATS))
def test_reasoning_as_a_field_changes_no_answer(name: str) -> None:
    text = json.dumps(row(name, SINGLE, "field", ("two and two",)))
    assert "two and two" in text
    assert "<think>" not in text
    assert "two and two" not in json.dumps(row(name, SINGLE, "drop", ("two and two",)))
    assert "<think>\\ntwo and two\\n</think>\\n\\n4" in json.dumps(row(name, SINGLE, "think", ("two and two",)))


@pytest.mark.parametrize("reasoning", [False, True])
@pytest.mark.parametrize("name", list(STUDENT_FORMATS))
def test_parquet_schemas_hold_the_whole_row(name: str, reasoning: bool) -> None:
    rows = [row(name, messages, "field" if reasoning else "drop", ("t",) * reasoning) for messages in (SINGLE, TALK)]
    table = pa.Table.from_pylist(rows, schema=STUDENT_FORMATS[name].parquet_schema(reasoning))
    read = [without_nulls(read) for read in table.to_pylist()]
    assert read == rows


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
