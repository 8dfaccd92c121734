"""From the last answer to the dataset in place: wall time with one process and with several, in shards.

    PYTHONPATH=tests python -m benchmarks.placing [--rows N] [--processes N] [--shards N]

The whole command on the embedded runner, rows of 1.8 KB. All rows but one are on the ledger already. The teacher answers that one when the
processes have nothing else to do, so what comes after its answer is the verdict, writing and placing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
from processes import children_of
from small_teacher import SmallTeacher, small_teacher

from beam_distill.config.sources import resolve
from beam_distill.job.specs import endpoint_spec, input_spec, prompt_spec, sampling_spec
from benchmarks.teacher import write_questions
from transforms.elements.replies import LedgerRecord
from transforms.elements.rows import RejectedRow
from transforms.intake.walk import walk_split
from transforms.ledger.schema import LEDGER_SCHEMA, as_datum
from transforms.ledger.segments import SegmentWriter
from transforms.prompts.base import format_row
from transforms.prompts.registry import prompt_for
from transforms.teacher.payload import PayloadTemplate

PADDING_BYTES = 1600
TARGET = 0.4
RUN = "20260101T000000000-aaaaaaaa"
GROUP = 60
"""Answers that are written together: those of 30 ms at 2,000 a second."""
ANSWER = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "4"}, "finish_reason": "stop"}]}


def given(folder: Path, url: str) -> dict[str, Any]:
    return {
        "data_generation_task_type": "MATH",
        "train_file_path": str(folder / "rows.jsonl"),
        "generated_batch_train_file_path": str(folder / "out" / "train.jsonl"),
        "work_dir": str(folder / "work"),
        "teacher_model_endpoint_url": url,
        "model": "m",
        "report": "false",
    }


def write_ledger(folder: Path, url: str) -> None:
    """Answers to all rows of the input, as the job records them."""
    settings = resolve(given(folder, url), None, {}).settings
    rows = input_spec(settings)
    prompt, template = prompt_for(prompt_spec(settings)), PayloadTemplate(endpoint_spec(settings), sampling_spec(settings))
    segment = SegmentWriter(str(folder / "work" / "ledger"), RUN, LEDGER_SCHEMA)
    response, group = orjson.dumps(ANSWER).decode(), []
    for row in walk_split(rows, rows.splits[0]):
        asked = format_row(prompt, row)
        assert not isinstance(asked, RejectedRow)
        body = template.body(asked.messages_for_turn(0, ()))
        origin, key = asked.row.origin, asked.row.row_key
        record = LedgerRecord(
            RUN, "train", key, origin.file, origin.line, 0, template.request_hash(body), "m", body.decode(), None, 200, response,
            "stop", 300, 1, 1, 1000.0, 1_700_000_000_000, 1_700_000_001_000,
        )  # fmt: skip
        group.append(as_datum(record))
        if len(group) == GROUP:
            segment.append(group)
            group = []
    segment.append(group)
    segment.close()


def cpu_s(pid: int) -> float:
    """The CPU time of a process and of those that it started."""
    ticks = 0
    for one in (pid, *children_of(pid)):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until_idle(pid: int) -> None:
    """Return when a command uses less than a twentieth of a core for three seconds."""
    before = cpu_s(pid)
    while True:
        time.sleep(3)
        now = cpu_s(pid)
        if now - before < 0.15:
            return
        before = now


def seconds_to_place(folder: Path, teacher: SmallTeacher, processes: int, shards: int) -> float:
    """One command; the seconds from its last answer until all shards have their names."""
    finals = [folder / "out" / f"train-{number:05d}-of-{shards:05d}.jsonl" for number in range(shards)]
    arguments = {**given(folder, teacher.url), "max_concurrency_per_instance": processes, "output_shards": shards, "quiet": "true"}
    answered_s: list[float] = []

    def says(payload: dict[str, Any]) -> tuple[str, str, dict[str, int]]:
        wait_until_idle(process.pid)
        answered_s.append(time.monotonic())
        return "4", "stop", {"prompt_tokens": 300, "completion_tokens": 1}

    teacher.says = says
    process = subprocess.Popen([sys.executable, "-m", "beam_distill", "run", *(f"--{name}={value}" for name, value in arguments.items())])
    while not (answered_s and all(final.exists() for final in finals)):
        assert process.poll() in (None, 0), process.returncode
        time.sleep(0.02)
    placed_s = time.monotonic()
    assert process.wait() == 0
    assert len(answered_s) == 1, answered_s
    return placed_s - answered_s[0]


def main() -> int:
    """Print seconds for one process and for several. Returns 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--shards", type=int, default=8)
    asked = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory(prefix="beam-distill-bench-") as place, small_teacher() as teacher:
        folder = Path(place)
        rows = folder / "rows.jsonl"
        write_questions(rows, asked.rows - 1, PADDING_BYTES)
        answered_bytes = rows.stat().st_size
        write_ledger(folder, teacher.url)
        for processes in (1, asked.processes):
            os.truncate(rows, answered_bytes)
            with open(rows, "a", encoding="utf-8") as file:
                file.write(orjson.dumps({"messages": [{"role": "user", "content": f"How many are {processes} rows?"}]}).decode() + "\n")
            found.append(seconds_to_place(folder, teacher, processes, asked.shards))
            print(
                f"{processes} processes: {found[-1]:.1f} s for {asked.rows:,} rows in {asked.shards} shards; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    print(f"{found[1] / found[0]:.2f} of the time (target: at most {TARGET})")
    return int(found[1] / found[0] > TARGET)


if __name__ == "__main__":
    sys.exit(main())
