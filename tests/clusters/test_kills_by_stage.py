"""A process is killed in a certain stage: while it surveys the input, writes a part, or joins the parts of the dataset.

No moment is found by time. The process waits for a file that the test holds (``HeldFile``), so it is known in which stage it is: a part of the
input is opened by the survey before anything is asked, and by WriteParts after the last answer; a written part is opened by PlaceDataset.
"""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders import questions, write_rows
from clusters.cluster_jobs import ClusterJob, measured, on_flink, on_spark
from clusters.flink_cluster import FlinkCluster
from clusters.held_file import HeldFile
from clusters.spark_cluster import SparkCluster
from processes import children_of, wait_for
from small_teacher import SmallTeacher, small_teacher

pytestmark = pytest.mark.timeout(1200)  # every kill starts new processes, which takes minutes on a very busy machine

FILES, ROWS_EACH = 12, 30
ROWS = FILES * ROWS_EACH
HELD = 3
"""The number of the file that is held. Its size is that of one part, so nobody opens it only to cut it."""
LAST_OF_HELD = (HELD + 1) * ROWS_EACH - 1


@dataclass(frozen=True)
class Engine:
    """A cluster: the flags of a job on it, its processes, and the loss of one that the engine must get over."""

    name: str
    flags: list[str]
    processes: Callable[[], list[int]]
    lose: Callable[[int], None]


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    """The engine that the parameter names."""
    wanted = request.getfixturevalue
    if request.param == "flink":
        flink: FlinkCluster = wanted("flink")
        flags = on_flink(flink.master, endpoint=wanted("flink_endpoint"))
        return Engine("flink", flags, lambda: [pid for one in flink.task_managers for pid in children_of(one.pid)], _kill)
    spark: SparkCluster = wanted("spark")
    flags = on_spark(spark.master, endpoint=wanted("spark_endpoint"))
    return Engine("spark", flags, lambda: [pid for one in spark.workers for pid in children_of(one.pid)], spark.lose_executor_of)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


class HeldTeacher:
    """Adds three, and answers the last row of the held file when it is let: until then no part is written, and the file was read to its end."""

    def __init__(self, teacher: SmallTeacher) -> None:
        self.payloads = teacher.payloads
        self.url = teacher.url
        self.asked, self.may_answer = threading.Event(), threading.Event()
        teacher.says = self._says

    def _says(self, payload: dict[str, Any]) -> tuple[str, str, dict[str, int]]:
        asked = re.search(r"What is (\d+) plus 3", payload["messages"][-1]["content"])
        assert asked is not None
        if int(asked[1]) == LAST_OF_HELD:
            self.asked.set()
            self.may_answer.wait(300)
        return str(int(asked[1]) + 3), "stop", {"prompt_tokens": 10, "completion_tokens": 2}


class StagedJob:
    """A job on an engine, with its held file."""

    def __init__(self, folder: Path, engine: Engine, teacher: HeldTeacher) -> None:
        for number in range(FILES):
            write_rows(folder / "rows" / f"{number:02}.jsonl", questions(ROWS_EACH, number * ROWS_EACH))
        self.teacher = teacher
        self.engine = engine
        self.input = HeldFile(folder / "rows" / f"{HELD:02}.jsonl")
        self.job = ClusterJob(folder, teacher.url, "MATH", f"{folder}/rows/*.jsonl")
        self.killed: list[str] = []
        self._process: subprocess.Popen[str]

    @contextmanager
    def started(self) -> Iterator[None]:
        """The running command."""
        with self.job.started(*self.engine.flags) as self._process:
            try:
                yield
            finally:
                self.teacher.may_answer.set()
                self.input.let_go()

    def staging(self, pattern: str) -> list[Path]:
        """The files of that name in the run's staging folder."""
        return sorted((self.job.folder / "work" / "staging").glob(f"*/{pattern}"))

    def until(self, what: str, holds: Callable[[], object]) -> None:
        """Wait for it; fails at once if the command ends before."""
        wait_for(what, lambda: bool(holds()) or self._process.poll() is not None, 400)
        assert self._process.poll() is None, f"the job ended before {what}:\n{self._process.communicate()[0]}"

    def waiting_in(self, stage: str, *held: HeldFile) -> int:
        """The process of the engine that opened one of the files."""
        found: list[int] = []

        def opened() -> list[int]:
            for file in held:
                found.extend(file.readers(self.engine.processes()))
            return found

        self.until(stage, opened)
        return found[0]

    def lose(self, pid: int, stage: str) -> None:
        """Kill the process, which is in that stage."""
        self.engine.lose(pid)
        self.killed.append(stage)

    def killed_in_survey(self) -> None:
        """Kill the process that surveys the held file."""
        pid = self.waiting_in("the survey", self.input)
        assert self.teacher.payloads == [] == self.staging("row_totals.json")
        self.lose(pid, "survey")
        self.input.let_go()

    def writing(self) -> int:
        """Let the last answer come. Returns the process that is about to write the held part, when others have been written."""
        self.until("the last request", self.teacher.asked.is_set)
        self.until("the end of the reading", self.input.hold)
        assert self.staging("train-*") == []
        self.teacher.may_answer.set()
        pid = self.waiting_in("WriteParts", self.input)
        self.until("other parts", lambda: self.staging("train-*"))
        return pid

    def check_end(self) -> None:
        """Nothing was paid twice, nothing is left over, every row is in the dataset, whose bytes are the embedded runner's."""
        output, _ = self._process.communicate(timeout=400)
        assert self._process.returncode == 0, output
        asked = [str(payload["messages"]) for payload in self.teacher.payloads]
        assert len(asked) == len(set(asked)) == ROWS
        dataset = self.job.datasets()
        assert self.job.record()["verdict"]["splits"]["train"]["examples"] == ROWS == dataset[0].count(b"\n")
        embedded = self.job.run(out="embedded")
        assert embedded.code == 0, embedded.output
        assert self.job.datasets("embedded") == dataset
        assert len(self.teacher.payloads) == ROWS
        folder = self.job.folder
        assert sorted(os.listdir(folder)) == ["embedded", "out", "rows", "work"]
        assert sorted(os.listdir(folder / "out")) == ["train.handoff", "train.jsonl"]
        kept = ["ledger", "lock", "published.json", "rejects.jsonl", "run.json", "started.json", "timeline"]
        assert sorted(os.listdir(folder / "work")) == kept
        measured(f"{self.engine.name}, killed during " + " and ".join(self.killed), rows=ROWS, equal=True, paid_again=0)


@pytest.fixture
def staged(tmp_path: Path, engine: Engine) -> Iterator[StagedJob]:
    with small_teacher() as teacher:
        job = StagedJob(tmp_path, engine, HeldTeacher(teacher))
        with job.started():
            yield job


# each stage on one engine; on both with CLUSTER_TESTS=all
ALL = os.environ.get("CLUSTER_TESTS") == "all"


@pytest.mark.parametrize("engine", ["flink", "spark"] if ALL else ["flink"], indirect=True)
def test_killed_in_the_survey_and_while_parts_are_written(staged: StagedJob) -> None:
    staged.killed_in_survey()
    pid = staged.writing()
    staged.lose(pid, "WriteParts")
    staged.input.let_go()
    staged.check_end()


@pytest.mark.parametrize("engine", ["flink", "spark"] if ALL else ["spark"], indirect=True)
def test_killed_while_parts_are_joined(staged: StagedJob) -> None:
    staged.writing()
    parts = [HeldFile(path) for path in staged.staging("train-*")]
    for part in parts:
        staged.until("a whole part", part.hold)
    staged.input.let_go()
    pid = staged.waiting_in("PlaceDataset", *parts)
    assert staged.staging("joined-*")
    assert not (staged.job.folder / "out").exists()
    staged.lose(pid, "PlaceDataset")
    for part in parts:
        part.let_go()
    staged.check_end()
