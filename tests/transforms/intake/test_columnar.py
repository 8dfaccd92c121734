"""Parquet, Arrow and Avro: unused columns are not read, and an impossible value costs only its own row."""

import datetime
import io
import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec
from transforms.elements.rows import RejectedRow, Split, TrainingRow
from transforms.intake.formats.registry import FORMATS
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import column_problems, walk_rows

CHATS = [[{"role": "user", "content": f"question {number}"}] for number in range(3)]
QUESTION = ColumnSpec(user_template="{{question}}")


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def arrow_stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    return sink.getvalue()


def arrow_file(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    return sink.getvalue()


WRITERS = {"parquet": parquet, "arrow": arrow_stream, "feather": arrow_file}


def walk(name: str, data: bytes, columns: ColumnSpec = ColumnSpec()) -> list[TrainingRow | RejectedRow]:  # noqa: B008 - frozen
    return list(walk_rows(lambda _: io.BytesIO(data), [name], Split.TRAIN, None, ReadSpec(100_000, columns=columns)))


def prompts(rows: list[TrainingRow | RejectedRow]) -> list[str]:
    return [row.reason if isinstance(row, RejectedRow) else row.messages[0].content for row in rows]


def with_features(table: pa.Table, features: Any) -> pa.Table:
    """The table as Hugging Face's datasets writes it, with these features in its schema."""
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


NAMES = {"names": ["entailment", "neutral", "contradiction"], "_type": "ClassLabel"}
WITH_LABEL = ColumnSpec(user_template="{{question}}", label="label")


def labels(name: str, table: pa.Table, columns: ColumnSpec = WITH_LABEL) -> list[str | None]:
    rows = walk(f"x.{name}", WRITERS[name](table), columns)
    return [row.messages[-1].content if row.messages[-1].role == "assistant" else None for row in rows if isinstance(row, TrainingRow)]


@pytest.mark.parametrize("name", WRITERS)
def test_the_number_of_a_class_is_its_name_as_a_label(name: str) -> None:
    table = pa.table({"question": list("abcde"), "label": [2, 0, -1, None, 7], "idx": [0, 1, 2, 0, 1]})
    named = with_features(table, {"label": NAMES, "question": {"dtype": "string", "_type": "Value"}})
    assert labels(name, named) == ["contradiction", "entailment", None, None, "7"]
    assert labels(name, named, ColumnSpec(user_template="{{question}}", label="idx")) == ["0", "1", "2", "0", "1"]
    seen = walk(f"x.{name}", WRITERS[name](named.slice(0, 2)), ColumnSpec(user_template="{{question}} {{label}} {{label.name}} {{idx + label}}"))
    assert prompts(seen) == ["a 2 contradiction 2", "b 0 entailment 1"]


@pytest.mark.parametrize("feature", [[NAMES], {"feature": NAMES, "length": -1, "_type": "Sequence"}, {"feature": NAMES, "_type": "List"}])
def test_a_list_of_classes_is_a_list_of_names(feature: Any) -> None:
    table = with_features(pa.table({"question": ["a", "b"], "label": [[2, 0], []]}), {"label": feature})
    assert labels("parquet", table) == ["['contradiction', 'entailment']", None]


@pytest.mark.parametrize(
    "stored",
    [
        "{",
        "[]",
        '{"info": null}',
        '{"info": {"features": {"label": {"names": 3, "_type": "ClassLabel"}}}}',
        '{"info": {"features": {"label": [[]]}}}',
    ],
)
def test_features_in_another_form_change_nothing(stored: str) -> None:
    table = pa.table({"question": ["a"], "label": [1]}).replace_schema_metadata({"huggingface": stored})
    assert labels("parquet", table) == ["1"]


def bad_text(good: list[str]) -> pa.Array:
    """Texts, the second of which is no UTF-8."""
    values = [text.encode() for text in good]
    values[1] = b"caf\xe9"
    return pa.array(values, pa.binary()).view(pa.string())


ODD_COLUMNS = {
    "nanoseconds": pa.array([1, 10**18 + 1, 7], pa.timestamp("ns")),
    "time in nanoseconds": pa.array([1, 10**9 + 1, 7], pa.time64("ns")),
    "duration in nanoseconds": pa.array([1, 10**9 + 1, 7], pa.duration("ns")),
    "years beyond 9999": pa.array([0, 10**7, 0], pa.date32()),
    "years before the first": pa.array([-(10**6), 0, 0], pa.date32()),
    "seconds beyond all years": pa.array([0, 10**15, 0], pa.timestamp("s")),
    "unknown time zone": pa.array([0, 1, 2], pa.timestamp("us", "Mars/Phobos")),
    "text that is no UTF-8": bad_text(["a", "b", "c"]),
    "binary": pa.array([b"\xff\xd8", b"\x89PNG", None], pa.binary()),
    "nested": pa.array([[{"at": 1}], [{"at": 10**18 + 1}], None], pa.list_(pa.struct({"at": pa.timestamp("ns")}))),
}


@pytest.mark.fault("D6")
@pytest.mark.parametrize("kind", list(ODD_COLUMNS))
@pytest.mark.parametrize("name", list(WRITERS))
def test_a_column_that_nobody_needs_costs_no_row(name: str, kind: str) -> None:
    data = WRITERS[name](pa.table({"messages": CHATS, "odd": ODD_COLUMNS[kind]}))
    assert prompts(walk(f"x.{name}", data)) == ["question 0", "question 1", "question 2"]
    templated = ColumnSpec(user_template="{{ row['messages'][0].content }}")
    assert prompts(walk(f"x.{name}", data, templated)) == ["question 0", "question 1", "question 2"]


@pytest.mark.fault("D6")
@pytest.mark.parametrize(
    ("kind", "reason", "bad_rows"),
    [
        ("years beyond 9999", reasons.BAD_ROW, [1]),
        ("years before the first", reasons.BAD_ROW, [0]),
        ("seconds beyond all years", reasons.BAD_ROW, [1]),
        ("unknown time zone", reasons.BAD_ROW, [0, 1, 2]),
        ("text that is no UTF-8", reasons.NOT_UTF8, [1]),
        ("binary", reasons.NOT_UTF8, [0, 1]),
    ],
)
@pytest.mark.parametrize("name", list(WRITERS))
def test_a_bad_cell_that_is_needed_is_one_reject(name: str, kind: str, reason: str, bad_rows: list[int]) -> None:
    data = WRITERS[name](pa.table({"messages": CHATS, "odd": ODD_COLUMNS[kind]}))
    for columns in (ColumnSpec(user_template="x {{odd or ''}}"), ColumnSpec(label="odd"), ColumnSpec(user_template="{{row}}", label="odd")):
        rows = walk(f"x.{name}", data, columns)
        assert [place for place, row in enumerate(rows) if isinstance(row, RejectedRow)] == bad_rows
        assert {row.reason for row in rows if isinstance(row, RejectedRow)} == {reason}
        assert all("'odd'" in row.detail for row in rows if isinstance(row, RejectedRow))


@pytest.mark.fault("D6")
def test_a_label_that_cannot_be_read_changes_no_key() -> None:
    data = parquet(pa.table({"messages": [CHATS[0]] * 3, "odd": ODD_COLUMNS["years beyond 9999"]}))
    with_label = walk("x.parquet", data, ColumnSpec(label="odd"))
    assert [row.row_key for row in with_label] == [row.row_key for row in walk("x.parquet", data)]


@pytest.mark.fault("D24")
@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.dictionary(pa.int8(), pa.binary())])
@pytest.mark.parametrize("name", list(WRITERS))
def test_bytes_are_text(name: str, kind: pa.DataType) -> None:
    texts = ["What is café?", "two"]
    values = pa.array([text.encode() for text in texts], pa.binary())
    column = values.dictionary_encode() if isinstance(kind, pa.DictionaryType) else values.cast(kind)
    chat = pa.array([b'[{"role": "user", "content": "caf\xc3\xa9"}]'] * 2, pa.binary())
    data = WRITERS[name](pa.table({"question": column, "messages": chat}))
    assert prompts(walk(f"x.{name}", data, QUESTION)) == texts
    rows = walk(f"x.{name}", data, ColumnSpec(label="question"))
    assert prompts(rows) == ["café", "café"]
    assert [row.messages[-1].content for row in rows if isinstance(row, TrainingRow)] == texts


@pytest.mark.fault("D24")
def test_bytes_inside_a_column_are_text_too() -> None:
    messages = pa.array([[{"role": b"user", "content": b"caf\xc3\xa9"}]], pa.list_(pa.struct({"role": pa.binary(), "content": pa.binary()})))
    assert prompts(walk("x.parquet", parquet(pa.table({"messages": messages})))) == ["café"]


@pytest.mark.fault("D24")
def test_bytes_in_a_map_are_text_too() -> None:
    column = pa.array([[("language", b"caf\xc3\xa9")]], pa.map_(pa.string(), pa.binary()))
    assert prompts(walk("x.parquet", parquet(pa.table({"odd": column})), ColumnSpec(user_template="{{odd.language}}"))) == ["café"]


def test_messages_may_be_maps() -> None:
    """As Spark writes an array of maps; pyarrow gives a map as a list of pairs."""
    kind = pa.list_(pa.map_(pa.string(), pa.string()))
    messages = pa.array([[[("role", "system"), ("content", "s")], [("role", "user"), ("content", "u")]]], kind)
    (row,) = walk("x.parquet", parquet(pa.table({"messages": messages})))
    assert [tuple(message) for message in row.messages] == [("system", "s"), ("user", "u")]  # type: ignore[union-attr]


def test_a_map_with_a_key_twice_loses_nothing() -> None:
    column = pa.array([[("a", "1"), ("a", "2")]], pa.map_(pa.string(), pa.string()))
    assert prompts(walk("x.parquet", parquet(pa.table({"odd": column})), ColumnSpec(user_template="{{odd[0][1]}} {{odd[1][1]}}"))) == ["1 2"]


@pytest.mark.fault("N12")
@pytest.mark.parametrize("keys", [("role", "content"), ("from", "value")])
def test_messages_that_a_table_keeps_column_by_column(keys: tuple[str, str]) -> None:
    table = pa.table({"messages": [{keys[0]: ["user", "assistant"], keys[1]: ["u", "a"]}]})
    (row,) = walk("x.parquet", parquet(table))
    assert [tuple(message) for message in row.messages] == [("user", "u"), ("assistant", "a")]  # type: ignore[union-attr]


@pytest.mark.fault("N12")
@pytest.mark.parametrize("name", ["arrow", "feather"])
def test_arrow_files_are_read_as_parquet_is(name: str) -> None:
    table = pa.table({"messages": CHATS, "id": [1, 2, 3]})
    data = WRITERS[name](table)
    assert walk(f"x.{name}", data) == _named(walk("x.parquet", parquet(table)), f"x.{name}")
    assert FORMATS["arrow"].count(io.BytesIO(data), lambda _: True) == 3
    assert column_problems(lambda _: io.BytesIO(data), f"x.{name}", ReadSpec(1000, columns=QUESTION)) == [
        "user_template names question, which is not there; the columns are: messages, id"
    ]


@pytest.mark.fault("N12")
def test_a_truncated_arrow_file_gives_its_complete_batches() -> None:
    data = arrow_stream(pa.table({"messages": CHATS}))
    found = prompts(walk("x.arrow", data[:-120]))
    assert found[-1] == reasons.UNREADABLE_FILE
    assert found[:-1] == ["question 0", "question 1"][: len(found) - 1]
    assert prompts(walk("x.arrow", b"nothing of this is Arrow")) == [reasons.UNREADABLE_FILE]


@pytest.mark.fault("N12")
@pytest.mark.parametrize("name", list(WRITERS))
def test_damaged_bytes_of_a_table_end_the_file_and_not_the_process(name: str) -> None:
    good = WRITERS[name](pa.table({"question": [f"question {number} é" for number in range(6)], "other": ["x"] * 6}))
    code = (
        "import io, random, sys\n"
        "from transforms.elements.data_specs import ColumnSpec\nfrom transforms.elements.rows import Split\n"
        "from transforms.intake.read_spec import ReadSpec\n"
        "from transforms.intake.walk import walk_rows\n"
        "good, name, rng = sys.stdin.buffer.read(), sys.argv[1], random.Random(7)\n"
        "for _ in range(300):\n"
        "    bad = bytearray(good)\n"
        "    for _ in range(rng.choice((1, 2, 8))):\n"
        "        bad[rng.randrange(len(bad))] = rng.randrange(256)\n"
        "    reading = ReadSpec(100_000, columns=ColumnSpec(user_template='{{question}}', label='other'))\n"
        "    assert len(list(walk_rows(lambda _: io.BytesIO(bytes(bad)), [name], Split.TRAIN, None, reading))) < 1000\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, f"x.{name}"], input=good, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()[-2000:]


def _named(rows: list[TrainingRow | RejectedRow], file: str) -> list[TrainingRow | RejectedRow]:
    return [row._replace(origin=row.origin._replace(file=file)) for row in rows if isinstance(row, TrainingRow)]


def avro(fields: dict[str, Any], rows: list[dict[str, Any]]) -> bytes:
    schema = {"type": "record", "name": "row", "fields": [{"name": name, "type": kind} for name, kind in fields.items()]}
    sink = io.BytesIO()
    fastavro.writer(sink, schema, rows)
    return sink.getvalue()


LOGICAL = [
    ("int", "date", 10**7),
    ("long", "timestamp-millis", 10**17),
    ("long", "timestamp-micros", 2**62),
    ("long", "local-timestamp-micros", 2**62),
    ("int", "time-millis", 2**31 - 1),
    ("string", "uuid", "this is no uuid"),
]


@pytest.mark.fault("M2")
@pytest.mark.parametrize(("base", "logical", "bad"), LOGICAL, ids=[logical for _, logical, _ in LOGICAL])
def test_logical_types_that_hold_too_much(base: str, logical: str, bad: Any) -> None:
    good: Any = "123e4567-e89b-12d3-a456-426614174000" if base == "string" else 1
    # a name of the same length in the schema, replaced in the file: fastavro writes no value that its logical type cannot hold
    odd = {"type": base, "logicalType": "x" * len(logical)}
    rows = [{"question": f"q{place}", "odd": value} for place, value in enumerate((good, bad, good))]
    data = avro({"question": "string", "odd": odd}, rows).replace(b"x" * len(logical), logical.encode())
    assert prompts(walk("x.avro", data, QUESTION)) == ["q0", "q1", "q2"]
    used = prompts(walk("x.avro", data, ColumnSpec(user_template="{{question}} {{odd}}")))
    assert used[1] == reasons.BAD_ROW
    assert used[0].startswith("q0 ")
    assert used[2].startswith("q2 ")


@pytest.mark.fault("M2")
def test_logical_types_that_are_right_are_read_as_before() -> None:
    kinds = {
        "day": {"type": "int", "logicalType": "date"},
        "amount": {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2},
        "at": ["null", {"type": "long", "logicalType": "timestamp-millis"}],
    }
    at = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    data = avro(kinds, [{"day": datetime.date(2026, 1, 2), "amount": Decimal("12.50"), "at": at}])
    assert prompts(walk("x.avro", data, ColumnSpec(user_template="{{day}} {{amount}} {{at}}"))) == [f"2026-01-02 12.50 {at}"]


@pytest.mark.fault("D24")
def test_bytes_and_broken_text_of_avro() -> None:
    data = avro(
        {"question": "bytes", "other": "string"}, [{"question": "café".encode(), "other": "1234"}, {"question": b"\xff", "other": "5678"}]
    )
    broken = data.replace(b"1234", b"caf\xe9")
    assert prompts(walk("x.avro", broken, QUESTION)) == ["café", reasons.NOT_UTF8]
    assert prompts(walk("x.avro", broken, ColumnSpec(user_template="{{other}}"))) == [reasons.NOT_UTF8, "5678"]


@pytest.mark.fault("D24")
@pytest.mark.parametrize("name", list(WRITERS))
def test_numbers_of_four_bytes_are_as_written(name: str) -> None:
    """pyarrow gives 0.1 as 0.10000000149011612, which no row of the source has."""
    written = [0.1, 7.0, -2.675, 16777216.0, 1e-7, 123456.7]
    single = pa.array(written, pa.float32())
    inside = pa.array(
        [{"score": value, "all": [value]} for value in written], pa.struct([("score", pa.float32()), ("all", pa.list_(pa.float32()))])
    )
    table = pa.table({"question": single, "inside": inside, "double": pa.array([0.10000000149011612] * 6)})
    template = "{{question}} {{inside.score}} {{inside['all'][0]}} {{double}}"
    rows = walk(f"x.{name}", WRITERS[name](table), ColumnSpec(user_template=template))
    assert prompts(rows) == [f"{value} {value} {value} 0.10000000149011612" for value in written]
    endless = pa.table({"question": pa.array([float("inf"), float("nan"), 3.4e38], pa.float32())})
    assert len(walk(f"x.{name}", WRITERS[name](endless), QUESTION)) == 3
