"""Several endpoints as one pool: each is fully used, whatever the others do."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measure import Measurement, digest, expected_output, run_measured
from benchmarks.teacher import TeacherProcess, command, write_questions

SECOND = ("--latency=lognormal", "--latency_ms=1000", "--sigma=0.6")
LOOK_EVERY_S = 0.25
UNTIL = 0.95

Series = list[tuple[float, tuple[int, ...]]]
"""Seconds since the first request, and the answers of each teacher by then."""


def pool_capacities(rows: int = 6000) -> Measurement:
    """64 slots with a queue, 32 that refuse, 50 requests a second, at the same time."""
    flags = (
        (*SECOND, "--slots=64"),
        (*SECOND, "--slots=32", "--queue_limit=0", "--retry_after=none"),
        ("--latency=fixed", "--latency_ms=200", "--requests_per_second=50", "--burst=20", "--retry_after=none"),
    )
    capacity_per_s = 64 + 32 + 50
    return _measure("pool-capacities", flags, rows, 0.92, lambda series: ((UNTIL * rows - 20) / capacity_per_s, True, ""))


def pool_trouble(rows: int = 13_440) -> Measurement:
    """Three endpoints with 64 slots. The second is down from second 20 to 80, the third answers 401 from second 50 on."""
    flags = ((*SECOND, "--slots=64"), (*SECOND, "--slots=64", "--outage=20-80"), (*SECOND, "--slots=64", "--key_expires_after=50"))
    ideal_s = _time_for(UNTIL * rows, lambda at_s: 64 * (1 + (not 20 <= at_s < 80) + (at_s < 50)))

    def judge(series: Series) -> tuple[float, bool, str]:
        before = max(answers[1] for at_s, answers in series if at_s < 80)
        back_s = min((at_s for at_s, answers in series if answers[1] > before), default=float("inf")) - 80
        return ideal_s, back_s <= 10, f"back {back_s:.1f} s after the outage"

    return _measure("pool-trouble", flags, rows, 0.90, judge, named="refused (unauthorized)")


def _time_for(rows: float, capacity_per_s: Callable[[float], float], step_s: float = 0.1) -> float:
    done, at_s = 0.0, 0.0
    while done < rows:
        done += capacity_per_s(at_s) * step_s
        at_s += step_s
    return at_s


def _measure(
    name: str,
    flags: Sequence[tuple[str, ...]],
    rows: int,
    target: float,
    judge: Callable[[Series], tuple[float, bool, str]],
    named: str = "",
) -> Measurement:
    """Used share of the endpoints' capacity until 95 % of the rows are answered. The time after that depends only on the length of
    the last answers. ``named`` is what the summary says."""
    with tempfile.TemporaryDirectory() as folder_name, ExitStack() as stack:
        folder = Path(folder_name)
        questions = folder / "rows.jsonl"
        write_questions(questions, rows)
        expected = expected_output(questions, rows, folder)
        teachers = [stack.enter_context(TeacherProcess(*each)) for each in flags]
        series: Series = []
        done = threading.Event()

        def watch() -> None:
            begun: float | None = None
            while not done.wait(LOOK_EVERY_S):
                stats = [teacher.stats() for teacher in teachers]
                if begun is None and any(each["requests"] for each in stats):
                    begun = time.monotonic()
                if begun is not None:
                    series.append((time.monotonic() - begun, tuple(each["answered"] for each in stats)))

        watcher = threading.Thread(target=watch)
        watcher.start()
        further = [f"--teacher_model_endpoint_url={teacher.url}" for teacher in teachers[1:]]
        ended = run_measured(command(questions, folder / "run", teachers[0].url, *further), folder / "run" / "train.jsonl")
        done.set()
        watcher.join()
        assert ended.code == 0, ended.output
        stats = [teacher.stats() for teacher in teachers]
        same = digest(folder / "run" / "train.jsonl") == expected
    ideal_s, well, note = judge(series)
    makespan_s = max(each["busy_s"] for each in stats)
    requests = sum(each["requests"] for each in stats)
    achieved = ideal_s / next(at_s for at_s, answers in series if sum(answers) >= UNTIL * rows)
    note = f"{note}; " * bool(note) + f"answered {', '.join(str(each['answered']) for each in stats)}"
    return Measurement(
        name,
        f">= {target:.2f}",
        achieved,
        achieved >= target and well and same and named in ended.output,
        makespan_s,
        ideal_s,
        rows,
        requests,
        sum(each["by_status"].get("429", 0) for each in stats) / requests,
        sum(each["peak_in_flight"] for each in stats),
        1000 * ended.cpu_s / rows,
        ended.rss_mb,
        same,
        note,
        [[round(at_s, 2), *answers] for at_s, answers in series],
    )
