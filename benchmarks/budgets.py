"""How close to its limit a job ends, and how long that takes."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from benchmarks.measure import Measurement, run_measured
from benchmarks.teacher import TeacherProcess, command, write_questions

TOKEN_MS = 5.0
MEAN_TOKENS = 200
TEACHER = (
    "--latency=per_token",
    f"--token_ms={TOKEN_MS}",
    f"--completion_tokens={MEAN_TOKENS}",
    "--completion_sigma=1",
)
PRICES = ("--price_per_million_input_tokens=1", "--price_per_million_output_tokens=10")
BUDGET_SPENT = 7


def budget_cost(name: str, answers: int, at_a_time: int, teacher: tuple[str, ...] = (), flags: tuple[str, ...] = ()) -> Measurement:
    """Spent / ``max_cost`` by the teacher's own count. The limit pays for about ``answers`` answers of 200 tokens on average (lognormal,
    sigma 1, at most 1,024). The ideal is the duration of these answers with ``at_a_time`` of them running.
    """
    limit = answers * MEAN_TOKENS * 10 / 1e6
    with tempfile.TemporaryDirectory() as folder, TeacherProcess(*TEACHER, *teacher) as simulated:
        questions = Path(folder) / "rows.jsonl"
        write_questions(questions, 2 * answers)
        ended = run_measured(command(questions, Path(folder) / "run", simulated.url, *PRICES, f"--max_cost={limit}", *flags))
        stats = simulated.stats()
    spent = (stats["prompt_tokens"] + 10 * stats["completion_tokens"]) / 1e6
    achieved = spent / limit
    return Measurement(
        name,
        "0.98 to 1.02",
        achieved,
        ended.code == BUDGET_SPENT and 0.98 <= achieved <= 1.02,
        stats["busy_s"],
        stats["completion_tokens"] * TOKEN_MS / 1000.0 / at_a_time,
        2 * answers,
        stats["requests"],
        peak_in_flight=stats["peak_in_flight"],
        cpu_ms_per_request=1000 * ended.cpu_s / max(1, stats["requests"]),
        rss_mb=ended.rss_mb,
        note=f"exit code {ended.code}, {spent:.4f} of {limit:.4f}",
    )


def budget_slots(flags: tuple[str, ...] = (), name: str = "budget-slots") -> Measurement:
    """64 slots with a silent queue, a limit of about 3,000 answers."""
    return budget_cost(name, 3_000, 64, ("--slots=64",), flags)


def budget_wide() -> Measurement:
    """200 in flight, a limit of about 3,000 answers: the requests in flight could cost a third of it."""
    return budget_cost("budget-wide", 3_000, 200)


def budget_narrow() -> Measurement:
    """200 in flight, a limit of about 600 answers: the requests in flight could cost more than that."""
    return budget_cost("budget-narrow", 600, 200)


def budget_processes() -> Measurement:
    """64 slots, four scoring processes that share the limit."""
    return budget_slots(("--max_concurrency_per_instance=4", "--mini_batch_size=2KB"), "budget-processes")


def budget_requests(limit: int = 2_003) -> Measurement:
    """Requests that reach the teacher / ``max_requests``, with two scoring processes and a tenth of all attempts failing."""
    teacher = TeacherProcess("--latency=fixed", "--latency_ms=200", "--slots=64", "--faults=0.1")
    with tempfile.TemporaryDirectory() as folder, teacher as simulated:
        questions = Path(folder) / "rows.jsonl"
        write_questions(questions, 2 * limit)
        flags = (f"--max_requests={limit}", "--max_concurrency_per_instance=2", "--mini_batch_size=2KB")
        ended = run_measured(command(questions, Path(folder) / "run", simulated.url, *flags))
        stats = simulated.stats()
    said = re.search(r"max_requests: ([\d,]+) of", ended.output)
    counted = int(said[1].replace(",", "")) if said else 0
    achieved = stats["requests"] / limit
    return Measurement(
        "budget-requests",
        "1",
        achieved,
        ended.code == BUDGET_SPENT and stats["requests"] == limit,
        stats["busy_s"],
        rows=2 * limit,
        requests=stats["requests"],
        peak_in_flight=stats["peak_in_flight"],
        note=f"exit code {ended.code}, {stats['requests']:,} requests of {limit:,}; the summary says {counted:,}",
    )
