"""From the last answer to the dataset in place: wall time with one process and with several, in shards.

    PYTHONPATH=tests python -m benchmarks.placing [--rows N] [--processes N] [--shards N]

The whole command on the embedded runner, rows of 1.8 KB. All rows but one are on the ledger already. The teacher answers that one when the
processes have nothing else to do, so what comes after its answer is the verdict, writing and placing. On a busy machine more processes get
more of it, so beside the wall time there is the CPU time of all processes, and of the one that takes most.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from processes import children_of
from small_teacher import SmallTeacher, small_teacher

from beam_distill.config.sources import resolve
from beam_distill.job.specs import endpoint_spec, input_spec, prompt_spec, sampling_spec
from benchmarks.teacher import write_questions
from transforms.elements.replies import LedgerRecord
from transforms.elements.rows import RejectedRow
from transforms.intake.walk import walk_split
from transforms.ledger.avro_schema import LEDGER_SCHEMA, as_datum
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


class Placed(NamedTuple):
    """From the last answer until all shards have their names: wall time, CPU time of all processes, and the most that one of them took."""

    wall_s: float
    cpu_s: float
    most_cpu_s: float


def cpu_s(pid: int) -> dict[int, float]:
    """The CPU time of a process and of those that it started."""
    found = {}
    for one in (pid, *children_of(pid)):
        with suppress(OSError):  # it has ended
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            found[one] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def wait_until_idle(pid: int) -> dict[int, float]:
    """Return the CPU times when a command uses less than a twentieth of a core for three seconds."""
    before = cpu_s(pid)
    while True:
        time.sleep(3)
        now = cpu_s(pid)
        if sum(now.values()) - sum(before.values()) < 0.15:
            return now
        before = now


def place(folder: Path, teacher: SmallTeacher, processes: int, shards: int) -> Placed:
    """One command."""
    finals = [folder / "out" / f"train-{number:05d}-of-{shards:05d}.jsonl" for number in range(shards)]
    arguments = {**given(folder, teacher.url), "max_concurrency_per_instance": processes, "output_shards": shards, "quiet": "true"}
    answered: list[tuple[float, dict[int, float]]] = []

    def says(payload: dict[str, Any]) -> tuple[str, str, dict[str, int]]:
        used = wait_until_idle(process.pid)
        answered.append((time.monotonic(), used))
        return "4", "stop", {"prompt_tokens": 300, "completion_tokens": 1}

    teacher.says = says
    process = subprocess.Popen([sys.executable, "-m", "beam_distill", "run", *(f"--{name}={value}" for name, value in arguments.items())])
    while not (answered and all(final.exists() for final in finals)):
        assert process.poll() in (None, 0), process.returncode
        time.sleep(0.02)
    placed_s, then = time.monotonic(), cpu_s(process.pid)
    assert process.wait() == 0
    ((answered_s, before),) = answered
    took = [seconds - before.get(pid, 0.0) for pid, seconds in then.items()]
    return Placed(placed_s - answered_s, sum(took), max(took))


def main() -> int:
    """Print seconds for one process and for several. Returns 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--shards", type=int, default=8)
    asked = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory(prefix="beam-distill-bench-") as temporary, small_teacher() as teacher:
        folder = Path(temporary)
        rows = folder / "rows.jsonl"
        write_questions(rows, asked.rows - 1, PADDING_BYTES)
        answered_bytes = rows.stat().st_size
        write_ledger(folder, teacher.url)
        for processes in (1, asked.processes):
            os.truncate(rows, answered_bytes)
            with open(rows, "a", encoding="utf-8") as file:
                file.write(orjson.dumps({"messages": [{"role": "user", "content": f"How many are {processes} rows?"}]}).decode() + "\n")
            found.append(placed := place(folder, teacher, processes, asked.shards))
            print(
                f"{processes} processes: {placed.wall_s:.1f} s for {asked.rows:,} rows in {asked.shards} shards, {placed.cpu_s:.1f} s of CPU, "
                f"at most {placed.most_cpu_s:.1f} s in one process; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    one, several = found
    print(
        f"{several.wall_s / one.wall_s:.2f} of the time (target: at most {TARGET}), {several.cpu_s / one.cpu_s:.2f} of the CPU, "
        f"{several.most_cpu_s / one.most_cpu_s:.2f} of it in the process that takes most"
    )
    return int(several.wall_s / one.wall_s > TARGET)


if __name__ == "__main__":
    sys.exit(main())
