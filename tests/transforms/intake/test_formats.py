"""Every format gives the same rows, complete or truncated, and its memory does not depend on the file's size."""

import csv
import gzip
import io
import json
import random
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec
from transforms.elements.rows import ChatMessage, RejectedRow, Split, TrainingRow
from transforms.intake.formats.base import UnusableFile
from transforms.intake.formats.registry import FORMATS
from transforms.intake.opening import open_rows
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import column_problems, walk_rows

PAIRS = [("A man sleeps.", "He is awake."), ('He said "no",\nand left.', "Er ging – früh."), ("  ", "x"), ("same", "same"), ("same", "same")]
TEMPLATED = ColumnSpec(user_template="P: {{premise}}\nH: {{hypothesis}}", label="label")


def fields_of(pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"premise": premise, "hypothesis": hypothesis, "label": str(place % 3)} for place, (premise, hypothesis) in enumerate(pairs)]


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_json(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows, indent=1, ensure_ascii=False).encode()


def as_csv(rows: list[dict[str, Any]], separator: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=separator, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def as_tsv(rows: list[dict[str, Any]]) -> bytes:
    return as_csv(rows, "\t")


def as_parquet(rows: list[dict[str, Any]], row_group_rows: int = 1000) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink, row_group_size=row_group_rows)
    return sink.getvalue()


def as_avro(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    kinds = {str: "string", float: ["null", "double"]}
    schema = {"type": "record", "name": "row", "fields": [{"name": name, "type": kinds[type(value)]} for name, value in rows[0].items()]}
    fastavro.writer(sink, schema, rows, codec="deflate")
    return sink.getvalue()


WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "jsonl": as_jsonl,
    "json": as_json,
    "csv": as_csv,
    "tsv": as_tsv,
    "parquet": as_parquet,
    "avro": as_avro,
}


TESTED_ELSEWHERE = {
    "arrow": "test_columnar.py",
    "text": "test_text_format.py",
    **dict.fromkeys(("csv_literal", "tsv_literal"), "test_separated.py"),
}


def test_every_format_has_a_writer_here_or_tests_of_its_own() -> None:
    assert {*WRITERS, *TESTED_ELSEWHERE} == {*FORMATS}, "add what writes it to WRITERS, and it goes through the tests of all formats"


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


PACKERS = {"": lambda data: data, ".gz": gzip.compress, ".zst": zstd}


def walk(files: dict[str, bytes], columns: ColumnSpec = TEMPLATED, **options: Any) -> list[TrainingRow | RejectedRow]:
    reading = ReadSpec(options.pop("max_row_bytes", 100_000), options.pop("format", None), columns)
    return list(walk_rows(lambda name: io.BytesIO(files[name]), list(files), Split.TRAIN, None, reading, **options))


def seen(rows: list[TrainingRow | RejectedRow]) -> list[tuple[Any, ...]]:
    return [(row.origin.ordinal, *((row.row_key, row.messages) if isinstance(row, TrainingRow) else (row.reason,))) for row in rows]


@pytest.mark.parametrize(("name", "packing"), [(name, packing) for name in WRITERS for packing in PACKERS if name != "parquet" or not packing])
def test_the_same_rows_have_the_same_messages_and_keys_in_every_format(name: str, packing: str) -> None:
    rows = walk({f"rows.{name}{packing}": PACKERS[packing](WRITERS[name](fields_of(PAIRS)))})
    assert seen(rows) == seen(walk({"rows.jsonl": as_jsonl(fields_of(PAIRS))}))
    assert [row.messages[0].content for row in rows if isinstance(row, TrainingRow)] == [f"P: {p}\nH: {h}" for p, h in PAIRS]
    assert [row.messages[1] for row in rows if isinstance(row, TrainingRow)] == [ChatMessage("assistant", str(i % 3)) for i in range(5)]
    assert rows[3].row_key is not None
    assert rows[4].row_key is not None
    assert rows[3].row_key[:-1] == rows[4].row_key[:-1]
    assert rows[4].row_key.endswith("-1")


def test_a_label_column_changes_no_key() -> None:
    files = {"rows.jsonl": as_jsonl(fields_of(PAIRS))}
    bare = walk(files, ColumnSpec(user_template=TEMPLATED.user_template))
    assert [row.row_key for row in bare] == [row.row_key for row in walk(files)]


def test_formats_by_suffix_and_by_setting() -> None:
    data = as_csv(fields_of(PAIRS))
    assert seen(walk({"rows.CSV": data})) == seen(walk({"rows.dat": data}, format="csv"))
    assert len(walk({"a.csv": data, "b.json": as_json(fields_of(PAIRS)), "c.txt": as_jsonl(fields_of(PAIRS))})) == 15


def test_numbers_are_record_numbers_or_the_line_a_row_begins_on() -> None:
    for name, numbers in {"csv": [2, 3, 5, 6, 7], "json": [1, 2, 3, 4, 5], "parquet": [1, 2, 3, 4, 5], "avro": [1, 2, 3, 4, 5]}.items():
        assert [row.origin.line for row in walk({f"x.{name}": WRITERS[name](fields_of(PAIRS))})] == numbers


@pytest.mark.parametrize("name", ["json", "csv", "parquet", "avro"])
def test_chats_in_a_column(name: str) -> None:
    chat = [{"role": "user", "content": "1 + 1?"}]
    column: Any = chat if name in ("json", "parquet") else json.dumps(chat)
    (row,) = walk({f"x.{name}": WRITERS[name]([{"chat": column, "id": "7"}])}, ColumnSpec("chat"))
    (same,) = walk({"x.jsonl": as_jsonl([{"messages": chat}])}, ColumnSpec())
    assert row.row_key == same.row_key


def test_numbers_of_a_list_are_those_of_json_lines() -> None:
    rows = [{"premise": 1e3, "hypothesis": 7}, {"premise": 0.1, "hypothesis": -1.50}]
    both = ColumnSpec(user_template="{{premise}} {{hypothesis}}")
    assert seen(walk({"x.json": as_json(rows)}, both)) == seen(walk({"x.jsonl": as_jsonl(rows)}, both))
    (large,) = walk({"x.json": b'[{"premise": 12345678901234567890123456789}]'}, ColumnSpec(user_template="{{premise}}"))
    assert isinstance(large, TrainingRow)
    assert large.messages[0].content == "12345678901234567890123456789"


def test_json_lines_under_the_name_of_a_list_are_read_as_what_they_are() -> None:
    assert seen(walk({"x.json": as_jsonl(fields_of(PAIRS))})) == seen(walk({"x.jsonl": as_jsonl(fields_of(PAIRS))}))


@pytest.mark.parametrize(
    ("name", "data", "outcome"),
    [
        ("x.json", b'[{"premise": "a", "hypothesis": "b"}, 3, {"premise"', ["row", reasons.NOT_AN_OBJECT, reasons.UNREADABLE_FILE]),
        ("x.json", b'[{"premise": "a", "hypothesis": 1}, {"premise": "a", "hypothesis": 2}] tail', ["row", "row", reasons.UNREADABLE_FILE]),
        ("x.json", b"[" * 300_000, [reasons.UNREADABLE_FILE]),
        ("x.json", b'"text"', [reasons.UNREADABLE_FILE]),
        ("x.json", b'{\n  "data": [\n    {"premise": "a", "hypothesis": "b"}\n  ]\n}', [reasons.UNREADABLE_FILE]),
        ("x.json", b" \n ", []),
        ("x.json", b'[{"premise": "' + b"a" * 2_000_000 + b'"}, {"premise": "a", "hypothesis": 1}]', [reasons.ROW_TOO_LARGE, "row"]),
        ("x.json", b'[{"premise": "' + b"a" * 120_000 + b'"}, {"premise": "a", "hypothesis": 1}]', [reasons.ROW_TOO_LARGE, "row"]),
        ("x.json", b'[{"premise": "' + b"a" * 2_000_000, [reasons.UNREADABLE_FILE]),
        ("x.csv", b'premise,hypothesis\na,b\na\n"a,b\nc,d', ["row", reasons.BAD_ROW, reasons.UNREADABLE_FILE]),
        ("x.csv", b'premise,hypothesis\na "quoted" word,b\n"a "quoted" word",b\nc,d\n', ["row", reasons.BAD_ROW, "row"]),
        ("x.csv", b"premise,hypothesis\n\xff,b\na,b\n", [reasons.NOT_UTF8, "row"]),
        ("x.csv", b"premise,hypothesis\n" + b"a" * 200_000 + b",b\na,b\n", [reasons.ROW_TOO_LARGE, "row"]),
        ("x.csv", b"premise,hypothesis\na,\n,b\n", [reasons.MISSING_VALUE, reasons.MISSING_VALUE]),
        ("x.csv", b"premise,premise\na,b\n", [reasons.UNREADABLE_FILE]),
        ("x.csv", "premise,hypothesis\na,b\n".encode("utf-16"), [reasons.UNREADABLE_FILE]),
        ("x.csv", b"premise\na\n", [reasons.MISSING_COLUMN]),
        ("x.csv", b"", []),
        ("x.parquet", b"premise,hypothesis\na,b\n", [reasons.UNREADABLE_FILE]),
        ("x.avro", b"premise,hypothesis\na,b\n", [reasons.UNREADABLE_FILE]),
        ("x.parquet", as_parquet(fields_of([("a" * 200_000, "b"), ("a", "b")])), [reasons.ROW_TOO_LARGE, "row"]),
        ("x.csv.gz", b"premise,hypothesis\na,b\n", [reasons.UNREADABLE_FILE]),
        ("x.csv.zst", b"premise,hypothesis\na,b\n", [reasons.UNREADABLE_FILE]),
    ],
)  # fmt: skip
def test_what_is_broken_is_a_reject_and_costs_no_other_row(name: str, data: bytes, outcome: list[str]) -> None:
    rows = walk({name: data}, ColumnSpec(user_template="{{premise}} {{hypothesis}}"))
    assert ["row" if isinstance(row, TrainingRow) else row.reason for row in rows] == outcome
    assert [row.origin.ordinal for row in rows] == list(range(len(rows)))


def test_a_long_zstd_window_is_not_damage() -> None:
    line = as_jsonl(fields_of(PAIRS))
    frame = b"\x28\xb5\x2f\xfd\x00\x98" + (1 | len(line) << 3).to_bytes(3, "little") + line  # one stored block, window of 512 MB
    with pytest.raises(UnusableFile, match="zstd -d --long=31"):
        column_problems(lambda _: io.BytesIO(frame), "rows.jsonl.zst", ReadSpec(100_000, None, TEMPLATED))


@pytest.mark.parametrize("packing", [".gz", ".zst"])
@pytest.mark.parametrize("name", ["jsonl", "csv", "avro", "json"])
def test_a_truncated_file_is_not_taken_for_a_complete_one(name: str, packing: str) -> None:
    rows = fields_of([(f"premise {number}", f"hypothesis {number * 7919}") for number in range(3000)])
    packed = PACKERS[packing](WRITERS[name](rows))
    files = {f"a.{name}{packing}": packed[: len(packed) * 2 // 3], "b.jsonl": as_jsonl(fields_of(PAIRS))}
    read = walk(files)
    assert read[-6].reason == reasons.UNREADABLE_FILE  # type: ignore[union-attr]
    assert all(isinstance(row, TrainingRow) for row in [*read[:-6], *read[-5:]])
    whole = walk({f"a.{name}{packing}": packed})
    assert seen(read[:-6]) == seen(whole)[: len(read) - 6]


def test_a_truncated_avro_file_gives_its_complete_blocks() -> None:
    data = as_avro(fields_of([(f"premise {number}", "h" * 50) for number in range(3000)]))
    read = walk({"a.avro": data[:-10]})
    assert len(read) > 1000
    assert read[-1].reason == reasons.UNREADABLE_FILE  # type: ignore[union-attr]


LARGE_ROWS = 3_500
UNPACKED = ("jsonl", "json", "csv", "parquet", "avro")
PACKED = (("jsonl", ".gz"), ("jsonl", ".zst"), ("avro", ".gz"))
HARD, EASY = "hard to compress", "easy to compress"


@pytest.fixture(scope="module")
def large() -> dict[str, list[dict[str, Any]]]:
    """6 MB of rows of one question, so that no row key is new; the label beside it is long."""
    rng = random.Random(7)
    return {
        HARD: [{"hypothesis": "h", "label": rng.randbytes(900).hex()} for _ in range(LARGE_ROWS)],
        EASY: [{"hypothesis": "h", "label": "p" * 1_800}] * LARGE_ROWS,
    }


@pytest.mark.parametrize(
    ("name", "packing", "kind"), [*((name, "", HARD) for name in UNPACKED), *((*packed, kind) for packed in PACKED for kind in (HARD, EASY))]
)
def test_memory_does_not_follow_the_size_of_the_file(
    name: str, packing: str, kind: str, large: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    path = tmp_path / f"rows.{name}{packing}"
    # one row group: holding one at a time would not help here
    path.write_bytes(PACKERS[packing](as_parquet(large[kind], LARGE_ROWS) if name == "parquet" else WRITERS[name](large[kind])))
    reading = ReadSpec(100_000, None, ColumnSpec(user_template="{{hypothesis}}", label="label"))
    outside = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(outside)  # Arrow's memory is not counted by Python
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        count = sum(isinstance(row, TrainingRow) for row in walk_rows(io.FileIO, [str(path)], Split.TRAIN, None, reading))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(outside)
    assert count == LARGE_ROWS
    assert peak_bytes < 3_000_000
    assert pool.max_memory() < 5_000_000


@pytest.mark.fault("X-C5")
@pytest.mark.parametrize("name", ["jsonl", "csv", "txt", "json", "tsv"])
@pytest.mark.parametrize("letter", [b" ", b"x"])
def test_a_small_file_with_large_content_is_unpacked_in_steps(name: str, letter: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"x.{name}.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(32):
            file.write(letter * 1024 * 1024)
    reading = ReadSpec(100_000, None, ColumnSpec())
    tracemalloc.start()
    try:
        with open(path, "rb") as stored:
            kept_as, source = open_rows(str(path), stored, None)
            with suppress(UnusableFile):
                kept_as.count(source, lambda _: True)
        with suppress(UnusableFile):
            column_problems(io.FileIO, str(path), reading)
        rows = list(walk_rows(io.FileIO, [str(path)], Split.TRAIN, None, reading))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not [row for row in rows if isinstance(row, TrainingRow)]
    assert peak_bytes < 20_000_000


def problems(data: bytes, name: str, columns: ColumnSpec) -> list[str]:
    return column_problems(lambda _: io.BytesIO(data), name, ReadSpec(100_000, None, columns))


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_missing_column_is_named_with_those_that_there_are(name: str) -> None:
    data = WRITERS[name](fields_of(PAIRS))
    assert problems(data, f"x.{name}", TEMPLATED) == []
    (said,) = problems(data, f"x.{name}", ColumnSpec(user_template="{{premise}} {{hypotesis}}"))
    assert said == "user_template names hypotesis, which is not there; the columns are: premise, hypothesis, label"
    assert "label_column: there is no column 'gold'" in problems(data, f"x.{name}", ColumnSpec(user_template="{{premise}}", label="gold"))[0]
    assert "no column 'chat'" in problems(data, f"x.{name}", ColumnSpec("chat"))[0]
    (said,) = problems(data, f"x.{name}", ColumnSpec(user_template="Premise: {premise}"))
    assert said.startswith("user_template names no column")
    assert "{{ like_this }}" in said
    assert said.endswith("premise, hypothesis, label")
    (said,) = problems(data, f"x.{name}", ColumnSpec(user_template="{{ row['the premise'] }}"))
    assert said.startswith("user_template names the premise, which is not there")


@pytest.mark.parametrize(("template", "missing"), [("{{label-coarse}}", "coarse"), ("{{ q.2 }} {{label-coarse}} {{premise}}", "coarse, q")])
def test_a_column_with_a_dash_in_its_name_is_written_another_way(template: str, missing: str) -> None:
    data = WRITERS["jsonl"]([{"premise": "a", "label": "b", "label-coarse": "c", "a-b": "d"}])
    (said,) = problems(data, "x.jsonl", ColumnSpec(user_template=template))
    assert said.startswith(
        f'user_template names {missing}, which is not there; write {{{{ row["label-coarse"] }}}} for the column label-coarse; the'
    )


@pytest.mark.fault("N13")
@pytest.mark.parametrize("name", list(WRITERS))
def test_rows_without_a_chat_are_reported_before_anything_is_read(name: str) -> None:
    (said,) = problems(WRITERS[name](fields_of(PAIRS)), f"x.{name}", ColumnSpec())
    assert "there is no column 'messages'; the columns are: premise, hypothesis, label" in said
    assert "--user_template '{{ premise }}'" in said


@pytest.mark.fault("N13")
def test_an_object_around_all_rows_is_no_row() -> None:
    (said,) = problems(json.dumps({"version": "1.1", "data": fields_of(PAIRS)}).encode(), "x.json", ColumnSpec())
    assert "If 'data' is the list of all rows, give that list alone as the file" in said


@pytest.mark.fault("N13")
def test_a_file_of_which_one_of_the_first_rows_is_a_chat_is_read() -> None:
    chat = [{"messages": [{"role": "user", "content": "u"}]}]
    assert problems(as_jsonl([*fields_of(PAIRS), *chat]), "x.jsonl", ColumnSpec()) == []
    assert problems(b"not json\n" + as_jsonl(fields_of(PAIRS)), "x.jsonl", TEMPLATED) == []
    assert problems(b"not json\n", "x.jsonl", ColumnSpec()) == []  # each line is a reject of its own


def test_a_file_that_is_not_parquet_is_reported_before_anything_is_read() -> None:
    with pytest.raises(UnusableFile, match="not a Parquet file"):
        problems(b"PAR0", "x.parquet", ColumnSpec())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b'[\n{"premise": "a", "hypothesis": 1},\n{"premise": "a", "hypothesis": 2}\n]\n', ["row", "row"]),
        (b'[{"premise": "a", "hypothesis": 1}, {"premise": "a", "hypothesis": 2}]', ["row", "row"]),
        (b'\xef\xbb\xbf  [ {"premise": "a", "hypothesis": 1},\n\n {"premise": "a", "hypothesis": 2} ]\n', ["row", "row"]),
        (b'[{"premise": "a", "hypothesis": 1}]\n{"premise": "a", "hypothesis": 2}\n', [reasons.NOT_AN_OBJECT, "row"]),
        (b'[1, 2]\n{"premise": "a", "hypothesis": 2}\n', [reasons.NOT_AN_OBJECT, "row"]),
        (b'[\n{"premise": "a", "hypothesis": 1},\n', ["row", reasons.UNREADABLE_FILE]),
    ],
)
def test_a_list_under_the_name_of_json_lines(text: bytes, found: list[str]) -> None:
    rows = walk({"x.jsonl": text}, ColumnSpec(user_template="{{premise}}"))
    assert [row.reason if isinstance(row, RejectedRow) else "row" for row in rows] == found
    assert FORMATS["jsonl"].count(io.BytesIO(text), lambda _: True) == len(found)


@pytest.mark.parametrize("word", ["nan", "NaN", "<NA>", "NaT", " nan\n"])
def test_a_chat_that_asks_only_a_missing_value_is_a_reject(word: str) -> None:
    lines = [
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": word}]},
        {"messages": [{"role": "user", "content": "x"}]},
    ]
    rows = walk({"x.jsonl": as_jsonl(lines)}, ColumnSpec())
    assert [row.reason if not isinstance(row, TrainingRow) else "row" for row in rows] == [reasons.EMPTY_USER_MESSAGE, "row"]
    (templated,) = walk({"x.jsonl": as_jsonl([{"q": word}])}, ColumnSpec(user_template="{{q}}"))
    assert not isinstance(templated, TrainingRow)


@pytest.mark.parametrize("word", ["None", "N/A", "null", "nan, I mean my grandmother"])
def test_a_chat_may_ask_words_that_people_write(word: str) -> None:
    (row,) = walk({"x.jsonl": as_jsonl([{"messages": [{"role": "user", "content": word}]}])}, ColumnSpec())
    assert isinstance(row, TrainingRow)


@pytest.mark.parametrize(
    "table",
    [
        {"columns": ["messages"], "index": [0], "data": [[[{"role": "user", "content": "x"}]]]},
        {"columns": ["question"], "data": [["x"]]},
        {"schema": {"fields": [{"name": "question"}]}, "data": [{"index": 0, "question": "x"}]},
        {"features": [], "rows": [{"row_idx": 0, "row": {"question": "x"}, "truncated_cells": []}], "num_rows_total": 1},
    ],
)
def test_a_whole_table_in_one_object_is_named(table: dict[str, object]) -> None:
    (refused,) = walk({"x.json": as_jsonl([table])}, ColumnSpec(user_template="{{data}}{{rows}}"))
    assert not isinstance(refused, TrainingRow)
    assert refused.reason == reasons.BAD_ROW
    assert "orient='records'" in refused.detail


def test_a_row_with_a_table_in_it_is_a_row() -> None:
    (row,) = walk({"x.jsonl": as_jsonl([{"columns": ["a"], "data": [[1]], "question": "How many?"}])}, ColumnSpec(user_template="{{question}}"))
    assert isinstance(row, TrainingRow)
