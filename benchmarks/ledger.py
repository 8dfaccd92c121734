"""What the ledger costs: opening its index, looking answers up in input order, and writing.

    python -m benchmarks.ledger [open] [lookup] [write] [--records N] [--writers N] [--displaced N]

Each is measured in a process of its own, as CPU time and as wall time: the machine is rarely its own. The ledger is written by ``--writers``
writers at once, its answers out of the rows' order by up to ``--displaced`` rows.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson

from transforms.elements.replies import LedgerRecord
from transforms.ledger.avro_schema import LEDGER_SCHEMA, as_datum
from transforms.ledger.index_file import index_content
from transforms.ledger.index_maker import INDEX_SUFFIX
from transforms.ledger.segments import SUFFIX, SegmentBytes, SegmentWriter, unique_name
from transforms.reuse.answer_index import AnswerIndex

GROUP = 60
"""Answers that are written together: those of 30 ms at 2,000 a second."""
RECORDS = {"open": 1_000_000, "lookup": 200_000, "write": 60_000}
CHARACTERS = 1_300
"""Of the question and of the answer. The question is in the row's request alone, the answer once: about 3.3 KB a record."""
ABSENT = 10_000
SLICE = 500
"""Look-ups that are measured together: other processes on a core's other thread disturb some slices and not others."""
CHUNK = 20_000
"""Rows whose order is mixed together while a ledger is written, so that it is not held in memory."""


def row_key(number: int) -> str:
    return f"{number:032x}-0"


def request_hash(number: int) -> str:
    return f"{number * 2_654_435_761 % 2**128:032x}"


def a_record(number: int, characters: int) -> LedgerRecord:
    """An answered request of a size as they are."""
    question, answer = f"{number} ".ljust(characters, "q"), f"{number} ".ljust(characters, "a")
    payload = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": question}], "max_tokens": 1024}).decode()
    usage = {"prompt_tokens": 300, "completion_tokens": 300, "total_tokens": 600}
    choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
    response = orjson.dumps({"id": f"r-{number}", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}).decode()
    return LedgerRecord(
        "20260101T000000000-aaaaaaaa", "train", row_key(number), "rows.jsonl", number + 1, 0, request_hash(number), "m", payload, None, 200,
        response, "stop", 300, 300, 1, 1000.0, 1_700_000_000_000, 1_700_000_001_000,
    )  # fmt: skip


def write_ledger(folder: Path, records: int, writers: int, displaced: int, characters: int) -> None:
    """Rows 0 to ``records``, answered out of order by up to ``displaced`` rows, by writers that take them as they come."""
    chance = random.Random(1)
    sinks = [SegmentWriter(str(folder), "20260101T000000000-aaaaaaaa", LEDGER_SCHEMA) for _ in range(writers)]
    for number in out_of_order(records, displaced, chance):
        chance.choice(sinks).append([as_datum(a_record(number, characters))])
    for sink in sinks:
        sink.close()


def write_indexes(folder: Path, records: int, writers: int) -> None:
    """A ledger of which only the indexes are real: its segments have the right sizes and nothing behind their headers."""
    chance = np.random.default_rng(1)
    for writer in range(writers):
        count = records // writers + (writer < records % writers)
        name = unique_name("20260101T000000000-aaaaaaaa") + SUFFIX
        header = SegmentBytes(LEDGER_SCHEMA, name).header
        keys = chance.integers(2**64, size=count, dtype=np.uint64)
        ends = np.uint64(len(header)) + np.cumsum(chance.integers(500, 4_000, size=count, dtype=np.uint64), dtype=np.uint64)
        (folder / name).write_bytes(header)
        os.truncate(folder / name, int(ends[-1]))
        (folder / f"{name}{INDEX_SUFFIX}").write_bytes(index_content(name, len(header), keys, ends))


def out_of_order(records: int, displaced: int, chance: random.Random) -> Iterator[int]:
    for first in range(0, records, CHUNK):
        rows = range(first, min(first + CHUNK, records))
        yield from sorted(rows, key=lambda number: number + chance.random() * displaced)


def memory_bytes(name: str) -> int:
    """What /proc says of this process: ``VmRSS`` now, ``VmHWM`` at most so far."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition(f"{name}:")[2].split()[0])


def measure_open(folder: Path, records: int) -> dict[str, float]:
    AnswerIndex(str(folder / "none")).close()  # what is made once a process
    before = memory_bytes("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    index = AnswerIndex(str(folder))
    assert index.find(row_key(0), 0, request_hash(0)) is None  # the first look-up puts it in order
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert len(index) == records
    absent = time.process_time()
    for number in range(ABSENT):
        assert index.find(row_key(number), 0, request_hash(number)) is None
    absent = time.process_time() - absent
    return {
        "CPU, us a record": 1e6 * cpu / records,
        "wall, us a record": 1e6 * wall / records,
        "resident, B a record": (memory_bytes("VmRSS") - before) / records,
        "peak, B a record": (memory_bytes("VmHWM") - before) / records,
        "us for a row without an answer": 1e6 * absent / ABSENT,
    }


def measure_lookup(folder: Path, records: int) -> dict[str, float]:
    index = AnswerIndex(str(folder))
    slices_us = []
    for first in range(0, records, SLICE):
        cpu = time.process_time()
        for number in range(first, first + SLICE):
            reply = index.find(row_key(number), 0, request_hash(number))
            assert reply is not None
            assert reply.content is not None
            assert reply.content.startswith(f"{number} ")
        slices_us.append(1e6 * (time.process_time() - cpu) / SLICE)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "CPU, us a row": sum(slices_us) / len(slices_us),
        "us in the tenth of the time that was disturbed least": sorted(slices_us)[len(slices_us) // 10],
        "peak memory, MB": peak,
    }


def measure_write(folder: Path, records: int) -> dict[str, float]:
    made = [a_record(number, CHARACTERS) for number in range(GROUP)]
    sink = SegmentWriter(str(folder), "run", LEDGER_SCHEMA)
    cpu = time.thread_time()
    for _ in range(0, records, GROUP):
        sink.append([as_datum(record) for record in made])
        sink.sync()
    sink.close()
    return {"CPU of the recorder's thread, us an answer": 1e6 * (time.thread_time() - cpu) / records}


MEASURES = {"open": measure_open, "lookup": measure_lookup, "write": measure_write}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*MEASURES, []], default=[*MEASURES])
    parser.add_argument("--records", type=int, help=f"default: {RECORDS}")
    parser.add_argument("--writers", type=int, default=32)
    parser.add_argument("--displaced", type=int, default=400)
    parser.add_argument("--times", type=int, default=3, help="how often each is measured; the least CPU time counts")
    parser.add_argument("--in-folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.in_folder is not None:
        (name,) = given.names
        print(json.dumps(MEASURES[name](given.in_folder, given.records)))
        return
    for name in given.names:
        records = given.records or RECORDS[name]
        with tempfile.TemporaryDirectory(prefix="benchmark-ledger-") as temporary:
            folder = Path(temporary)
            if name == "open":
                write_indexes(folder, records, given.writers)
            elif name == "lookup":
                write_ledger(folder, records, given.writers, given.displaced, CHARACTERS)
            command = [sys.executable, "-m", "benchmarks.ledger", name, "--records", str(records), "--in-folder", temporary]
            runs = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(given.times)]
        least = min(runs, key=lambda run: next(iter(run.values())))
        print(f"{name}: {records:,} records, {given.writers} writers: " + ", ".join(f"{value:.2f} {what}" for what, value in least.items()))


if __name__ == "__main__":
    main()
