"""The index beside a segment: whatever has become of it, every answer is found, and none that is not there."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from forked_python import Popen
from ledger_records import BODY, a_record, list_segments, write

from transforms.ledger import index as index_module
from transforms.ledger.avro_schema import LEDGER_SCHEMA, as_datum
from transforms.ledger.earlier_requests import EarlierRequests
from transforms.ledger.index_file import index_content, read_entries
from transforms.ledger.index_maker import ENTRY_BYTES, INDEX_SUFFIX
from transforms.ledger.segment_reader import SegmentReader
from transforms.ledger.segments import SegmentWriter
from transforms.ledger.sorted_places import SortedPlaces
from transforms.reuse.answer_index import AnswerIndex

ROOT = Path(__file__).resolve().parents[3]
RECORDS = 40


def index_of(segment: Path) -> Path:
    return Path(f"{segment}{INDEX_SUFFIX}")


def found_in(folder: Path, count: int = RECORDS) -> dict[int, str | None]:
    index = AnswerIndex(str(folder))
    replies = {number: index.find(f"row-{number}", 0, "hash") for number in range(count)}
    index.close()
    return {number: reply.content for number, reply in replies.items() if reply is not None}


ALL = {number: str(number) for number in range(RECORDS)}


@pytest.fixture
def no_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be read from one end to the other."""

    def refuse(*_: object) -> None:
        raise AssertionError("a segment was read whole although its index is there")

    monkeypatch.setattr(SegmentReader, "blocks", refuse)


def test_it_has_16_bytes_for_each_record_and_is_all_that_is_read_whole(tmp_path: Path, no_scan: None) -> None:
    segment = write(tmp_path, [a_record(number) for number in range(RECORDS)])
    assert index_of(segment).stat().st_size == ENTRY_BYTES * (RECORDS + 1)
    assert found_in(tmp_path, RECORDS + 5) == ALL


def removed(segment: Path, whole: bytes) -> None:
    index_of(segment).unlink()


def emptied(segment: Path, whole: bytes) -> None:
    index_of(segment).write_bytes(b"")


def zeroes(segment: Path, whole: bytes) -> None:
    index_of(segment).write_bytes(whole[:200] + bytes(len(whole) - 200))


def longer_than_its_segment(segment: Path, whole: bytes) -> None:
    index_of(segment).write_bytes(whole + whole[-48:])


def foreign(segment: Path, whole: bytes) -> None:
    index_of(segment).write_bytes(b"SQLite format 3\0" * 40)


def of_another_segment(segment: Path, whole: bytes) -> None:
    other = write(segment.parent / "other", [a_record(number + 7) for number in range(RECORDS)], prefix="run-2")
    shutil.copyfile(index_of(other), index_of(segment))


def in_another_order(segment: Path, whole: bytes) -> None:
    entries = [whole[at : at + ENTRY_BYTES] for at in range(0, len(whole), ENTRY_BYTES)]
    index_of(segment).write_bytes(b"".join([entries[0], *reversed(entries[1:])]))


def a_folder(segment: Path, whole: bytes) -> None:
    index_of(segment).unlink()
    index_of(segment).mkdir()


def of_an_earlier_time(segment: Path, whole: bytes) -> None:
    index_of(segment).write_bytes(whole[: 11 * ENTRY_BYTES])


FAULTS = [removed, emptied, zeroes, longer_than_its_segment, foreign, of_another_segment, in_another_order, a_folder, of_an_earlier_time]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_an_index_that_is_wrong_costs_no_answer(tmp_path: Path, fault: Callable[[Path, bytes], None]) -> None:
    segment = write(tmp_path, [a_record(number) for number in range(RECORDS)])
    fault(segment, index_of(segment).read_bytes())
    assert found_in(tmp_path, RECORDS + 5) == ALL
    assert AnswerIndex(str(tmp_path)).torn == []


@pytest.mark.parametrize("kept", [*range(40), 16 * RECORDS + 15])
def test_an_index_that_is_torn_at_any_byte_costs_no_answer(tmp_path: Path, kept: int) -> None:
    segment = write(tmp_path, [a_record(number) for number in range(RECORDS)])
    index_of(segment).write_bytes(index_of(segment).read_bytes()[:kept])
    assert found_in(tmp_path) == ALL


def test_an_index_that_fits_itself_but_not_its_segment_is_dropped_when_that_is_noticed(tmp_path: Path) -> None:
    segment = write(tmp_path, [a_record(number) for number in range(RECORDS)])
    believed = read_entries(index_of(segment).read_bytes(), segment.name, segment.stat().st_size)
    for keys, ends in (
        (believed.keys[::-1], believed.ends),  # each key at another record
        (believed.keys, believed.ends - 1),  # between blocks
    ):
        index_of(segment).write_bytes(index_content(segment.name, int(believed.begins[0]), keys, ends))
        assert found_in(tmp_path, RECORDS + 5) == ALL


def test_a_segment_that_was_replaced_under_its_index_is_read_itself(tmp_path: Path) -> None:
    segment = write(tmp_path, [a_record(number) for number in range(RECORDS)])
    writer = SegmentWriter(str(tmp_path / "other"), "run-1", LEDGER_SCHEMA)
    writer._name, writer._bytes = segment.name, type(writer._bytes)(LEDGER_SCHEMA, segment.name)
    writer.append(as_datum(a_record(number, file="other.jsonl")) for number in range(5, RECORDS + 5))
    writer.close()
    assert writer.path is not None
    segment.write_bytes(writer.path.read_bytes())
    found = found_in(tmp_path, RECORDS + 5)
    assert set(found) <= set(range(5, RECORDS + 5))
    assert all(content == str(number) for number, content in found.items())


def test_what_a_segment_has_behind_its_index_is_read_and_nothing_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = write(tmp_path, [a_record(number) for number in range(RECORDS)])
    of_an_earlier_time(segment, index_of(segment).read_bytes())
    decoded = []
    blocks = SegmentReader.blocks

    def noted(reader: SegmentReader, start: int = 0):  # type: ignore[no-untyped-def]
        for block in blocks(reader, start):
            decoded.append(block.records[0]["row_key"])  # type: ignore[index]
            yield block

    monkeypatch.setattr(SegmentReader, "blocks", noted)
    assert found_in(tmp_path) == ALL
    assert decoded == [f"row-{number}" for number in range(10, RECORDS)]


def test_random_damage_to_an_index_costs_no_answer_and_makes_none(tmp_path: Path) -> None:
    segment = write(tmp_path, [a_record(number) for number in range(RECORDS)])
    whole = index_of(segment).read_bytes()
    chance = random.Random(3)
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        index_of(segment).write_bytes(bytes(damaged))
        assert found_in(tmp_path, RECORDS + 2) == ALL


def test_random_damage_to_a_segment_with_an_index_costs_the_damaged_records_alone(tmp_path: Path) -> None:
    segment = write(tmp_path, [a_record(number) for number in range(RECORDS)])
    whole, entries = segment.read_bytes(), index_of(segment).read_bytes()
    ends = read_entries(entries, segment.name, len(whole)).ends.tolist()
    chance = random.Random(4)
    for _ in range(150):
        damaged = bytearray(whole)
        places = [chance.randrange(len(damaged)) for _ in range(chance.randint(1, 3))]
        for place in places:
            damaged[place] ^= chance.randrange(1, 256)
        segment.write_bytes(bytes(damaged))
        found = found_in(tmp_path)
        hit = {next(number for number, end in enumerate(ends) if place < end) for place in places if place >= whole.index(b"row-0")}
        # damage to a length or a marker may take its neighbour with it
        assert len(found) >= RECORDS - 2 * len(hit)
        assert all(content == str(number) for number, content in found.items())


@pytest.mark.parametrize("cut", [1, 17, 400])
def test_a_segment_that_ends_before_its_index_does_loses_what_is_cut_off_alone(tmp_path: Path, cut: int) -> None:
    segment = write(tmp_path, [a_record(number) for number in range(RECORDS)])
    whole = segment.read_bytes()
    ends = read_entries(index_of(segment).read_bytes(), segment.name, len(whole)).ends
    segment.write_bytes(whole[:-cut])
    assert found_in(tmp_path) == {number: str(number) for number in range(RECORDS) if ends[number] <= len(whole) - cut}


def test_an_index_that_lags_behind_its_segment_is_taken_up_again_where_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = []
    blocks = SegmentReader.blocks
    monkeypatch.setattr(SegmentReader, "blocks", lambda reader, start=0: starts.append(start) or blocks(reader, start))  # type: ignore[func-returns-value]
    writer = SegmentWriter(str(tmp_path), "run-1", LEDGER_SCHEMA)
    writer.append(as_datum(a_record(number)) for number in range(10))
    index = AnswerIndex(str(tmp_path))  # before its index has them
    assert len(index) == 10
    assert starts == [0]
    for begin in range(10, 40, 5):
        writer.append(as_datum(a_record(number)) for number in range(begin, begin + 5))
        if begin % 10:
            writer.sync()
        index.refresh()
        assert len(index) == begin + 5
    assert len(starts) == 1 + 3  # only where the index had not been written
    assert {number: index.find(f"row-{number}", 0, "hash").content for number in range(RECORDS)} == ALL  # type: ignore[union-attr]
    assert len(starts) == 1 + 3
    writer.close()
    index.refresh()
    assert len(index) == 40
    assert len(AnswerIndex(str(tmp_path))) == 40


KILLED = """
import sys
from ledger_records import a_record
from transforms.ledger.avro_schema import LEDGER_SCHEMA, as_datum
from transforms.ledger.segments import SegmentWriter
writer = SegmentWriter(sys.argv[1], "run-1", LEDGER_SCHEMA)
for number in range(10**9):
    writer.append([as_datum(a_record(number))])
    writer.sync()
    print(number, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_every_answer_that_it_called_safe(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    for killed in range(4):
        process = Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environ)
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 20 + 7 * killed:
                process.send_signal(signal.SIGKILL)
                break
        safe = max([int(line), *(int(later) for later in process.stdout)])
        process.wait()
        process.stdout.close()
        found = found_in(tmp_path, safe + 1)
        assert found == {number: str(number) for number in range(safe + 1)}
        for segment in list_segments(str(tmp_path)):
            segment.unlink()
            index_of(segment).unlink()


def test_where_the_disk_refuses_the_index_the_answers_are_kept_all_the_same(tmp_path: Path) -> None:
    writer = SegmentWriter(str(tmp_path), "run-1", LEDGER_SCHEMA)
    writer.append([as_datum(a_record(0))])
    writer.sync()
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, writer._index_file.fileno())
    os.close(full)
    for number in range(1, RECORDS):
        writer.append([as_datum(a_record(number))])
        writer.sync()
    writer.close()
    assert found_in(tmp_path) == ALL


def test_an_index_that_was_made_again_is_kept_for_the_next_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = write(tmp_path, [a_record(number, turn=number % 2) for number in range(RECORDS)])
    written = index_of(segment).read_bytes()
    index_of(segment).unlink()
    AnswerIndex(str(tmp_path)).write_indexes()
    assert not index_of(segment).exists()  # a moment's work
    monkeypatch.setattr(index_module, "WORTH_KEEPING", RECORDS)
    AnswerIndex(str(tmp_path)).write_indexes()
    assert index_of(segment).read_bytes() == written


def test_a_folder_that_cannot_be_written_to_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "WORTH_KEEPING", 1)
    segment = write(tmp_path, [a_record(number) for number in range(RECORDS)])
    a_folder(segment, b"")
    index = AnswerIndex(str(tmp_path))
    index.write_indexes()
    assert index.find("row-3", 0, "hash") is not None


def test_one_index_serves_requests_and_turns(tmp_path: Path, no_scan: None) -> None:
    write(tmp_path, [a_record(1), a_record(1, request_hash="warmer", payload='{"t": 1}'), a_record(1, turn=1, response=BODY % "next")])
    index, earlier = AnswerIndex(str(tmp_path)), EarlierRequests(str(tmp_path))
    assert index.find("row-1", 0, "hash") is not None
    assert index.find("row-1", 0, "colder") is None
    assert earlier.turns == 2
    request = earlier.find("row-1", 0)
    assert request is not None
    assert request.payload == '{"t": 1}'
    assert earlier.find("row-2", 0) is None


@pytest.mark.parametrize("in_memory", [1, 8])
def test_an_index_that_is_too_large_for_memory_is_dropped_as_well(tmp_path: Path, in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "SortedPlaces", lambda: SortedPlaces(in_memory))
    for prefix in ("run-1", "run-2"):
        segment = write(tmp_path, [a_record(number) for number in range(RECORDS)], prefix)
    believed = read_entries(index_of(segment).read_bytes(), segment.name, segment.stat().st_size)
    index_of(segment).write_bytes(index_content(segment.name, int(believed.begins[0]), believed.keys[::-1], believed.ends))
    assert found_in(tmp_path, RECORDS + 5) == ALL
