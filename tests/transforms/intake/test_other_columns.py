"""The other columns of a row as JSON: every value that a file can hold, and which columns they are."""

import csv
import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from builders import write_rows

from transforms.elements import reasons
from transforms.elements.data_specs import ALL_COLUMNS, ColumnSpec, InputSpec, SplitFiles
from transforms.elements.rows import Split, TrainingRow
from transforms.intake.formats.base import UnreadableValue
from transforms.intake.other_columns import columns_as_json
from transforms.intake.walk import missing_columns, walk_split

CHAT = [{"role": "user", "content": "2 + 2?"}]
AVRO = {
    "type": "record",
    "name": "row",
    "fields": [
        {"name": "question", "type": "string"},
        {"name": "id", "type": "long"},
        {"name": "asked", "type": {"type": "int", "logicalType": "date"}},
        {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "more", "type": {"type": "record", "name": "more", "fields": [{"name": "k", "type": "double"}]}},
    ],
}
NESTED: Any = []
for _ in range(300):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        (datetime.date(2026, 11, 27), "2026-11-27"),
        (datetime.datetime(2026, 11, 27, 13, 5, tzinfo=datetime.timezone.utc), "2026-11-27T13:05:00+00:00"),
        (datetime.time(13, 5), "13:05:00"),
        (datetime.timedelta(minutes=1, milliseconds=500), 60.5),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (float("nan"), None),
        (float("inf"), None),
        (2**63, 2**63),
        (2**70, str(2**70)),
        ([-(2**70)], [str(-(2**70))]),
        (b"text", "text"),
        (b"\xff\xfe", None),
        ({1: "one", None: "none"}, {"1": "one", "null": "none"}),
        ((1, 2), [1, 2]),
        ("half \ud83d of a pair", "half ? of a pair"),
        (NESTED, None),
        (UnreadableValue(reasons.BAD_ROW, "it cannot be read"), None),
    ],
)
def test_every_value_becomes_json(value: Any, expected: Any) -> None:
    assert json.loads(columns_as_json({"a": value, "b": 1}, ("a", "b"))) == {"a": expected, "b": 1}


def test_numpy_values_become_json() -> None:
    np = pytest.importorskip("numpy")
    fields = {"number": np.float32(0.5), "whole": np.int64(3), "flag": np.bool_(True), "list": np.array([1, 2])}
    assert json.loads(columns_as_json(fields, fields)) == {"number": 0.5, "whole": 3, "flag": True, "list": [1, 2]}


def rows(path: str, others: tuple[str, ...], **columns: Any) -> list[Any]:
    spec = InputSpec((SplitFiles(Split.TRAIN, path, None),), columns=ColumnSpec(others=others, **columns))
    found = list(walk_split(spec, spec.splits[0]))
    assert all(isinstance(row, TrainingRow) for row in found), found
    return [json.loads(row.columns) if isinstance(row, TrainingRow) and row.columns else None for row in found]


def test_nothing_is_kept_unless_asked(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [json.dumps({"messages": CHAT, "id": 7})])
    assert rows(path, ()) == [None]


def test_all_are_all_but_the_chat(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [json.dumps({"id": 7, "messages": CHAT, "prompt": "x", "tags": ["a"]})])
    assert rows(path, (ALL_COLUMNS,)) == [{"id": 7, "prompt": "x", "tags": ["a"]}]
    alpaca = write_rows(tmp_path / "b.jsonl", [json.dumps({"instruction": "2 + 2?", "input": "", "output": "4", "source": "book"})])
    assert rows(alpaca, (ALL_COLUMNS,)) == [{"source": "book"}]
    assert rows(alpaca, ("output", ALL_COLUMNS)) == [{"output": "4", "source": "book"}]


def test_a_named_column_that_a_row_does_not_have_is_null(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [json.dumps({"messages": CHAT, "id": 1}), json.dumps({"messages": CHAT, "level": 2})])
    assert rows(path, ("level", "id")) == [{"level": None, "id": 1}, {"level": 2, "id": None}]


def test_the_same_row_in_every_format(tmp_path: Path) -> None:
    template = {"user_template": "{{question}}"}
    expected = {"id": 7, "asked": "2026-11-27", "tags": ["a", None], "price": "1.10", "more": {"k": 1.5}}
    row = {
        "question": "2 + 2?",
        "id": 7,
        "asked": datetime.date(2026, 11, 27),
        "tags": ["a", None],
        "price": Decimal("1.10"),
        "more": {"k": 1.5},
    }
    names = tuple(expected)

    schema = pa.schema(
        [("question", pa.string()), ("id", pa.int64()), ("asked", pa.date32()), ("tags", pa.list_(pa.string())), ("price", pa.decimal128(9, 2)),
         ("more", pa.struct([("k", pa.float64())]))]
    )  # fmt: skip
    table = pa.Table.from_pylist([row], schema=schema)
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    pa.feather.write_feather(table, tmp_path / "a.arrow", compression="uncompressed")
    with (tmp_path / "a.avro").open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(AVRO), [row])
    plain = {**row, "asked": "2026-11-27", "price": "1.10"}
    write_rows(tmp_path / "a.jsonl", [json.dumps(plain)])
    (tmp_path / "a.json").write_text(json.dumps([plain]))
    for suffix in ("parquet", "arrow", "avro", "jsonl", "json"):
        assert rows(str(tmp_path / f"a.{suffix}"), names, **template) == [expected], suffix
    with (tmp_path / "a.csv").open("w", newline="") as text:
        csv.writer(text).writerows([["question", "id", "level"], ["2 + 2?", "7", ""]])
    assert rows(str(tmp_path / "a.csv"), ("id", "level"), **template) == [{"id": "7", "level": None}]
    assert rows(str(tmp_path / "a.csv"), (ALL_COLUMNS,), **template) == [{"question": "2 + 2?", "id": "7", "level": None}]


def test_a_cell_that_is_not_text_costs_no_row(tmp_path: Path) -> None:
    table = pa.table({"messages": [json.dumps(CHAT)] * 2, "picture": [b"\xff\xd8\xff", b"text"]})
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    assert rows(str(tmp_path / "a.parquet"), (ALL_COLUMNS,)) == [{"picture": None}, {"picture": "text"}]


def test_columns_that_are_not_there_are_named(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [json.dumps({"messages": CHAT, "id": 1})])
    spec = InputSpec((SplitFiles(Split.TRAIN, path, None),), columns=ColumnSpec(others=("id", "difficulty", ALL_COLUMNS)))
    assert missing_columns(spec, path) == ["keep_columns names 'difficulty', which is not there; the columns are: messages, id"]
