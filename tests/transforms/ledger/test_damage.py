"""A ledger on which something went wrong: what is damaged is lost, and nothing else."""

import io
import os
import random
from contextlib import closing
from pathlib import Path
from typing import Any

import fastavro
import pytest
from ledger_records import BODY, Notes, a_record, list_segments, write

from transforms.elements.replies import FailureRecord
from transforms.elements.usage import Usage
from transforms.ledger.avro_schema import FAILURE_SCHEMA, LEDGER_SCHEMA, USAGE_SCHEMA, as_datum, paid_usage, written_schemas
from transforms.ledger.encoding import sync_marker
from transforms.ledger.failure_index import FailureIndex
from transforms.ledger.recorder import Recorder
from transforms.ledger.segments import SegmentWriter, read_blocks, read_records
from transforms.reuse.answer_index import AnswerIndex


def old_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """As it was before answers had a checksum and failures a body."""
    later = ("checksum", "response_id", "body", "given_up", "cached_tokens", "reasoning_tokens")
    return {**schema, "fields": [field for field in schema["fields"] if field["name"] not in later]}


def write_old(path: Path, schema: dict[str, Any], datums: list[dict[str, Any]]) -> bytes:
    """One block of many records, as every segment had it."""
    names = [field["name"] for field in old_schema(schema)["fields"]]
    with open(path, "wb") as file:
        fastavro.writer(file, old_schema(schema), [{name: datum[name] for name in names} for datum in datums], sync_interval=1 << 20)
    return path.read_bytes()


def answers(index: AnswerIndex, count: int) -> dict[int, str | None]:
    found = {}
    for number in range(count):
        reply = index.find(f"row-{number}", 0, "hash")
        if reply is not None:
            found[number] = reply.content
    return found


def answers_in(folder: Path, count: int) -> dict[int, str | None]:
    with closing(AnswerIndex(str(folder))) as index:
        return answers(index, count)


@pytest.mark.fault("D17", "M3", "X-A8")
def test_a_flipped_byte_anywhere_costs_one_record_at_most_and_never_changes_an_answer(tmp_path: Path) -> None:
    path = write(tmp_path, [a_record(number) for number in range(6)])
    whole = path.read_bytes()
    records_begin = whole.index(sync_marker(path.name))
    for place in [*range(0, records_begin, 13), *range(records_begin, len(whole))]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (0xFF if place % 2 else 0x01)]) + whole[place + 1 :])
        with closing(AnswerIndex(str(tmp_path))) as index:
            found = answers(index, 6)
            assert len(found) >= 5, place
            assert all(content == str(number) for number, content in found.items()), place


@pytest.mark.fault("D17", "M3")
@pytest.mark.parametrize("what", ["text", "length"])
def test_damage_is_reported_with_the_segment_and_the_count(tmp_path: Path, what: str) -> None:
    path = write(tmp_path, [a_record(number) for number in range(5)])
    content = path.read_bytes()
    place = content.index(b"row-2") + (2 if what == "text" else -1)
    path.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
    with closing(AnswerIndex(str(tmp_path))) as index:
        assert sorted(answers(index, 5)) == [0, 1, 3, 4]
        assert [(torn.path, torn.kept) for torn in index.torn] == [(str(path), 4)]
        assert index.torn[0].why == "1 damaged record"


@pytest.mark.fault("D17", "X-A8")
def test_a_damaged_block_does_not_cost_the_later_ones(tmp_path: Path) -> None:
    path = write(tmp_path, [a_record(number) for number in range(300)])
    content = path.read_bytes()
    first = content.index(b"row-100")
    path.write_bytes(content[:first] + os.urandom(900) + content[first + 900 :])
    with closing(AnswerIndex(str(tmp_path))) as index:
        found = answers(index, 300)
        assert 294 <= len(found) < 300
        assert 299 in found
        assert "damaged bytes" in index.torn[0].why


@pytest.mark.fault("D17", "M3", "D15")
def test_a_segment_of_the_old_schema_is_read_and_one_damaged_record_in_its_block_costs_itself(tmp_path: Path) -> None:
    content = write_old(tmp_path / "run-0-1-aa.avro", LEDGER_SCHEMA, [as_datum(a_record(number)) for number in range(50)])
    assert len(answers_in(tmp_path, 50)) == 50
    place = content.index((BODY % 20).encode())
    (tmp_path / "run-0-1-aa.avro").write_bytes(content[:place] + b"\xff" + content[place + 1 :])
    with closing(AnswerIndex(str(tmp_path))) as index:
        found = answers(index, 50)
        assert len(found) == 49
        assert 20 not in found
        assert found[49] == "49"
        assert index.torn[0].why == "1 damaged record"


@pytest.mark.fault("D17", "X-A8")
@pytest.mark.parametrize("schema", [LEDGER_SCHEMA, FAILURE_SCHEMA], ids=["answers", "failures"])
def test_random_damage_to_old_segments_never_raises(tmp_path: Path, schema: dict[str, Any]) -> None:
    path = tmp_path / "run-0-1-aa.avro"
    failure = FailureRecord("run-1", "train", "row-1", "rows.jsonl", 1, 0, "server_error", "status 500", 500, "oops", 3)
    records = [a_record(number) for number in range(20)] if schema is LEDGER_SCHEMA else [failure] * 20
    whole = write_old(path, schema, [as_datum(record) for record in records])
    chance = random.Random(5)
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(bytes(damaged))
        if schema is LEDGER_SCHEMA:
            answers_in(tmp_path, 20)
            list(read_blocks(path, LEDGER_SCHEMA, []))
        else:
            with closing(FailureIndex(str(tmp_path), "run-1")) as index:
                index.find("row-1")
            list(read_blocks(path, FAILURE_SCHEMA, []))


@pytest.mark.fault("D17", "X-A8")
def test_a_foreign_file_in_the_ledger_is_skipped_and_reported(tmp_path: Path) -> None:
    write(tmp_path, [a_record(1)])
    (tmp_path / "a-folder.avro").mkdir()
    (tmp_path / "b-link.avro").symlink_to(tmp_path / "nothing")
    (tmp_path / "._c.avro").write_bytes(b"\x00\x05\x16\x07" + bytes(200))
    foreign = io.BytesIO()
    schema = {"type": "record", "name": "Other", "fields": [{"name": "x", "type": "string"}]}
    fastavro.writer(foreign, schema, [{"x": "y"}])
    (tmp_path / "d-other.avro").write_bytes(foreign.getvalue())
    packed = io.BytesIO()
    fastavro.writer(packed, LEDGER_SCHEMA, [as_datum(a_record(2))], codec="deflate")
    (tmp_path / "e-packed.avro").write_bytes(packed.getvalue())
    with closing(AnswerIndex(str(tmp_path))) as index:
        assert sorted(answers(index, 5)) == [1, 2]
        said = {Path(torn.path).name: torn.why for torn in index.torn}
        assert said.keys() == {"a-folder.avro", "b-link.avro", "._c.avro", "d-other.avro"}
        assert "another schema" in said["d-other.avro"]
        assert "is not a file" in said["a-folder.avro"]


@pytest.mark.fault("D17")
def test_an_answer_recorded_before_checksums_that_is_no_longer_json_counts_as_damaged(tmp_path: Path) -> None:
    content = write_old(tmp_path / "run-0-1-aa.avro", LEDGER_SCHEMA, [as_datum(a_record(number)) for number in range(3)])
    place = content.index((BODY % 1).encode())
    (tmp_path / "run-0-1-aa.avro").write_bytes(content[:place] + b"[" + content[place + 1 :])
    with closing(AnswerIndex(str(tmp_path))) as index:
        assert sorted(answers(index, 3)) == [0, 2]
        assert index.find("row-1", 0, "hash") is None
        assert index.torn[0].why == "1 damaged record"


@pytest.mark.fault("D4", "X-A1", "X-A5")
@pytest.mark.parametrize(
    "changes",
    [
        {"completion_tokens": 2**64 - 1},
        {"prompt_tokens": -(2**70)},
        {"file": "caf\udce9.jsonl"},
        {"file": "half of a pair \ud83d"},
        {"reference_answer": 7},
        {"line": None},
        {"latency_ms": float("inf")},
        {"answered_at_ms": 10**30},
    ],
    ids=str,
)
def test_a_record_that_avro_refuses_is_recorded_in_part_and_costs_no_other(tmp_path: Path, changes: dict[str, Any]) -> None:
    notes = Notes()
    recorder: Recorder[int] = Recorder(str(tmp_path / "ledger"), str(tmp_path / "failures"), "run-1", notes.on_safe, notes.on_failed)
    for number in range(7):
        recorder.put(a_record(number, **(changes if number == 3 else {})), number)
    recorder.close()
    assert sorted(notes.safe) == list(range(7))
    assert notes.failed == []
    assert answers_in(tmp_path / "ledger", 7) == {number: str(number) for number in range(7)}
    [segment] = list_segments(str(tmp_path / "ledger"))
    with open(segment, "rb") as file:
        fastavro_reads = [record["row_key"] for record in fastavro.reader(file)] if "answered_at_ms" not in changes else None
    assert fastavro_reads is None or len(fastavro_reads) == 7


@pytest.mark.fault("X-A5")
def test_a_file_name_in_another_encoding_is_recorded_with_a_replacement(tmp_path: Path) -> None:
    path = write(tmp_path, [a_record(1, file="caf\udce9.jsonl")])
    [record] = read_records(path, LEDGER_SCHEMA, [])
    assert record["file"] == "caf\ufffd.jsonl"


@pytest.mark.fault("D15")
def test_an_attempt_that_was_sent_again_is_kept_with_its_body_and_is_not_a_failure_of_its_row(tmp_path: Path) -> None:
    notes = Notes()
    recorder: Recorder[int] = Recorder(str(tmp_path / "ledger"), str(tmp_path / "failures"), "run-1", notes.on_safe, notes.on_failed)
    useless = FailureRecord(
        "run-1", "train", "row-1", "rows.jsonl", 1, 0, "broken_body", "no JSON", 200, "", 1, body=b"\xff\x00<html>", given_up=False
    )
    last = FailureRecord("run-1", "train", "row-2", "rows.jsonl", 2, 0, "server_error", "status 500", 500, "oops", 3)
    again = FailureRecord("run-1", "train", "row-2", "rows.jsonl", 2, 0, "broken_body", "no JSON", 200, "", 1, given_up=False)
    for number, record in enumerate((useless, last, again)):
        recorder.put(record, number)
    recorder.close()
    with closing(FailureIndex(str(tmp_path / "failures"), "run-1")) as index:
        assert index.find("row-1") is None
        assert index.find("row-2") == last
    [segment] = list_segments(str(tmp_path / "failures"))
    assert [record["body"] for record in read_records(segment, FAILURE_SCHEMA, [])] == [b"\xff\x00<html>", None, None]


@pytest.mark.fault("D15")
def test_failures_of_the_old_schema_are_read(tmp_path: Path) -> None:
    failure = FailureRecord("run-1", "train", "row-1", "rows.jsonl", 1, 0, "server_error", "status 500", 500, "oops", 3)
    write_old(tmp_path / "run-1-1-aa.avro", FAILURE_SCHEMA, [as_datum(failure)])
    with closing(FailureIndex(str(tmp_path), "run-1")) as index:
        assert index.find("row-1") == failure


@pytest.mark.fault("X-E1")
@pytest.mark.parametrize("how", ["removed", "renamed"])
def test_a_removed_ledger_is_noticed_at_the_next_answer(tmp_path: Path, how: str) -> None:
    notes = Notes()
    recorder: Recorder[int] = Recorder(str(tmp_path / "ledger"), str(tmp_path / "failures"), "run-1", notes.on_safe, notes.on_failed)
    recorder.put(a_record(0), 0)
    notes.wait_for(1)
    [segment] = list_segments(str(tmp_path / "ledger"))
    if how == "removed":
        segment.unlink()
    else:
        (tmp_path / "ledger").rename(tmp_path / "elsewhere")
    recorder.put(a_record(1), 1)
    notes.wait_for(2)
    recorder.close()
    assert notes.safe == [0]
    assert notes.failed == [1]
    assert "moved or removed" in str(notes.error)


@pytest.mark.parametrize("before", written_schemas(LEDGER_SCHEMA)[1:], ids=["before samples", "before token counts"])
def test_an_older_segment_is_read_also_behind_a_damaged_header(before: dict[str, Any], tmp_path: Path) -> None:
    writer = SegmentWriter(str(tmp_path), "run-0", before)
    writer.append(as_datum(a_record(number)) for number in range(9))
    writer.close()
    assert writer.path is not None
    records = list(read_records(writer.path, USAGE_SCHEMA, []))
    assert [paid_usage(record) for record in records] == [Usage(10, 2)] * 9
    content = writer.path.read_bytes()
    writer.path.write_bytes(b"\xff" * 60 + content[60:])
    assert len(answers_in(tmp_path, 9)) == 9


def test_cached_and_reasoning_tokens_are_kept_and_shared_answers_cost_nothing(tmp_path: Path) -> None:
    kept = [a_record(0, cached_tokens=4, reasoning_tokens=1), a_record(1, attempts=0)]
    path = write(tmp_path, kept)
    records = list(read_records(path, USAGE_SCHEMA, []))
    assert [paid_usage(record) for record in records] == [Usage(10, 2, 4, 1), Usage()]
    assert len(answers_in(tmp_path, 2)) == 2
    content = path.read_bytes()
    path.write_bytes(b"\xff" * 60 + content[60:])
    assert len(answers_in(tmp_path, 2)) == 2
