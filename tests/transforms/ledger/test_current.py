"""One rule for which record is current, whoever asks: the last that can be read, by the names of the segments and the places in them."""

import random
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest
from ledger_records import BODY, a_record, list_segments, write

from beam_distill.work_dir.records import records_and_current
from transforms.elements.replies import LedgerRecord
from transforms.ledger.avro_schema import LEDGER_SCHEMA, as_datum
from transforms.ledger.earlier_requests import EarlierRequests
from transforms.ledger.index_maker import ENTRY_BYTES, INDEX_SUFFIX
from transforms.ledger.segments import SegmentWriter, read_records
from transforms.reuse.answer_index import AnswerIndex

ROWS, LIMITS = 30, (64, 128)


def a_ledger(folder: Path, chance: random.Random) -> None:
    """Several runs of several writers, with rows asked again, by two workers at once, and under another limit; old segments among them."""
    for run in range(chance.randint(1, 4)):
        limit = chance.choice(LIMITS)
        sinks = [SegmentWriter(str(folder), f"run-{run}", LEDGER_SCHEMA) for _ in range(chance.randint(1, 4))]
        for number in chance.choices(range(ROWS), k=chance.randint(0, 50)):
            record = a_record(
                number, run_id=f"run-{run}", turn=chance.randrange(2), request_hash=f"hash-{limit}", payload=f'{{"max_tokens": {limit}}}'
            )
            record = record._replace(response=BODY % chance.randrange(10**9))
            sink = chance.choice(sinks)
            sink.append([as_datum(record)])
            if chance.random() < 0.5:
                sink.sync()
        for sink in sinks:
            sink.close()
    for segment in list_segments(str(folder)):
        index = Path(f"{segment}{INDEX_SUFFIX}")
        fate = chance.random()
        if fate < 0.2:
            index.unlink()
        elif fate < 0.4:
            index.write_bytes(index.read_bytes()[: chance.randrange(12 * ENTRY_BYTES)])
        elif fate < 0.5:
            segment.write_bytes(segment.read_bytes()[: -chance.randint(1, 300)])


def decoded(folder: Path) -> list[dict[str, object]]:
    """Every record in the order of the ledger, by a full decode."""
    return [record for segment in list_segments(str(folder)) for record in read_records(segment, LEDGER_SCHEMA, [])]


@pytest.mark.parametrize("seed", range(40))
def test_look_ups_give_what_a_full_decode_gives(tmp_path: Path, seed: int) -> None:
    a_ledger(tmp_path, random.Random(seed))
    by_request, by_turn, of_run = defaultdict(list), {}, defaultdict(list)
    for record in decoded(tmp_path):
        request = (record["row_key"], record["turn"], record["request_hash"])
        by_request[request].append(record["response"])
        by_turn[request[:2]] = record["payload"]
        of_run[record["run_id"]].append(request)
    with closing(AnswerIndex(str(tmp_path))) as index, closing(EarlierRequests(str(tmp_path))) as earlier:
        assert len(index) == sum(map(len, by_request.values()))
        assert earlier.turns == len(by_turn)
        assert index.token_limits() == {int(str(payload)[15:-1]) for payload in {str(record["payload"]) for record in decoded(tmp_path)}}
        for run in range(5):
            assert index.repeated(f"run-{run}") == len(of_run[f"run-{run}"]) - len(set(of_run[f"run-{run}"]))
        for row in range(ROWS + 2):
            for turn in range(3):
                for limit in LIMITS:
                    found = [BODY % reply.content for reply in index.find_all(f"row-{row}", turn, f"hash-{limit}")]
                    assert found == by_request[f"row-{row}", turn, f"hash-{limit}"][::-1]
                latest = earlier.find(f"row-{row}", turn)
                assert (latest and latest.payload) == by_turn.get((f"row-{row}", turn))


@pytest.mark.parametrize("seed", range(20))
def test_an_index_that_grew_with_the_ledger_equals_one_that_is_made_at_the_end(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    index = AnswerIndex(str(tmp_path))
    sinks = [SegmentWriter(str(tmp_path), f"run-{chance.randrange(3)}", LEDGER_SCHEMA) for _ in range(4)]
    for number in range(60):
        sink = chance.choice(sinks)
        sink.append([as_datum(a_record(number % 20, response=BODY % number))])
        if chance.random() < 0.5:
            sink.sync()
        if chance.random() < 0.3:
            index.refresh()
    for sink in sinks:
        sink.close()
    index.refresh()
    again = AnswerIndex(str(tmp_path))
    for number in range(20):
        found, expected = ([reply.content for reply in one.find_all(f"row-{number}", 0, "hash")] for one in (index, again))
        assert found == expected
        assert len(found) == 3
    assert index.repeated("run-0") == again.repeated("run-0")
    assert len(index) == len(again) == 60
    index.close()
    again.close()


@pytest.mark.parametrize("seed", range(20))
def test_the_report_takes_the_same_records_as_the_engine(tmp_path: Path, seed: int) -> None:
    a_ledger(tmp_path, random.Random(1000 + seed))
    expected = decoded(tmp_path)
    last = {(record["row_key"], record["turn"]): number for number, record in enumerate(expected)}
    given = list(records_and_current(str(tmp_path), []))
    assert [record for record, _ in given] == expected
    assert [number for number, (_, is_current) in enumerate(given) if is_current] == sorted(last.values())


def damaged(path: Path, text: bytes) -> None:
    content = path.read_bytes()
    assert content.count(text) == 1
    path.write_bytes(content.replace(text, b"\xff" + text[1:]))


def test_a_damaged_record_leaves_the_one_before_it_current_in_the_report_and_for_the_engine(tmp_path: Path) -> None:
    records: list[LedgerRecord] = [a_record(number) for number in range(6)]
    write(tmp_path, records, prefix="run-1")
    again = write(tmp_path, [a_record(number, run_id="run-2", response=BODY % f"new {number}") for number in (1, 3, 4)], prefix="run-2")
    damaged(again, b"new 3")
    with closing(AnswerIndex(str(tmp_path))) as index:
        found = [index.find(f"row-{number}", 0, "hash").content for number in range(6)]  # type: ignore[union-attr]
    assert found == ["0", "new 1", "2", "3", "new 4", "5"]
    current = {(record["run_id"], record["row_key"]) for record, is_current in records_and_current(str(tmp_path), []) if is_current}
    assert current == {("run-1", "row-0"), ("run-2", "row-1"), ("run-1", "row-2"), ("run-1", "row-3"), ("run-2", "row-4"), ("run-1", "row-5")}
