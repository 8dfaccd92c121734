"""Run benchmarks, print a line each, save the results.

python -m benchmarks.run --short            the short ones, under 10 minutes
python -m benchmarks.run NAME [NAME ...]     by name; without names, all (the memory ladder takes some 20 minutes)
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from benchmarks.budgets import budget_narrow, budget_processes, budget_requests, budget_slots, budget_wide
from benchmarks.measure import Measurement, machine, measure
from benchmarks.pool import pool_capacities, pool_trouble
from benchmarks.scenarios import CAP, SCENARIOS
from benchmarks.special import capacity_steps, continuous_batching, fair_shares, kills, memory, processes, ten_rows, zero_latency
from benchmarks.streams import streamed_cpu, streamed_cpu_paced, thinking_teacher

RESULTS = Path(__file__).parent / "results"
SHORT: dict[str, Callable[[], Measurement]] = {
    "ten-rows": ten_rows,
    "zero-latency": zero_latency,
    **{scenario.name: partial(measure, scenario) for scenario in SCENARIOS if scenario.short},
    "continuous-batching": continuous_batching,
    "capacity-steps": capacity_steps,
    "kills": kills,
    "fair-shares": fair_shares,
    "processes": processes,
    "pool-capacities": pool_capacities,
    "pool-trouble": pool_trouble,
    "streamed-cpu": streamed_cpu,
    "streamed-cpu-paced": streamed_cpu_paced,
    "thinking-teacher": thinking_teacher,
    "memory-10000": partial(memory, 10_000),
}
LONG: dict[str, Callable[[], Measurement]] = {
    "budget-slots": budget_slots,
    "budget-wide": budget_wide,
    "budget-narrow": budget_narrow,
    "budget-processes": budget_processes,
    "budget-requests": budget_requests,
    **{scenario.name: partial(measure, scenario) for scenario in SCENARIOS if not scenario.short},
    "cap-steps": partial(capacity_steps, "cap-steps", 96, 6400, "--queue_limit=0", "--retry_after=none"),
    "cap-two": partial(fair_shares, "cap-two", 3000, 64.0, (*CAP, "--queue_limit=0", "--retry_after=none")),
    "memory-100000": partial(memory, 100_000),
    "memory-1000000": partial(memory, 1_000_000),
}


def main() -> int:
    """Run the chosen benchmarks. Returns 0 also when a target was missed: the numbers are the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*SHORT, *LONG, []], help="which (default: all)")
    parser.add_argument("--short", action="store_true", help="only the short ones")
    parser.add_argument("--save", metavar="FILE", help="where to save (default: results/DATE-COMMIT.json)")
    arguments = parser.parse_args()
    every = {**SHORT, **LONG}
    names = arguments.names or list(SHORT if arguments.short else every)
    where = machine()
    target = Path(arguments.save) if arguments.save else RESULTS / f"{date.today()}-{where['commit']}.json"
    measurements = []
    for name in names:
        measurement = every[name]()
        measurements.append(measurement.as_json())
        print(measurement.line(), flush=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({"machine": where, "measurements": measurements}, indent=1) + "\n")
    print(f"saved in {target}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
