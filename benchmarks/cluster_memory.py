"""Peak memory of the scoring processes on Flink with 4 processes, for more and more rows of 1.8 KB against a teacher without latency.

    PYTHONPATH=tests python -m benchmarks.cluster_memory [ROWS ...]

The cluster is that of ``make test-clusters``: one JobManager, two TaskManagers, each with two Python processes. Flink ends the processes of a
stage with the stage, so those that write to the ledger are the scoring processes; the others survey the input or write the datasets. The peak
is the kernel's (VmHWM), read twice a second.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from clusters.cases import writers_of
from clusters.cluster_jobs import ClusterJob, on_flink
from clusters.flink_cluster import FlinkCluster
from processes import children_of

from benchmarks.teacher import TeacherProcess, write_questions

PADDING_BYTES = 1600
PROCESSES, PER_MACHINE = 4, 2
TARGET_BYTES_A_ROW = 20


class _Peaks:
    """The peak memory of every Python process of a cluster, in MB, while the context is open."""

    def __init__(self, flink: FlinkCluster) -> None:
        self._flink = flink
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.of: dict[int, float] = {}

    def __enter__(self) -> _Peaks:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            for pid in (pid for machine in self._flink.task_managers for pid in children_of(machine.pid)):
                with suppress(OSError, StopIteration):  # it has ended
                    if b"sdk_worker_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        status = Path(f"/proc/{pid}/status").read_text().splitlines()
                        self.of[pid] = int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def one_run(folder: Path, flink: FlinkCluster, rows: int) -> dict[str, Any]:
    """One command: seconds, and the peaks of scoring processes and of the others."""
    folder.mkdir()
    write_questions(folder / "rows.jsonl", rows, PADDING_BYTES)
    flags = on_flink(flink.master, PROCESSES, PER_MACHINE)
    with TeacherProcess() as teacher, _Peaks(flink) as peaks:
        ended = ClusterJob(folder, teacher.url, "MATH", str(folder / "rows.jsonl")).run(*flags, timeout_s=7200)
        stats = teacher.stats()
    assert ended.code == 0, ended.output
    assert stats["answered"] == rows, stats
    scoring = [peaks.of.pop(pid) for pid in writers_of(folder)]
    return {
        "rows": rows,
        "scoring_mb": [round(peak) for peak in sorted(scoring)],
        "others_most_mb": round(max(peaks.of.values())),
        "with_teacher_s": round(stats["busy_s"]),
        "wall_s": round(ended.wall_s),
        "load": os.getloadavg()[0],
    }


def main(arguments: list[str]) -> int:
    """Print a line per run. Returns 1 when memory grows by more than the target."""
    most: dict[int, float] = {}
    for rows in [int(text) for text in arguments] or [250_000, 1_000_000, 4_000_000]:
        with tempfile.TemporaryDirectory(prefix="beam-distill-bench-") as place, FlinkCluster(Path(place) / "flink") as flink:
            run = one_run(Path(place) / "job", flink, rows)
        most[rows] = run["scoring_mb"][-1]
        print(json.dumps(run), flush=True)
    least, largest = min(most), max(most)
    if least == largest:
        return 0
    bytes_a_row = (most[largest] - most[least]) * 2**20 / (largest - least)
    print(f"the largest scoring process grows by {bytes_a_row:.1f} bytes a row (target: at most {TARGET_BYTES_A_ROW})")
    return int(bytes_a_row > TARGET_BYTES_A_ROW)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
