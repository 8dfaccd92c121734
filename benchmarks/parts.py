"""What reading in parts costs: bytes of the input read by all processes together, CPU per row, and memory for the keys of rows.

    python -m benchmarks.parts [--rows N] [--keys N]

The stages' own functions, one after another in this process, so the figures do not depend on a runner: the input is listed and cut for 1, 2, 4
and 8 processes, surveyed, read, and read again as it is for writing. Every byte that these read of a file is counted (not the 256 KB at its
beginning that are looked at to cut it).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from transforms.elements.data_specs import InputSpec, SplitFiles
from transforms.elements.parts import Stretch
from transforms.elements.rows import Split
from transforms.intake.key_set import KeySet
from transforms.intake.parts import parts_of, survey_parts, surveyed
from transforms.intake.read_spec import ReadSpec
from transforms.intake.repeats import packed_buckets, repeats_before
from transforms.intake.walk import walk_stretch


class _Counted:
    """Counts the bytes that are read through the files it opens."""

    def __init__(self) -> None:
        self.read_bytes = 0

    def open(self, path: str) -> BinaryIO:
        counted = self

        class Reading:
            def __init__(self) -> None:
                self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - who reads closes it
                self.seek, self.tell, self.close = self._file.seek, self._file.tell, self._file.close

            def read(self, size: int = -1, /) -> bytes:
                data: bytes = self._file.read(size)
                counted.read_bytes += len(data)
                return data

        return Reading()  # type: ignore[return-value]


@contextmanager
def _cpu(name: str, taken: dict[str, float]) -> Iterator[None]:
    begin = time.process_time()
    yield
    taken[name] = time.process_time() - begin


def _write_rows(path: Path, rows: int) -> None:
    padding = "lorem ipsum dolor sit amet " * 64
    with open(path, "w", encoding="utf-8") as file:
        for number in range(rows):
            chat = [{"role": "user", "content": f"{number if number % 20 else number // 40} {padding}"}]
            file.write(json.dumps({"messages": chat}) + "\n")


def _surveyed(spec: InputSpec, open_file: Callable[[str], BinaryIO]) -> list[Stretch]:
    reading, counts, buckets = ReadSpec.of(spec), [], defaultdict(list)
    for part in (part for listed in parts_of(spec) for part in listed):
        for count, digests in survey_parts(open_file, Stretch((part,)), reading):
            counts.append(count)
            for bucket, packed in packed_buckets(digests):
                buckets[bucket].append((count.part.number, packed))
    repeats: dict[int, bytes] = defaultdict(bytes)
    for packed_parts in buckets.values():
        for number, packed in repeats_before(packed_parts):
            repeats[number] += packed
    return [replace(stretch, repeats=repeats[stretch.parts[0].number]) for stretch in surveyed(counts)[0]]


def read_in_parts(path: Path, rows: int, processes: int) -> str:
    """One line of the table."""
    counted, taken = _Counted(), dict[str, float]()
    spec = InputSpec((SplitFiles(Split.TRAIN, str(path), None),), readers=processes)
    with _cpu("survey", taken):
        stretches = [Stretch(tuple(listed)) for listed in parts_of(spec)] if processes == 1 else _surveyed(spec, counted.open)
    for name in ("read", "write"):
        with _cpu(name, taken):
            found = sum(1 for stretch in stretches for _ in walk_stretch(counted.open, stretch, ReadSpec.of(spec)))
        assert found == rows
    per_row = " | ".join(f"{1e6 * taken[name] / rows:.1f}" for name in ("survey", "read", "write"))
    number, share = sum(len(stretch.parts) for stretch in stretches), counted.read_bytes / os.path.getsize(path)
    return f"| {processes} | {number} | {share:.2f} x | {per_row} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of 1.8 KB (100000)")
    parser.add_argument("--keys", type=int, default=10_000_000, help="distinct rows for the memory of keys (10000000)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        _write_rows(path, given.rows)
        print("| processes | parts | bytes read of the input | survey, µs of CPU a row | read | read for the writing |")
        print("|---|---|---|---|---|---|")
        for processes in (1, 2, 4, 8):
            print(read_in_parts(path, given.rows, processes), flush=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chance, keys, begin = random.Random(1), KeySet(), time.process_time()
    for _ in range(given.keys):
        keys.add(chance.getrandbits(64))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    cpu_us = 1e6 * (time.process_time() - begin) / given.keys
    print(f"\nkeys: {given.keys:,} in {grown / 1e6:.0f} MB, {grown / given.keys:.1f} bytes and {cpu_us:.2f} µs of CPU a key")


if __name__ == "__main__":
    main()
