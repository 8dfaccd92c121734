"""A file in parts gives the rows of the whole file, with their keys, numbers and places, in whatever order the parts are read."""

import gzip
import io
import json
import random
from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec, InputSpec, SplitFiles
from transforms.elements.flow import Row
from transforms.elements.parts import Part, Stretch
from transforms.elements.rows import RejectedRow, Split
from transforms.files.stored import open_as_stored
from transforms.intake import parts as parts_module
from transforms.intake.key_set import KeySet
from transforms.intake.parts import parts_of, survey_parts, surveyed
from transforms.intake.read_spec import ReadSpec
from transforms.intake.repeats import packed_buckets, repeats_before, unpacked_repeats
from transforms.intake.walk import walk_split, walk_stretch

ROWS = [{"question": f"{'long ' * (number % 10)}question {number % 150}é"} for number in range(400)]
COLUMNS = ColumnSpec(user_template="{{question}}")


def as_lines(rows: Sequence[dict[str, Any]]) -> bytes:
    lines = [json.dumps(row).encode() for row in rows]
    lines[7:7] = [b"", b"   ", b"not json", b"x" * 3000, b"\xef\xbb\xbf" + lines[3]]
    return b"\n".join(lines[:200]) + b"\r\n" + b"\n".join(lines[200:]) + b"\n\n\n"


def as_text(rows: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(row["question"].encode() + b"\n" * (1 + number % 3) for number, row in enumerate(rows))


def as_parquet(rows: Sequence[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), sink, row_group_size=23, compression="none", use_dictionary=False)
    return sink.getvalue()


def as_avro(rows: Sequence[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    schema = {"type": "record", "name": "row", "fields": [{"name": "question", "type": "string"}]}
    fastavro.writer(sink, schema, rows, sync_interval=500)
    return sink.getvalue()


def as_arrow(rows: Sequence[dict[str, Any]]) -> bytes:
    table = pa.Table.from_pylist(list(rows))
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        for begin in range(0, table.num_rows, 17):
            writer.write_table(table.slice(begin, 17))
    return sink.getvalue()


CUT: dict[str, Callable[[Sequence[dict[str, Any]]], bytes]] = {
    "jsonl": as_lines,
    "txt": as_text,
    "parquet": as_parquet,
    "avro": as_avro,
    "arrow": as_arrow,
}
NOT_CUT: dict[str, Callable[[Sequence[dict[str, Any]]], bytes]] = {
    "jsonl.gz": lambda rows: gzip.compress(as_lines(rows)),
    "json": lambda rows: json.dumps(list(rows)).encode(),
    "csv": lambda rows: b"question\r\n" + b"".join(b'"%s"\r\n' % row["question"].encode() for row in rows),
}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "LEAST_PART_BYTES", 100)


def spec_of(folder: Path, files: dict[str, bytes], readers: int, limit: int | None = None) -> InputSpec:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    columns = ColumnSpec(user_template="{{text}}") if any(name.endswith("txt") for name in files) else COLUMNS
    splits = (SplitFiles(Split.TRAIN, f"{folder}/a*", None), SplitFiles(Split.VALIDATION, f"{folder}/b*", None))
    return InputSpec(splits, limit, 2000, readers, columns=columns)


def in_parts(spec: InputSpec, order: random.Random) -> list[Row]:
    """The rows of all parts, each surveyed and read alone, in random order; sorted by where they are in the input."""
    reading = ReadSpec.of(spec)
    counts, buckets = [], defaultdict(list)
    for parts in parts_of(spec):
        listed = [Stretch((part,)) for part in parts] if spec.limit is None else [Stretch(tuple(parts), most_rows=spec.limit)]
        order.shuffle(listed)
        for stretch in listed:
            for count, digests in survey_parts(open_as_stored, stretch, reading):
                counts.append(count)
                for bucket, packed in packed_buckets(digests):
                    buckets[count.part.split, bucket].append((count.part.number, packed))
    order.shuffle(counts)
    stretches, not_read = surveyed(counts)
    passed_over = {(part.split, part.number) for part in not_read}
    repeats: dict[tuple[Split, int], bytes] = defaultdict(bytes)
    for (split, _), packed_parts in buckets.items():
        order.shuffle(packed_parts)
        for number, packed in repeats_before(one for one in packed_parts if (split, one[0]) not in passed_over):
            repeats[split, number] += packed
    rows: list[Row] = []
    for stretch in stretches:
        (part,) = stretch.parts
        known = Stretch(stretch.parts, stretch.lines_before, stretch.rows_before, stretch.most_rows, repeats[part.split, part.number])
        rows += walk_stretch(open_as_stored, known, reading)
    return sorted(rows, key=lambda row: (row.origin.split.value, row.origin.ordinal))


def whole(spec: InputSpec) -> list[Row]:
    return [row for files in spec.splits for row in walk_split(spec, files)]


@pytest.mark.parametrize("name", [*CUT, *NOT_CUT])
@pytest.mark.parametrize("readers", [2, 5])
def test_parts_are_the_whole(name: str, readers: int, tmp_path: Path) -> None:
    write = {**CUT, **NOT_CUT}[name]
    files = {f"a1.{name}": write(ROWS), f"a2.{name}": write(ROWS[100:]), f"b.{name}": write(ROWS[:50])}
    spec = spec_of(tmp_path, files, readers)
    train, validation = parts_of(spec)
    if name in CUT:
        assert len(train) > 2 * readers
        assert len(validation) > 1
        assert [part.number for part in train] == list(range(len(train)))
    else:
        assert len(train) == 2
        assert [part.end for part in train] == [None, None]
    rows = whole(spec)
    assert in_parts(spec, random.Random(readers)) == rows
    assert len(rows) >= 750
    assert any((row.row_key or "").endswith("-4") for row in rows)


@pytest.mark.parametrize("limit", [0, 1, 33, 420, 2000])
def test_a_limit_takes_the_first_rows_of_each_split(limit: int, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, {"a1.jsonl": as_lines(ROWS), "a2.jsonl": as_lines(ROWS), "b.parquet": as_parquet(ROWS)}, 4, limit)
    assert in_parts(spec, random.Random(limit)) == whole(spec)


@pytest.mark.parametrize("name", ["parquet", "avro", "arrow"])
@pytest.mark.parametrize("where", [0.2, 0.5, 0.8])
def test_a_damaged_file_ends_at_the_same_row_however_it_is_cut(name: str, where: float, tmp_path: Path) -> None:
    content = bytearray(CUT[name](ROWS))
    begin = int(len(content) * where)
    content[begin : begin + 60] = b"\xff" * 60
    files = {f"a1.{name}": bytes(content), "a2.jsonl": as_lines(ROWS[:20])}
    rows = whole(spec_of(tmp_path, files, 1))
    for readers in (2, 3, 7):
        assert in_parts(spec_of(tmp_path, files, readers), random.Random(1)) == rows


@pytest.mark.parametrize("name", ["avro", "arrow", "parquet"])
def test_a_torn_file_gives_what_the_whole_gives(name: str, tmp_path: Path) -> None:
    content = CUT[name](ROWS)
    files = {f"a.{name}": content[: int(len(content) * 0.7)]}
    rows = whole(spec_of(tmp_path, files, 1))
    assert isinstance(rows[-1], RejectedRow)
    assert rows[-1].reason == reasons.UNREADABLE_FILE
    assert in_parts(spec_of(tmp_path, files, 4), random.Random(1)) == rows


def test_a_line_longer_than_parts_belongs_to_where_it_begins(tmp_path: Path) -> None:
    short = json.dumps(ROWS[0]).encode() + b"\n"
    files = {"a.jsonl": short * 3 + b"y" * 50_000 + b"\n" + short * 3, "b.jsonl": b"z" * 40_000}
    spec = spec_of(tmp_path, files, 8)
    assert in_parts(spec, random.Random(1)) == whole(spec)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_every_cut_through_short_lines_gives_each_once(end: bytes, tmp_path: Path) -> None:
    content = b"".join(b"%d%s" % (number, end or b"\n") * (1 + number % 2) for number in range(40)) + (b"" if end else b"last")
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    reading = ReadSpec(100, "text", ColumnSpec(user_template="{{text}}"))
    rows = list(walk_stretch(open_as_stored, Stretch((Part(Split.TRAIN, str(path), 0),)), reading))
    for cut in range(1, len(content)):
        parts = [Part(Split.TRAIN, str(path), 0, 0, cut), Part(Split.TRAIN, str(path), 1, cut, len(content))]
        assert list(walk_stretch(open_as_stored, Stretch(tuple(parts)), reading)) == rows


def test_the_records_of_a_part_are_read_without_the_parts_before(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, {"a.jsonl": as_lines(ROWS * 50)}, 4)
    (parts,) = parts_of(spec)
    read = 0

    class Counting(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal read
            data = super().read(size)
            read += len(data)
            return data

    content = (tmp_path / "a.jsonl").read_bytes()
    last = parts[-1]
    assert last.end is not None
    list(walk_stretch(lambda _: Counting(content), Stretch((last,)), ReadSpec.of(spec)))
    assert read <= last.end - last.begin + 1


def test_a_key_set_is_a_set() -> None:
    chance = random.Random(3)
    numbers = [chance.getrandbits(64) for _ in range(20_000)]
    numbers += [*numbers[::3], 0, 2**64 - 1, 64, 128, 2**63]
    keys, reference = KeySet(), set()
    for number in numbers:
        assert keys.add(number) == (number not in reference)
        reference.add(number)
    assert not keys.add(0)


def test_repeats_of_many_parts_are_counted_in_their_order() -> None:
    chance = random.Random(4)
    contents = [[chance.randrange(60) << 8 for _ in range(50)] for _ in range(9)]
    packed = [(number, dict(packed_buckets(array("Q", digests)))[0]) for number, digests in enumerate(contents)]
    found = dict(repeats_before(reversed(packed)))
    for number, digests in enumerate(contents):
        before = [digest for earlier in contents[:number] for digest in earlier]
        expected = {digest: before.count(digest) for digest in digests if digest in before}
        assert unpacked_repeats(found.get(number, b"")) == expected
