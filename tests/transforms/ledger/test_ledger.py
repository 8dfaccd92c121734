"""The ledger: readable by anyone, found again, tolerant of torn tails, honest about a full disk."""

import resource
import signal
import time
from pathlib import Path

import fastavro
import pytest
from ledger_records import BODY, Notes, a_record, list_segments, write

from transforms.elements.replies import FailureRecord
from transforms.ledger.avro_schema import LEDGER_SCHEMA, SCHEMA_VERSION, as_datum
from transforms.ledger.failure_index import FailureIndex
from transforms.ledger.index_maker import INDEX_SUFFIX
from transforms.ledger.recorder import Recorder
from transforms.ledger.segments import SUFFIX, SegmentWriter
from transforms.ledger.storage import DirectoryStorage, SealedSegments, Sealing
from transforms.reuse.answer_index import AnswerIndex


def test_any_avro_reader_reads_it(tmp_path: Path) -> None:
    path = write(tmp_path, [a_record(number) for number in range(7)])
    with open(path, "rb") as file:
        read = list(fastavro.reader(file))
    assert [record["row_key"] for record in read] == [f"row-{number}" for number in range(7)]
    assert read[0]["schema_version"] == SCHEMA_VERSION
    assert read[0]["sent_at_ms"].year == 2023


def test_answers_are_found_by_row_turn_and_request(tmp_path: Path) -> None:
    write(tmp_path, [a_record(number) for number in range(100)] + [a_record(5, turn=1, response=BODY % "second")])
    index = AnswerIndex(str(tmp_path))
    assert len(index) == 101
    assert [index.find(f"row-{number}", 0, "hash").content for number in (99, 0, 42)] == ["99", "0", "42"]  # type: ignore[union-attr]
    assert index.find("row-5", 1, "hash").content == "second"  # type: ignore[union-attr]
    assert index.find("row-5", 0, "other") is None
    assert index.find("row-100", 0, "hash") is None
    index.close()
    assert index.find("row-5", 0, "hash") is None


def test_the_last_answer_to_a_request_counts(tmp_path: Path) -> None:
    write(tmp_path, [a_record(0, run_id="run-2", response=BODY % "late")], prefix="run-2")
    write(tmp_path, [a_record(0, response=BODY % "early")], prefix="run-1")
    assert AnswerIndex(str(tmp_path)).find("row-0", 0, "hash").content == "late"  # type: ignore[union-attr]
    assert AnswerIndex(str(tmp_path)).asked_by("row-0", 0, "hash") == "run-2"


@pytest.mark.parametrize(("lost_bytes", "kept"), [(1, 8), (10, 8), (17, 8), (40, 8), (300, 7)])
def test_a_truncated_end_costs_only_what_is_incomplete(tmp_path: Path, lost_bytes: int, kept: int) -> None:
    path = write(tmp_path, [a_record(number) for number in range(9)])
    path.write_bytes(path.read_bytes()[:-lost_bytes])
    index = AnswerIndex(str(tmp_path))
    assert len(index) == kept
    assert len(index.torn) == 1
    assert index.torn[0].kept == kept
    assert "at the end" in index.torn[0].why
    assert index.find(f"row-{kept - 1}", 0, "hash") is not None
    assert index.find("row-8", 0, "hash") is None


@pytest.mark.parametrize("content", [b"", b"Obj\x01", b"not avro at all"])
def test_a_segment_without_a_block_is_skipped(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run-0-broken.avro").write_bytes(content)
    write(tmp_path, [a_record(1)])
    index = AnswerIndex(str(tmp_path))
    assert len(index) == 1
    assert len(index.torn) == 1
    assert index.find("row-1", 0, "hash") is not None


def test_no_folder_is_an_empty_ledger(tmp_path: Path) -> None:
    index = AnswerIndex(str(tmp_path / "none"))
    assert len(index) == 0
    assert index.find("row-0", 0, "hash") is None


def test_nothing_written_leaves_no_file(tmp_path: Path) -> None:
    SegmentWriter(str(tmp_path), "run-1", LEDGER_SCHEMA).close()
    assert list_segments(str(tmp_path)) == []


def test_a_token_comes_back_when_its_record_is_on_disk(tmp_path: Path) -> None:
    notes = Notes()
    recorder: Recorder[int] = Recorder(str(tmp_path / "ledger"), str(tmp_path / "failures"), "run-1", notes.on_safe, notes.on_failed)
    for number in range(50):
        recorder.put(a_record(number), number)
    failure = FailureRecord("run-1", "train", "row-x", "rows.jsonl", 1, 0, "server_error", "status 500", 500, "oops", 3)
    recorder.put(failure, 50)
    notes.wait_for(51)
    # found by another reader before the recorder is closed
    index = AnswerIndex(str(tmp_path / "ledger"))
    assert len(index) == 50
    assert FailureIndex(str(tmp_path / "failures"), "run-1").find("row-x") == failure
    assert FailureIndex(str(tmp_path / "failures"), "run-2").find("row-x") is None
    recorder.close()
    assert sorted(notes.safe) == list(range(51))
    assert notes.failed == []


def test_a_full_disk_is_reported_and_keeps_what_it_has(tmp_path: Path) -> None:
    notes = Notes()
    recorder: Recorder[int] = Recorder(str(tmp_path / "ledger"), str(tmp_path / "failures"), "run-1", notes.on_safe, notes.on_failed)
    recorder.put(a_record(0), 0)
    notes.wait_for(1)
    size = list_segments(str(tmp_path / "ledger"))[0].stat().st_size
    # the operating system itself refuses to let the file grow: the write fails as it does on a full disk
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1]))
    try:
        recorder.put(a_record(1, payload="x" * 100_000), 1)
        recorder.put(a_record(2, payload="x" * 100_000), 2)
        notes.wait_for(3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert notes.safe == [0]
    assert sorted(notes.failed) == [1, 2]
    assert notes.error is not None
    recorder.put(a_record(3), 3)
    notes.wait_for(4)
    assert 3 in notes.failed  # nothing more is accepted
    recorder.close()
    index = AnswerIndex(str(tmp_path / "ledger"))
    assert len(index) == 1
    assert index.find("row-0", 0, "hash") is not None


def test_refresh_takes_in_new_segments_and_what_grew_of_the_others(tmp_path: Path) -> None:
    writer = SegmentWriter(str(tmp_path), "run-1", LEDGER_SCHEMA)
    writer.append([as_datum(a_record(0))])
    index = AnswerIndex(str(tmp_path))
    assert len(index) == 1
    assert index.find("row-1", 0, "hash") is None
    writer.append([as_datum(a_record(1))])
    assert writer.path is not None
    with open(writer.path, "ab") as torn:
        torn.write(b"\x02\x80")  # the beginning of a block that is still being written
    write(tmp_path, [a_record(2)], prefix="run-2")
    index.refresh()
    assert [index.find(f"row-{number}", 0, "hash").content for number in range(3)] == ["0", "1", "2"]  # type: ignore[union-attr]
    assert len(index.torn) == 1
    index.refresh()
    assert len(index) == 3


def test_answers_of_one_run_to_the_same_request_are_counted_as_repeated(tmp_path: Path) -> None:
    write(tmp_path, [a_record(number) for number in range(5)], prefix="run-1")
    write(tmp_path, [a_record(number, run_id="run-2") for number in (1, 2, 3)], prefix="run-2-a")
    write(tmp_path, [a_record(number, run_id="run-2", response=BODY % "second") for number in (2, 3, 4)], prefix="run-2-b")
    index = AnswerIndex(str(tmp_path))
    assert index.repeated("run-2") == 2
    assert index.repeated("run-1") == 0
    assert index.repeated("run-3") == 0
    assert [reply.content for reply in index.find_all("row-2", 0, "hash")] == ["second", "2", "2"]


def test_sealed_segments_are_whole_files_in_order(tmp_path: Path) -> None:
    made: dict[str, bytes] = {}

    def create(path: str, content: bytes) -> None:
        made[path] = content

    sink = SealedSegments(create, "store://x/ledger", "run-1", LEDGER_SCHEMA)
    sink.sync()
    assert not made
    for number in range(3):
        sink.append([as_datum(a_record(number))])
        if number != 1:
            sink.sync()
    segments = [path for path in made if path.endswith(SUFFIX)]
    assert len(segments) == 2
    assert segments == sorted(segments)
    assert set(made) == {*segments, *(path + INDEX_SUFFIX for path in segments)}
    for path, content in made.items():
        (tmp_path / path.rpartition("/")[2]).write_bytes(content)
    assert len(AnswerIndex(str(tmp_path))) == 3


class SlowStorage(DirectoryStorage):
    """A directory that seals as object storage does."""

    def __init__(self, sealing: Sealing) -> None:
        self.sealing = sealing


@pytest.mark.parametrize(("sealing", "at_least_s"), [(Sealing(0.6, 2**30), 0.5), (Sealing(3600.0, 10), 0.0)])
def test_an_answer_is_safe_only_once_its_segment_is_sealed(tmp_path: Path, sealing: Sealing, at_least_s: float) -> None:
    notes = Notes()
    storage = SlowStorage(sealing)
    recorder: Recorder[int] = Recorder(str(tmp_path / "l"), str(tmp_path / "f"), "run-1", notes.on_safe, notes.on_failed, storage)
    started = time.monotonic()
    recorder.put(a_record(1), 1)
    notes.wait_for(1)
    assert time.monotonic() - started >= at_least_s
    recorder.close()


def test_a_ledger_of_an_older_schema_is_read(tmp_path: Path) -> None:
    later = ("reference_answer", "finish_reason", "completion_tokens")
    older = {**LEDGER_SCHEMA, "fields": [field for field in LEDGER_SCHEMA["fields"] if field["name"] not in later]}
    datum = {**as_datum(a_record(3)), "schema_version": 0}
    with open(tmp_path / "run-0-1-aa.avro", "wb") as file:
        fastavro.writer(file, older, [{name: value for name, value in datum.items() if name not in later}])
    index = AnswerIndex(str(tmp_path))
    reply = index.find("row-3", 0, "hash")
    assert reply is not None
    assert reply.content == "3"
    assert index.torn == []
    index.close()
