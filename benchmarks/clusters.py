"""How the work of one job spreads over Flink's harness processes, and what a cluster costs compared to the embedded runner.

    PYTHONPATH=tests python -m benchmarks.clusters [PROCESSES ...]

The teacher is limited by latency only: one second per answer, any number at a time. A process may have 64 requests open, so the ideal
is 64 rows per second and process. The cluster is that of ``make test-clusters``: one JobManager, two TaskManagers of two slots.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from builders import questions, write_rows
from clusters.cluster_jobs import ClusterJob, on_flink
from clusters.flink_cluster import FlinkCluster
from ledger_records import list_segments

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Latency, SimulatorSettings
from benchmarks.measure import machine
from transforms.ledger.avro_schema import LEDGER_SCHEMA
from transforms.ledger.segments import read_records

RESULTS = Path(__file__).parent / "results"
SLOTS = 64
ROWS = 6400
TARGETS = {2: 1.8, 4: 3.4}
EVEN_WITHIN_S = 3.0
"""Most seconds between the ends of the first and the last process: the longest answers of this teacher. More means an uneven split."""


def one_run(folder: Path, flags: list[str], rows: int, latency: Latency) -> dict[str, Any]:
    """One whole command: seconds with the teacher, in total, and between the ends of the first and the last worker."""
    train = write_rows(folder / "train.jsonl", questions(rows))
    with start_simulator(SimulatorSettings(latency=latency)) as simulator:
        job = ClusterJob(folder, simulator.base_url, "MATH", train, extra=[f"--max_worker_count={SLOTS}"])
        ended = job.run(*flags, timeout_s=1200)
        stats = simulator.stats()
    assert ended.code == 0, ended.output
    assert stats["requests"] == rows, stats
    last = [
        max(record["answered_at_ms"] / 1000 for record in read_records(path, LEDGER_SCHEMA, []))
        for path in list_segments(str(folder / "work" / "ledger"))
    ]
    return {
        "rows": rows,
        "with_teacher_s": round(stats["busy_s"], 1),
        "wall_s": round(ended.wall_s, 1),
        "processes_seen": len(last),
        "last_answers_apart_s": round(max(last) - min(last), 1),
    }


def main(arguments: list[str]) -> int:
    """Print a line per run and save all of them. Returns 1 when a target is missed."""
    wanted = [int(text) for text in arguments] or [1, 2, 4]
    missed = False
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="beam-distill-bench-") as place, FlinkCluster(Path(place) / "flink") as flink:
        found: dict[int, dict[str, Any]] = {}
        for processes in wanted:
            flags = on_flink(flink.master, processes, per_machine=2 if processes > 2 else 1)
            latency = Latency("lognormal", mean_ms=1000, sigma=0.3)
            run = found[processes] = one_run(Path(place) / str(processes), flags, ROWS, latency)
            if processes in TARGETS and 1 in found:
                run["times_one"] = round(found[1]["with_teacher_s"] / run["with_teacher_s"], 2)
                run["target"] = TARGETS[processes]
                missed = missed or run["times_one"] < TARGETS[processes] or run["last_answers_apart_s"] > EVEN_WITHIN_S
            keep(results, {"processes": processes, **run})
        for name, flags in (("flink", on_flink(flink.master, 1)), ("embedded", [])):
            ten = one_run(Path(place) / f"ten-{name}", flags, 10, Latency())
            many = one_run(Path(place) / f"many-{name}", flags, 5000, Latency())
            ms_a_row = round((many["wall_s"] - ten["wall_s"]) * 1000 / (5000 - 10), 2)
            keep(results, {"runner": name, "ten_rows_s": ten["wall_s"], "ms_a_row": ms_a_row})
    return int(missed)


def keep(results: list[dict[str, Any]], line: dict[str, Any]) -> None:
    """Print a result and save it with those before it."""
    results.append(line)
    print(json.dumps(line), flush=True)
    target = RESULTS / f"{date.today()}-clusters.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"machine": machine(), "measurements": results}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
