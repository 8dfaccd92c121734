"""The scenarios: the teacher, the number of rows, and the shortest possible time.

The ideal is computed from the scenario, never from one of our runs.
"""

from __future__ import annotations

import heapq
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Scenario:
    """``teacher`` holds flags of ``beam-distill simulate``; ``ideal_s`` takes the row count and the teacher's stats, and gives seconds.

    ``target`` is the largest makespan / ideal we want, ``most_throttled`` the largest share of requests answered 429. The makespan is
    the time from first request to last answer, or with ``whole_command`` that of the command, start-up included. ``floor`` is
    the lowest possible value if that is more than 1.
    """

    name: str
    question: str
    teacher: tuple[str, ...]
    rows: int
    ideal_s: Callable[[int, dict[str, Any]], float]
    target: float
    most_throttled: float = 1.0
    short: bool = True
    whole_command: bool = False
    floor: float = 1.0


@cache
def floor_of_slots(rows: int, slots: int, sigma: float, draws: int = 200) -> float:
    """Makespan / ideal of a perfect client. It knows the number of slots but not how long an answer takes, so at the end slots
    are empty while the last answers run. Mean over ``draws`` runs with lognormal latency of shape ``sigma``.
    """
    makespans = []
    for seed in range(draws):
        randomness = random.Random(seed)
        free_at = [0.0] * slots
        for _ in range(rows):
            heapq.heapreplace(free_at, free_at[0] + randomness.lognormvariate(-sigma * sigma / 2.0, sigma))
        makespans.append(max(free_at))
    return statistics.mean(makespans) / (rows / slots)


CAP = ("--latency=lognormal", "--latency_ms=1000", "--sigma=0.6", "--slots=64")


def cap(name: str, question: str, *more: str) -> Scenario:
    """3,000 rows; 64 slots that refuse more requests; lognormal latency, mean 1 s."""
    floor = floor_of_slots(3000, 64, 0.6)
    return Scenario(name, question, (*CAP, *more), 3000, lambda rows, stats: rows / 64, 1.08, 0.04, short=False, floor=floor)


SCENARIOS = (
    Scenario(
        "slots",
        "64 slots, a silent queue, answers of one second on average",
        ("--latency=lognormal", "--latency_ms=1000", "--sigma=0.6", "--slots=64"),
        1500,
        lambda rows, stats: rows * 1.0 / 64,
        1.08,
        whole_command=True,
        floor=floor_of_slots(1500, 64, 0.6),
    ),
    Scenario(
        "rate-no-hint",
        "100 requests a second, burst 20, 429 without a hint",
        ("--latency=fixed", "--latency_ms=200", "--requests_per_second=100", "--burst=20", "--retry_after=none"),
        2000,
        lambda rows, stats: (rows - 20) / 100,
        1.08,
        0.03,
    ),
    Scenario(
        "rate-retry-after",
        "100 requests a second, burst 20, 429 with Retry-After in whole seconds",
        ("--latency=fixed", "--latency_ms=200", "--requests_per_second=100", "--burst=20", "--retry_after=seconds"),
        2000,
        lambda rows, stats: (rows - 20) / 100,
        1.08,
        0.03,
    ),
    Scenario(
        "rpm-headers",
        "3,000 requests a minute, bucket of 100, reported in headers",
        ("--latency=fixed", "--latency_ms=400", "--requests_per_minute=3000", "--burst=100", "--rate_limit_headers"),
        1500,
        lambda rows, stats: (rows - 100) / 50,
        1.10,
        0.01,
    ),
    Scenario(
        "tpm-headers",
        "60,000 tokens a minute, reported in headers",
        (
            "--latency=fixed",
            "--latency_ms=400",
            "--tokens_per_minute=60000",
            "--rate_limit_headers",
            "--completion_tokens=100",
            "--completion_sigma=0.4",
        ),
        700,
        lambda rows, stats: (stats["prompt_tokens"] + stats["completion_tokens"] - 60000) / 1000,
        1.10,
        0.01,
    ),
    Scenario(
        "heavy-tail",
        "64 slots, a silent queue, lognormal with sigma 1.2",
        ("--latency=lognormal", "--latency_ms=500", "--sigma=1.2", "--slots=64"),
        1500,
        lambda rows, stats: rows * 0.5 / 64,
        1.5,
        short=False,
    ),
    Scenario(
        "slots-cap",
        "64 slots and no queue: 429 beyond them, no hint",
        ("--latency=lognormal", "--latency_ms=500", "--sigma=0.6", "--slots=64", "--queue_limit=0", "--retry_after=none"),
        2000,
        lambda rows, stats: rows * 0.5 / 64,
        1.3,
        short=False,
    ),
    cap("cap", "64 slots and no queue, no hint", "--queue_limit=0", "--retry_after=none"),
    cap("cap-retry-after", "64 slots and no queue, Retry-After: 1", "--queue_limit=0"),
    cap("cap-queue", "64 slots, 32 may wait, no hint", "--queue_limit=32", "--retry_after=none"),
    Scenario(
        "cap-and-rate",
        "64 slots and no queue, 100 requests a second, burst 20: the rate binds",
        ("--latency=lognormal", "--latency_ms=500", "--sigma=0.6", "--slots=64", "--queue_limit=0", "--requests_per_second=100", "--burst=20"),
        3000,
        lambda rows, stats: (rows - 20) / 100,
        1.10,
        short=False,
    ),
    Scenario(
        "cap-of-4",
        "4 slots and no queue, answers of 20 s",
        ("--latency=fixed", "--latency_ms=20000", "--slots=4", "--queue_limit=0", "--retry_after=none"),
        40,
        lambda rows, stats: rows * 20.0 / 4,
        1.10,
        short=False,
    ),
)
