"""CPU of all stages but the engine, of all processes together: read, survey, format, look up, parse, write.

    python -m benchmarks.stages [--rows N [N ...]] [--processes N [N ...]] [--times N] [--padding BYTES]

The real command on the embedded runner with ``--send=false`` and all answers on the ledger, so no endpoint is needed and nothing waits.
CPU time of the command and all its processes; the least of ``--times`` runs counts. The fixed cost of a run (start-up and imports of each
process, Beam's own rounds) is measured with 64 rows and shown separately.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from beam_distill.config.sources import resolve
from beam_distill.job.specs import endpoint_spec, input_spec, prompt_spec, sampling_spec
from benchmarks.ledger import out_of_order
from benchmarks.measure import run_measured
from benchmarks.teacher import write_questions
from transforms.elements.replies import LedgerRecord
from transforms.elements.rows import TrainingRow
from transforms.intake.walk import walk_split
from transforms.ledger.avro_schema import LEDGER_SCHEMA, as_datum
from transforms.ledger.segments import SegmentWriter
from transforms.prompts.base import Prompt, format_row
from transforms.prompts.registry import prompt_for
from transforms.teacher.payload import PayloadTemplate

RUN = "20260101T000000000-aaaaaaaa"
FEW_ROWS = 64
WRITERS = 32
DISPLACED = 400
TOGETHER = 20_000
FLAGS = {
    "data_generation_task_type": "MATH",
    "teacher_model_endpoint_url": "http://127.0.0.1:9/v1",
    "model": "m",
    "teacher_model_max_new_tokens": "1024",
}


def answer_all(questions: Path, ledger: Path) -> None:
    """Put an answer to every row on a ledger, as 32 writers would that answer out of order."""
    flags = {**FLAGS, "train_file_path": str(questions), "generated_batch_train_file_path": str(questions.with_name("none.jsonl"))}
    settings = resolve(flags, None, {}).settings
    rows, prompt = input_spec(settings), prompt_for(prompt_spec(settings))
    template = PayloadTemplate(endpoint_spec(settings), sampling_spec(settings))
    sinks = [SegmentWriter(str(ledger), RUN, LEDGER_SCHEMA) for _ in range(WRITERS)]
    chance = random.Random(1)
    waiting: list[LedgerRecord] = []
    for record in (_answered(row, prompt, template) for row in walk_split(rows, rows.splits[0]) if isinstance(row, TrainingRow)):
        waiting.append(record)
        if len(waiting) == TOGETHER:
            _write(waiting, sinks, chance)
    _write(waiting, sinks, chance)
    for sink in sinks:
        sink.close()


def _write(records: list[LedgerRecord], sinks: list[SegmentWriter], chance: random.Random) -> None:
    for number in out_of_order(len(records), DISPLACED, chance):
        chance.choice(sinks).append([as_datum(records[number])])
    records.clear()


def _answered(row: TrainingRow, prompt: Prompt, template: PayloadTemplate) -> LedgerRecord:
    asked = format_row(prompt, row)
    body = template.body(asked.messages_for_turn(0, ()))  # type: ignore[union-attr]
    choice = {"index": 0, "message": {"role": "assistant", "content": str(row.origin.ordinal + 17)}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 400, "completion_tokens": 3, "total_tokens": 403}
    response = json.dumps({"id": f"r-{row.origin.line}", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage})
    return LedgerRecord(
        RUN, "train", row.row_key, row.origin.file, row.origin.line, 0, template.request_hash(body), "m", body.decode(), None, 200,
        response, "stop", 400, 3, 1, 1000.0, 1_700_000_000_000, 1_700_000_001_000,
    )  # fmt: skip


def run_command(folder: Path, questions: Path, ledger: Path, rows: int, processes: int) -> tuple[float, float]:
    """Seconds of CPU of one run, of all its processes, and the most memory of one in MB."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        (work / "work" / "ledger").mkdir(parents=True)
        for path in ledger.iterdir():
            os.link(path, work / "work" / "ledger" / path.name)
        flags = {
            **FLAGS,
            "train_file_path": questions,
            "generated_batch_train_file_path": work / "train.jsonl",
            "work_dir": work / "work",
            "send": "false",
            "report": "false",
            "max_concurrency_per_instance": processes,
        }
        argv = [sys.executable, "-m", "beam_distill", "run", *(f"--{flag}={value}" for flag, value in flags.items())]
        ended = run_measured(argv, timeout_s=7200)
        assert ended.code == 0, ended.output
        with open(work / "train.jsonl", "rb") as written:
            assert sum(1 for _ in written) == rows
    return ended.cpu_s, ended.rss_mb


def measured(folder: Path, rows: int, padding_bytes: int, processes: list[int], times: int) -> Iterator[tuple[int, float, float]]:
    """For each number of processes: the number, the least CPU seconds, and the most memory of a process in MB."""
    questions, ledger = folder / f"rows-{rows}.jsonl", folder / f"ledger-{rows}"
    write_questions(questions, rows, padding_bytes)
    answer_all(questions, ledger)
    for number in processes:
        runs = [run_command(folder, questions, ledger, rows, number) for _ in range(times)]
        yield number, min(cpu_s for cpu_s, _ in runs), max(rss_mb for _, rss_mb in runs)
    for path in (questions, *ledger.iterdir()):
        path.unlink()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000], help="default: 100000")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--padding", type=int, default=1_600, help="bytes that make each row longer; 1600, the default, gives rows of 1.8 KB")
    given = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    print(f"commit {commit}, load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores\n")
    print("| rows | processes | CPU, all together | of it fixed | µs a row | times one process | most memory of a process |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-stages-") as name:
        fixed = {number: cpu_s for number, cpu_s, _ in measured(Path(name), FEW_ROWS, given.padding, given.processes, given.times)}
        for rows in given.rows:
            first = None
            for number, cpu_s, rss_mb in measured(Path(name), rows, given.padding, given.processes, given.times):
                us = 1e6 * (cpu_s - fixed[number]) / rows
                first = first or us
                seconds = f"{cpu_s:.1f} s | {fixed[number]:.1f} s"
                print(f"| {rows:,} | {number} | {seconds} | {us:.0f} | {us / first:.2f} | {rss_mb:.0f} MB |", flush=True)


if __name__ == "__main__":
    main()
