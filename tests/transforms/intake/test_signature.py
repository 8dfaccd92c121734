"""Files in another format than their names say, recognised by their first bytes."""

import bz2
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec
from transforms.elements.rows import RejectedRow, Split, TrainingRow
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import walk_rows

ROW = b'{"messages": [{"role": "user", "content": "u"}]}\n'
TABLE = pa.table({"messages": [[{"role": "user", "content": "u"}]]})


def zipped(names: list[str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in names:
            archive.writestr(name, ROW)
    return sink.getvalue()


def in_tar() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        member = tarfile.TarInfo("rows.jsonl")
        member.size = len(ROW)
        archive.addfile(member, io.BytesIO(ROW))
    return sink.getvalue()


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink)
    return sink.getvalue()


def arrow(new: object) -> bytes:
    sink = io.BytesIO()
    with new(sink, TABLE.schema) as writer:  # type: ignore[operator]
        writer.write_table(TABLE)
    return sink.getvalue()


def avro() -> bytes:
    sink = io.BytesIO()
    fastavro.writer(sink, {"type": "record", "name": "r", "fields": [{"name": "a", "type": "string"}]}, [{"a": "x"}])
    return sink.getvalue()


def sqlite(folder: Path) -> bytes:
    path = folder / "rows.db"
    connection = sqlite3.connect(path)
    connection.execute("create table rows (a text)")
    connection.commit()
    connection.close()
    return path.read_bytes()


def walk(name: str, data: bytes) -> list[TrainingRow | RejectedRow]:
    return list(walk_rows(lambda _: io.BytesIO(data), [name], Split.TRAIN, None, ReadSpec(100_000, columns=ColumnSpec())))


FILES = {
    "gzip": gzip.compress(ROW),
    "zstd": pa.Codec("zstd").compress(ROW, asbytes=True),
    "bzip2": bz2.compress(ROW),
    "xz": lzma.compress(ROW),
    "zip archive": zipped(["rows.jsonl"]),
    "xlsx": zipped(["[Content_Types].xml", "xl/workbook.xml"]),
    "tar archive": in_tar(),
    "Parquet": parquet(),
    "Arrow": arrow(pyarrow.ipc.new_file),
    "Arrow stream": arrow(pyarrow.ipc.new_stream),
    "Avro": avro(),
    "Python pickle": pickle.dumps([{"messages": []}]),
    "UTF-16": ROW.decode().encode("utf-16"),
    "UTF-32": ROW.decode().encode("utf-32"),
    "NUL bytes": b"\0" * 4096,
    "Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n",
    "web page": b"\n<!DOCTYPE html><html><body>Sign in</body></html>",
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "ORC": b"ORC\x0a\x04\x00",
    "SQLite": b"",
}


@pytest.mark.fault("D26")
@pytest.mark.parametrize("what", list(FILES))
@pytest.mark.parametrize("name", ["rows.jsonl", "rows", "rows.json", "rows.csv", "rows.txt"])
def test_the_first_bytes_of_a_file_tell_its_format(name: str, what: str, tmp_path: Path) -> None:
    (row,) = walk(name, FILES[what] or sqlite(tmp_path))
    assert isinstance(row, RejectedRow)
    assert row.reason == reasons.UNREADABLE_FILE
    assert what in row.detail
    assert ("UTF-16" in row.detail) == (what == "UTF-16")


@pytest.mark.fault("D26")
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("x.parquet", "Avro"),
        ("x.avro", "Parquet"),
        ("x.arrow", "gzip"),
        ("x.jsonl.gz", "gzip"),
        ("x.jsonl.gz", "Parquet"),
        ("x.tar.gz", "tar archive"),
    ],
)
def test_the_same_under_other_names_and_inside_of_a_compression(name: str, what: str) -> None:
    data = gzip.compress(FILES[what]) if name.endswith(".gz") else FILES[what]
    (row,) = walk(name, data)
    assert isinstance(row, RejectedRow)
    assert what in row.detail
    assert row.reason == reasons.UNREADABLE_FILE


@pytest.mark.fault("D26")
@pytest.mark.parametrize("name", ["x.parquet.gz", "x.parquet"])
def test_a_file_that_is_not_parquet(name: str) -> None:
    (row,) = walk(name, gzip.compress(FILES["Parquet"]) if name.endswith(".gz") else ROW)
    assert isinstance(row, RejectedRow)
    assert row.reason == reasons.UNREADABLE_FILE


@pytest.mark.parametrize("word", ["ORC,b", "BZh,b", "PAR1,b", "DUCK,b", "GIF8,b", "ustar,b", "GGUF,b"])
def test_ordinary_words_are_not_signatures(word: str) -> None:
    rows = list(
        walk_rows(
            lambda _: io.BytesIO(f"{word}\nx,y\n".encode()),
            ["x.csv"],
            Split.TRAIN,
            None,
            ReadSpec(1000, columns=ColumnSpec(user_template="{{b}}")),
        )
    )
    assert [row.messages[0].content for row in rows if isinstance(row, TrainingRow)] == ["y"]


ROWS = 3_000


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_rows_before_the_damage_of_a_compressed_file_are_read(suffix: str) -> None:
    whole = b"".join(b'{"messages": [{"role": "user", "content": "%d %d"}]}\n' % (number, number**5 % 10**9) for number in range(ROWS))
    packers: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".xz": lambda data: lzma.compress(data, check=lzma.CHECK_NONE),
    }
    packed = packers[suffix](whole)
    rows = walk(f"rows.jsonl{suffix}", packed[:-30])
    assert isinstance(rows[-1], RejectedRow)
    assert rows[-1].reason == reasons.UNREADABLE_FILE
    assert suffix == ".bz2" or len(rows) > ROWS // 2  # bzip2 unpacks whole blocks


def test_bytes_after_a_compressed_file_end_it() -> None:
    rows = walk("rows.jsonl.gz", gzip.compress(ROW) + b"garbage")
    assert [type(row) for row in rows] == [TrainingRow, RejectedRow]


def test_lzma_and_the_long_name_of_gzip() -> None:
    for name, data in (("rows.jsonl.lzma", lzma.compress(ROW, format=lzma.FORMAT_ALONE)), ("rows.jsonl.gzip", gzip.compress(ROW))):
        assert [type(row) for row in walk(name, data)] == [TrainingRow]
    for name, data in (
        ("compressed with lzma", lzma.compress(ROW, format=lzma.FORMAT_ALONE)),
        ("compressed with compress", b"\x1f\x9d\x90a\x02"),
    ):
        (row,) = walk("rows.jsonl", data)
        assert isinstance(row, RejectedRow)
        assert name in row.detail


@pytest.mark.fault("D26")
@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2", ".xz"])
def test_plain_text_under_the_name_of_a_compression_is_named_as_such(suffix: str) -> None:
    """A browser and some mirrors unpack a file and keep its name."""
    (row,) = walk_rows(lambda _: io.BytesIO(ROW), [f"rows.jsonl{suffix}"], Split.TRAIN, None, ReadSpec(100_000))
    assert isinstance(row, RejectedRow)
    assert f"the file is named {suffix} and does not begin as such a file does" in row.detail
    assert f"remove {suffix} from its name" in row.detail
