"""Jobs on a cluster: the command as a user runs it, and the embedded runner over the same ledger to compare with."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from builders import ROOT, SHARED_DATA
from clusters.go_programs import boot
from clusters.job_servers import FLINK_JOB_SERVER, SPARK_JOB_SERVER
from processes import children_of

from beam_distill.simulator.answers import answer_text
from transforms.elements.tasks import LABELLED, TaskType

TASKS = {task.value.lower(): task.value for task in TaskType}


def rows_of(task: str) -> tuple[Path, Path | None]:
    """Train and validation rows of a task: the shared data if there is any, else our examples."""
    folder = SHARED_DATA / task if (SHARED_DATA / task).is_dir() else ROOT / "examples" / task
    train, validation = folder / "train.jsonl", folder / "validation.jsonl"
    if not train.exists():
        return validation, None
    return train, validation if validation.exists() else None


def chats_of(source: Path, task: str) -> list[list[dict[str, str]]]:
    """The chats of a JSONL file. In tasks with labels each ends with one: its own, or what the simulated teacher answers by itself."""
    chats = [json.loads(line)["messages"] for line in source.read_text(encoding="utf-8").splitlines()]
    if TASKS[task] in LABELLED:
        for number, chat in enumerate(chats):
            if chat[-1]["role"] != "assistant":
                chat.append({"role": "assistant", "content": answer_text(chat, random.Random(number), {})})
    return chats


def in_two_formats(chats: list[list[dict[str, str]]], folder: Path, elsewhere: Sequence[list[dict[str, str]]] = ()) -> str:
    """The chats in two formats and four files, so that four processes have something to read: a pattern that takes in all of them.

    Some chats are there twice, some in capitals as well, and with those of ``elsewhere``.
    """
    folder.mkdir(parents=True)
    first, second, third = (len(chats) * quarter // 4 for quarter in (1, 2, 3))
    loud = [[{**message, "content": message["content"].upper()} for message in chat] for chat in chats[5:8]]
    with gzip.open(folder / "1.jsonl.gz", "wt", encoding="utf-8") as packed:
        packed.writelines(chat_line(chat) for chat in [*chats[:first], *chats[:3]])
    table = pa.table({"messages": [*chats[first:second], *loud, *elsewhere]})
    pq.write_table(table, folder / "2.parquet", row_group_size=16)
    for name, some in (("3.jsonl", [*chats[second:third], *chats[:5]]), ("4.jsonl", [*chats[third:], *chats[first : first + 40]])):
        (folder / name).write_text("".join(map(chat_line, some)), encoding="utf-8")
    return f"{folder}/*"


def chat_line(chat: Sequence[dict[str, str]]) -> str:
    """A line of JSONL."""
    return json.dumps({"messages": chat}) + "\n"


def on_flink(master: str, processes: int = 2, per_machine: int = 1, endpoint: str | None = None) -> list[str]:
    """The flags for a Flink cluster of this machine, through a job server that runs already or one of the command."""
    return [
        "--runner=flink",
        f"--master={master}",
        f"--job_endpoint={endpoint}" if endpoint else f"--job_server_jar={FLINK_JOB_SERVER.jar()}",
        f"--worker_environment=process:{boot()}",
        f"--instance_count={processes // per_machine}",
        f"--max_concurrency_per_instance={per_machine}",
    ]


def on_spark(master: str, processes: int = 2, endpoint: str | None = None) -> list[str]:
    """The flags for a Spark cluster of this machine, through a job server that runs already or one of the command."""
    return [
        "--runner=spark",
        f"--master={master}",
        f"--job_endpoint={endpoint}" if endpoint else f"--job_server_jar={SPARK_JOB_SERVER.jar()}",
        f"--worker_environment=process:{boot()}",
        f"--instance_count={processes}",
    ]


@dataclass
class ClusterJob:
    """One job and the places of its files; ``root`` may be on any filesystem, ``folder`` is for logs."""

    folder: Path
    url: str
    task: str
    train: str
    validation: str | None = None
    root: str = ""
    extra: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root = self.root or str(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def arguments(self, *extra: str, command: str = "run", out: str = "out") -> list[str]:
        """The command line; the work_dir is the job's, the datasets are below ``out``."""
        arguments = [
            command,
            f"--data_generation_task_type={self.task}",
            f"--train_file_path={self.train}",
            f"--generated_batch_train_file_path={self.root}/{out}/train.jsonl",
            f"--work_dir={self.root}/work",
            f"--teacher_model_endpoint_url={self.url}",
            "--teacher_model_max_new_tokens=512",
            "--min_endpoint_success_ratio=0.5",
            "--report=false",
            *self.extra,
        ]
        if self.validation is not None:
            arguments += [
                f"--validation_file_path={self.validation}",
                f"--generated_batch_validation_file_path={self.root}/{out}/validation.jsonl",
            ]
        return [*arguments, *extra]

    def start(
        self, *extra: str, command: str = "run", out: str = "out", environ: dict[str, str] | None = None, own_group: bool = False
    ) -> subprocess.Popen[str]:
        """Start the command in a separate process; with ``own_group`` in a separate group, as a terminal does."""
        return subprocess.Popen(
            [sys.executable, "-m", "beam_distill", *self.arguments(*extra, command=command, out=out)],
            cwd=ROOT,
            env={**os.environ, **(environ or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=own_group,
        )

    @contextmanager
    def started(self, *extra: str, environ: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
        """The running command, which is stopped with what it started if the test fails."""
        process = self.start(*extra, environ=environ)
        try:
            yield process
        finally:
            if process.poll() is None:
                for pid in [*children_of(process.pid), process.pid]:
                    os.kill(pid, signal.SIGKILL)
                process.wait()

    def run(self, *extra: str, command: str = "run", out: str = "out", environ: dict[str, str] | None = None, timeout_s: float = 400) -> Ended:
        """Run the command to its end."""
        started = time.monotonic()
        process = self.start(*extra, command=command, out=out, environ=environ)
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            raise AssertionError(f"no end within {timeout_s:.0f} s:\n{output[-6000:]}") from None
        return Ended(process.returncode, output, time.monotonic() - started)

    def datasets(self, out: str = "out") -> tuple[bytes, ...]:
        """The bytes of the datasets, and of the rejects."""
        folder = Path(self.root) / out
        return tuple((folder / name).read_bytes() for name in ("train.jsonl", "validation.jsonl") if (folder / name).exists())

    def shards(self, out: str) -> tuple[bytes, ...]:
        """The bytes of the datasets that were written in shards."""
        folder = Path(self.root) / out
        found = [sorted(folder.glob(f"{split}-*-of-*.jsonl")) for split in ("train", "validation")]
        return tuple(b"".join(path.read_bytes() for path in paths) for paths in found if paths)

    def rejects(self) -> bytes:
        return (Path(self.root) / "work" / "rejects.jsonl").read_bytes()

    def record(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads((Path(self.root) / "work" / "run.json").read_text())
        return fields


@dataclass(frozen=True)
class Ended:
    """The end of a command."""

    code: int
    output: str
    wall_s: float


def measured(name: str, **numbers: object) -> None:
    """Print a number with its target, and save it for the docs."""
    line = f"MEASURED {name}: " + ", ".join(f"{key}={value}" for key, value in numbers.items())
    print(line, flush=True)
    kept = os.environ.get("CLUSTER_TESTS_MEASURED")
    if kept:
        with open(kept, "a", encoding="utf-8") as file:
            file.write(line + "\n")
