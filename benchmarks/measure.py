"""Run one command and measure it as a whole process."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.scenarios import Scenario
from benchmarks.teacher import TeacherProcess, command, write_questions


@dataclass
class Measurement:
    """One measured scenario. ``achieved`` is makespan / ideal (or what ``note`` says); times in seconds, memory in MB."""

    scenario: str
    target: str
    achieved: float
    met: bool
    makespan_s: float = 0.0
    ideal_s: float = 0.0
    rows: int = 0
    requests: int = 0
    throttled_share: float = 0.0
    peak_in_flight: int = 0
    cpu_ms_per_request: float = 0.0
    rss_mb: float = 0.0
    same_output: bool = True
    note: str = ""
    series: list[Any] = field(default_factory=list)

    def line(self) -> str:
        """One line for a person."""
        verdict = "met " if self.met else "MISS"
        return (
            f"{verdict} {self.scenario:<20} {self.achieved:6.3f} (target {self.target})  makespan {self.makespan_s:6.1f} s, "
            f"ideal {self.ideal_s:6.1f} s, 429 {self.throttled_share:.1%}, peak {self.peak_in_flight}, "
            f"cpu {self.cpu_ms_per_request:.2f} ms/request, rss {self.rss_mb:.0f} MB{', OUTPUT DIFFERS' if not self.same_output else ''}"
            f"{'; ' + self.note if self.note else ''}"
        )

    def as_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


@dataclass(frozen=True)
class Ended:
    """One finished command. ``files_s`` is when the dataset was in place, start-up included. The report comes later, from a separate
    process.
    """

    code: int
    wall_s: float
    files_s: float
    cpu_s: float
    rss_mb: float
    output: str


def run_measured(argv: list[str], dataset: Path | None = None, timeout_s: float = 1800.0, tree: Path | None = None) -> Ended:
    """Run a command to its end; CPU and peak memory include its children. ``tree`` is the clone whose code it runs."""
    environ = None if tree is None else {**os.environ, "PYTHONPATH": str(tree)}
    with tempfile.TemporaryFile("w+") as log:
        started_at_s = time.time()
        started = time.monotonic()
        process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, cwd=tree, env=environ)
        deadline = started + timeout_s
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(0.01)
        wall_s = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        files_s = dataset.stat().st_mtime - started_at_s if dataset is not None and dataset.exists() else wall_s
        return Ended(process.returncode, wall_s, files_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, log.read())


def digest(path: Path) -> str:
    """The hash of a dataset's bytes; empty when there is no file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


_expected: dict[tuple[int, str], str] = {}


def expected_output(rows: Path, count: int, folder: Path) -> str:
    """The digest of the dataset that a teacher without latency or limits gives."""
    key = (count, rows.name)
    if key not in _expected:
        with TeacherProcess() as teacher:
            ended = run_measured(command(rows, folder / "expected", teacher.url))
            assert ended.code == 0, ended.output
        _expected[key] = digest(folder / "expected" / "train.jsonl")
    return _expected[key]


def measure(scenario: Scenario) -> Measurement:
    """Run the command over the scenario with default options, start-up included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = folder / "rows.jsonl"
        write_questions(rows, scenario.rows)
        expected = expected_output(rows, scenario.rows, folder)
        with TeacherProcess(*scenario.teacher) as teacher:
            ended = run_measured(command(rows, folder / "run", teacher.url), folder / "run" / "train.jsonl")
            stats = teacher.stats()
        assert ended.code == 0, ended.output
        ideal_s = scenario.ideal_s(scenario.rows, stats)
        throttled = stats["by_status"].get("429", 0) / stats["requests"]
        achieved = (ended.files_s if scenario.whole_command else stats["busy_s"]) / ideal_s
        same = digest(folder / "run" / "train.jsonl") == expected
        limit = f"<= {scenario.target:.2f}" + (f", 429 <= {scenario.most_throttled:.0%}" if scenario.most_throttled < 1 else "")
        return Measurement(
            scenario.name,
            limit,
            achieved,
            achieved <= scenario.target and throttled <= scenario.most_throttled and same,
            ended.files_s,
            ideal_s,
            scenario.rows,
            stats["requests"],
            throttled,
            stats["peak_in_flight"],
            1000 * ended.cpu_s / scenario.rows,
            ended.rss_mb,
            same,
            f"{stats['busy_s']:.1f} s with the teacher, the rest start-up and writing"
            + (f"; no client could get below {scenario.floor:.2f} on average" if scenario.floor > 1 else ""),
        )


def machine() -> dict[str, str]:
    """The machine of this measurement."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "commit": commit or "unknown",
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "memory_gib": str(round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)),
        "system": f"{platform.system()} {platform.machine()}",
    }
