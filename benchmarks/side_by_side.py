"""A commit and the current one side by side: start-up, CPU of a row without latency, memory.

    python -m benchmarks.side_by_side BASE [--rows N] [--times N]

Both run the same commands against the same teacher, in turn, so that other work on the machine meets both alike. Figures are the least
of all times: CPU in seconds with that of the children, peak memory in MB of the largest process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Ended, run_measured
from benchmarks.teacher import TeacherProcess, command, write_questions

ROOT = Path(__file__).resolve().parent.parent
FEW_ROWS = 10


def unpacked(commit: str, folder: Path) -> Path:
    """The files of a commit."""
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=True)
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def main() -> None:
    """Run everything in turn and print a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", metavar="BASE", help="the commit to compare with")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as name, TeacherProcess() as teacher:
        folder = Path(name)
        trees = {"before": unpacked(given.base, folder / "before"), "after": unpacked("HEAD", folder / "after")}
        few, many = folder / "few.jsonl", folder / "many.jsonl"
        write_questions(few, FEW_ROWS)
        write_questions(many, given.rows)
        ended: dict[tuple[str, str], list[Ended]] = {}
        for time in range(given.times):
            for tree, path in trees.items():
                out = folder / f"{tree}-{time}"
                plain = ["--report=false", "--quiet=true"]
                jobs = {
                    "help": [sys.executable, "-m", "beam_distill", "run", "--help"],
                    "plan": ["plan" if part == "run" else part for part in command(few, out / "plan", teacher.url)],
                    "few": command(few, out / "few", teacher.url, *plain),
                    "many": command(many, out / "many", teacher.url, *plain),
                }
                for job, argv in jobs.items():
                    ended.setdefault((job, tree), []).append(run_measured(argv, tree=path))
    for (job, tree), runs in ended.items():
        assert all(run.code == 0 for run in runs), f"{job} {tree}: {next(run.output for run in runs if run.code)}"
    cpu_s = {key: min(run.cpu_s for run in runs) for key, runs in ended.items()}
    peak_mb = {key: min(run.rss_mb for run in runs) for key, runs in ended.items()}
    print(f"{'':<52}{'before':>10}{'after':>10}{'change':>9}")
    for what, job in (("run --help: CPU in s", "help"), ("plan of ten rows: CPU in s", "plan"), ("run of ten rows: CPU in s", "few")):
        _print(what, *(cpu_s[job, tree] for tree in trees))
    a_row = [1e6 * (cpu_s["many", tree] - cpu_s["few", tree]) / (given.rows - FEW_ROWS) for tree in trees]
    _print("CPU of a further row without latency, in us", *a_row)
    _print("peak memory with ten rows, in MB", *(peak_mb["few", tree] for tree in trees))
    _print(f"peak memory with {given.rows:,} rows, in MB", *(peak_mb["many", tree] for tree in trees))


def _print(what: str, before: float, after: float) -> None:
    print(f"{what:<52}{before:>10.3g}{after:>10.3g}{after / before - 1:>+9.1%}")


if __name__ == "__main__":
    main()
