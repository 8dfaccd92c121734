"""A ledger on object storage: its readers ask for its indexes and for what they look up, and keep nothing on this machine."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ledger_records import BODY, a_record
from object_storage import OBJECTS

from transforms.ledger import index as index_module
from transforms.ledger import object_storage
from transforms.ledger.avro_schema import LEDGER_SCHEMA, as_datum
from transforms.ledger.index_maker import ENTRY_BYTES, INDEX_SUFFIX
from transforms.ledger.object_storage import ObjectStorage, storage_for
from transforms.ledger.segments import SUFFIX, read_records
from transforms.ledger.storage import SealedSegments, Sealing
from transforms.reuse.answer_index import AnswerIndex

LEDGER = "objects://bucket/work/ledger"
RECORDS = 200
SEGMENTS = 4


class Requests(io.BytesIO):
    """An object that notes what is asked of it."""

    asked: list[tuple[str, int, int]] = []

    def __init__(self, path: str) -> None:
        super().__init__(OBJECTS[path])
        self._path = path

    def read(self, size: int | None = -1) -> bytes:
        at = self.tell()
        content = super().read(size)
        if content:
            self.asked.append((self._path, at, len(content)))
        return content


@pytest.fixture(autouse=True)
def _ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    OBJECTS.clear()
    Requests.asked.clear()
    monkeypatch.setattr(object_storage, "open_ranges", Requests)
    sink = ObjectStorage(Sealing()).writer(LEDGER, "run-1", LEDGER_SCHEMA)
    for number in range(RECORDS):
        sink.append([as_datum(a_record(number, payload="x" * 3_000))])
        if number % (RECORDS // SEGMENTS) == RECORDS // SEGMENTS - 1:
            sink.sync()
    yield
    OBJECTS.clear()


def an_index() -> AnswerIndex:
    return AnswerIndex(LEDGER, storage_for(LEDGER, Sealing()))


def segments() -> list[str]:
    return sorted(path for path in OBJECTS if path.endswith(SUFFIX))


def test_every_sealed_segment_has_an_index_beside_it() -> None:
    assert len(segments()) == SEGMENTS
    assert all(len(OBJECTS[path + INDEX_SUFFIX]) == ENTRY_BYTES * (RECORDS // SEGMENTS + 1) for path in segments())


def test_opening_asks_for_no_segment_and_a_look_up_only_for_the_stretch_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_storage, "WINDOW_BYTES", 16 * 1024)
    with closing(an_index()) as index:
        assert len(index) == RECORDS
        assert Requests.asked == []
        for number in range(60, 70):
            reply = index.find(f"row-{number}", 0, "hash")
            assert reply is not None
            assert reply.content == str(number)
        # the header, and ten records of 3.3 KB, each stretch once
        assert {path for path, _, _ in Requests.asked} == {segments()[1]}
        assert sum(size for _, _, size in Requests.asked) <= 7 * 16 * 1024
        assert len({at for _, at, _ in Requests.asked}) == len(Requests.asked)


def test_nothing_is_copied_to_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for path in segments()[:2]:
        del OBJECTS[path + INDEX_SUFFIX]
    with closing(an_index()) as index:
        assert all(index.find(f"row-{number}", 0, "hash") is not None for number in range(RECORDS))
        assert index.find("row-200", 0, "hash") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["missing", "torn", "another's", "empty"])
def test_a_segment_whose_index_is_wrong_is_read_itself_in_one_piece(fault: str) -> None:
    first, second, *_ = segments()
    whole = OBJECTS.pop(first + INDEX_SUFFIX)
    if fault != "missing":
        OBJECTS[first + INDEX_SUFFIX] = {"torn": whole[:100], "another's": OBJECTS[second + INDEX_SUFFIX], "empty": b""}[fault]
    with closing(an_index()) as index:
        assert Requests.asked == [(first, 0, len(OBJECTS[first]))]
        assert all(index.find(f"row-{number}", 0, "hash") is not None for number in range(RECORDS))


def test_an_index_that_was_made_again_is_put_beside_its_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "WORTH_KEEPING", 10)
    before = dict(OBJECTS)
    for path in segments():
        del OBJECTS[path + INDEX_SUFFIX]
    with closing(an_index()) as index:
        index.write_indexes()
    assert before == OBJECTS


def test_an_index_that_cannot_be_written_costs_no_answer() -> None:
    def create(path: str, content: bytes) -> None:
        if path.endswith(INDEX_SUFFIX):
            raise OSError("no room")
        OBJECTS[path] = content

    sink = SealedSegments(create, LEDGER, "run-2", LEDGER_SCHEMA)
    sink.append([as_datum(a_record(7, response=BODY % "later"))])
    sink.sync()
    with closing(an_index()) as index:
        assert index.find("row-7", 0, "hash").content == "later"  # type: ignore[union-attr]


def test_what_is_kept_of_segments_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_storage, "WINDOW_BYTES", 4_096)
    monkeypatch.setattr(object_storage, "KEPT_BYTES", 40_000)
    storage = ObjectStorage(Sealing())
    with closing(AnswerIndex(LEDGER, storage)) as index:
        for number in range(RECORDS):
            assert index.find(f"row-{number}", 0, "hash") is not None
            assert sum(map(len, storage._kept.values())) == storage._kept_bytes <= 40_000


def test_a_segment_read_whole_is_asked_for_in_large_pieces() -> None:
    storage = ObjectStorage(Sealing())
    for segment in storage.segments(LEDGER):
        assert len(list(read_records(storage.open(segment, whole=True), LEDGER_SCHEMA, []))) == RECORDS // SEGMENTS
    assert Requests.asked == [(path, 0, len(OBJECTS[path])) for path in segments()]
