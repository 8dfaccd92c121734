"""The engine against models of endpoints in virtual time: a day of real runs in minutes, and repeatable.

    PYTHONPATH=tests python -m benchmarks.virtual                     every scenario, several seeds
    PYTHONPATH=tests python -m benchmarks.virtual NAME [NAME ...]      those whose names start with NAME
    PYTHONPATH=tests python -m benchmarks.virtual --seeds 10

Each figure is shown as its mean and its worst over the seeds, next to its target. Real runs (``benchmarks.run``) decide.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from virtual_server import Seen, ServerModel, run_on_pool, run_on_server

from transforms.teacher.specs import ConcurrencySpec, PatienceSpec

Figures = dict[str, float]


@dataclass(frozen=True)
class VirtualScenario:
    """``measure`` gives figures for a seed; ``wanted`` has targets for some of them: ("<=" or ">=", bound)."""

    name: str
    measure: Callable[[int], Figures]
    wanted: dict[str, tuple[str, float]]


def _common(seen: Seen) -> Figures:
    lost = sum(count for reason, count in seen.reasons.items() if reason != "answered")
    return {
        "429": seen.refused_share,
        "timeouts": len(seen.timed_out),
        "paid twice": seen.paid_twice,
        "most": seen.most_at_once(),
        "lost": lost + len(seen.stopped),
    }


def filled(
    name: str, model: ServerModel, rows: int, most: float, most_429: float = 0.04, concurrency: ConcurrencySpec | None = None
) -> VirtualScenario:
    """Window / busy time of an endpoint with slots."""

    def measure(seed: int) -> Figures:
        seen = run_on_server(model, rows, seed, concurrency=concurrency)
        assert model.slots is not None
        return {"window/busy": seen.window_s / (seen.busy_s / model.slots), **_common(seen)}

    return VirtualScenario(name, measure, {"window/busy": ("<=", most), "429": ("<=", most_429), "lost": ("<=", 0)})


def slow(name: str, model: ServerModel, rows: int, patience: PatienceSpec | None = None, most_timeouts: int = 0) -> VirtualScenario:
    """A slow server with few slots. No request may time out in its queue."""
    assert model.slots is not None
    slots = model.slots

    def measure(seed: int) -> Figures:
        seen = run_on_server(model, rows, seed, patience=patience)
        figures = _common(seen)
        early = {number for _, number in seen.timed_out if number < 5}
        return {
            "window/busy": seen.window_s / (seen.busy_s / slots),
            "over 2s+4": seen.most_at_once(seen.after_answers(3 * slots)) - (2 * slots + 4),
            **figures,
            "late timeouts": figures["timeouts"] - len(early),
        }

    most = 1.05 if model.sigma == 0 and rows >= 25 * slots else 1.05 + 1.5 * slots * max(model.sigma, 0.3) / rows
    wanted = {"window/busy": ("<=", most), "over 2s+4": ("<=", 0.0), "late timeouts": ("<=", 0.0), "lost": ("<=", 0.0)}
    if not most_timeouts:
        wanted |= {"paid twice": ("<=", 0.0), "timeouts": ("<=", 0.0)}
    return VirtualScenario(name, measure, wanted)


def best_share(
    name: str, model: ServerModel, rows: int, best_per_s: float, least: float, concurrency: ConcurrencySpec | None = None
) -> VirtualScenario:
    """From 10 s until few rows are left: answers per second / those of the best fixed number, and how many wait."""

    def measure(seed: int) -> Figures:
        seen = run_on_server(model, rows, seed, concurrency=concurrency)
        assert model.slots is not None
        end_s = seen.answered[int(0.95 * len(seen.answered)) - 2 * model.slots][0]
        return {
            "share": seen.answers_per_s(10.0, end_s) / best_per_s,
            "waiting/slots": seen.most_waiting(10.0) / model.slots,
            "waiting/slots 60s": seen.most_waiting(60.0) / model.slots,
            **_common(seen),
        }

    return VirtualScenario(name, measure, {"share": (">=", least), "waiting/slots": ("<=", 1.0), "lost": ("<=", 0)})


def steps(name: str, model: ServerModel, rows: int, parts: Sequence[tuple[float, float, float]], least: float = 0.9) -> VirtualScenario:
    """Answers per second / capacity in each of ``parts``: (from, to, capacity per second)."""

    def measure(seed: int) -> Figures:
        seen = run_on_server(model, rows, seed)
        shares = {f"share {from_s:.0f}": seen.answers_per_s(from_s, to_s) / per_s for from_s, to_s, per_s in parts}
        return {**shares, **_common(seen)}

    return VirtualScenario(name, measure, {f"share {from_s:.0f}": (">=", least) for from_s, _, _ in parts} | {"lost": ("<=", 0)})


def timed(name: str, model: ServerModel, rows: int, ideal_s: Callable[[int], float], most: float, most_429: float = 1.0) -> VirtualScenario:
    """Window / the shortest possible time."""

    def measure(seed: int) -> Figures:
        seen = run_on_server(model, rows, seed)
        return {"window/ideal": seen.window_s / ideal_s(rows), **_common(seen)}

    return VirtualScenario(name, measure, {"window/ideal": ("<=", most), "429": ("<=", most_429), "lost": ("<=", 0)})


def shared(name: str, model: ServerModel, rows: int, later_s: float, per_s: float, together: float = 0.9) -> VirtualScenario:
    """Two clients on one endpoint, in the last 20 s in which both run: their sum / capacity, and the smaller share."""

    def measure(seed: int) -> Figures:
        seen = run_on_server(model, rows, seed, starts_s=(0.0, later_s))
        ends = [max(moment for moment, who in seen.answered if who == client) for client in (0, 1)]
        begin_s, end_s = later_s + 5.0, min(ends)
        late = [seen.answers_per_s(end_s - 20.0, end_s, client) for client in (0, 1)]
        long = [seen.answers_per_s(begin_s, end_s, client) for client in (0, 1)]
        return {
            "together": sum(long) / per_s,
            "smaller": min(late) / sum(late),
            "smaller, all": min(long) / sum(long),
            **_common(seen),
        }

    return VirtualScenario(name, measure, {"together": (">=", together), "smaller": (">=", 0.4), "lost": ("<=", 0)})


def pooled(name: str, models: Sequence[ServerModel], rows: int, capacity_per_s: Sequence[float], least: float) -> VirtualScenario:
    """Used share of all endpoints' capacity until 95 % of the rows are answered, and of each one's from 10 s on."""

    def measure(seed: int) -> Figures:
        seen = run_on_pool(models, rows, seed)
        moments_s = sorted(moment for each in seen for moment, _ in each.answered)
        counted = int(0.95 * rows)
        begin_s, end_s = min(each.arrived[0][0] for each in seen), moments_s[counted - 1]
        shares = {f"of {number}": each.answers_per_s(10.0, end_s) / capacity_per_s[number] for number, each in enumerate(seen)}
        at_once = sum(model.burst for model in models if model.rate_per_s)
        return {"share": (counted - at_once) / sum(capacity_per_s) / (end_s - begin_s), **shares}

    return VirtualScenario(name, measure, {"share": (">=", least)})


def few_slots_late(name: str, model: ServerModel, rows: int) -> VirtualScenario:
    """A small cap; the first answers are late."""

    def measure(seed: int) -> Figures:
        seen = run_on_server(model, rows, seed)
        assert model.slots is not None
        return {"429 after 60 s": seen.refused_share_from(60.0), "window/busy": seen.window_s / (seen.busy_s / model.slots), **_common(seen)}

    return VirtualScenario(name, measure, {"429 after 60 s": ("<=", 0.10), "lost": ("<=", 0)})


CAP = ServerModel(1.0, 0.6, slots=64, queue_limit=0)
RATE = ServerModel(0.2, 0.0, rate_per_s=100.0, burst=20.0)
WIDE = ConcurrencySpec(5, 400)
MIXED = ((429, 0.01), (500, 0.02))


def _cap_and_rate(seconds_until: float, after: float, first: tuple[float, float], then: tuple[float, float]) -> Callable[[int], float]:
    """Two changes: capacity per second is ``first``, then ``then`` between ``seconds_until`` and ``after``, then ``first`` again."""

    def ideal(rows: int) -> float:
        one, two = min(first), min(then)
        left = rows - one * seconds_until - two * (after - seconds_until)
        return after + left / one

    return ideal


SCENARIOS = (
    pooled(
        "pool",
        (
            ServerModel(1.0, 0.6, slots=64),
            ServerModel(1.0, 0.6, slots=32, queue_limit=0),
            ServerModel(0.2, 0.0, rate_per_s=50.0, burst=20.0),
        ),
        6000,
        (64.0, 32.0, 50.0),
        0.92,
    ),
    filled("cap64", CAP, 3000, 1.08),
    filled("cap64-hint", ServerModel(1.0, 0.6, slots=64, queue_limit=0, hint_s=1.0), 3000, 1.08),
    filled("cap64-queue32", ServerModel(1.0, 0.6, slots=64, queue_limit=32), 3000, 1.08),
    filled("cap64-constant", ServerModel(1.0, 0.0, slots=64, queue_limit=0), 3000, 1.08),
    filled("cap64-quick", ServerModel(0.1, 0.6, slots=64, queue_limit=0), 20000, 1.08),
    filled("cap5", ServerModel(1.0, 0.6, slots=5, queue_limit=0), 400, 1.10),
    filled("cap16", ServerModel(1.0, 0.6, slots=16, queue_limit=0), 1000, 1.10),
    filled("cap16-slow", ServerModel(8.0, 0.6, slots=16, queue_limit=0, hint_s=1.0), 800, 1.10),
    filled("cap100", ServerModel(0.7, 0.6, slots=100, queue_limit=0), 5000, 1.10),
    filled("cap150", ServerModel(1.0, 0.3, slots=150, queue_limit=0), 6000, 1.10),
    filled("cap200", ServerModel(2.0, 0.6, slots=200, queue_limit=0), 6000, 1.15, concurrency=WIDE),
    filled("cap64-random2%", ServerModel(1.0, 0.6, slots=64, queue_limit=0, faults=((429, 0.02),)), 3000, 1.10, 0.07),
    steps(
        "cap-steps",
        ServerModel(1.0, 0.6, slots=64, queue_limit=0, changes=((15.0, {"slots": 32}), (35.0, {"slots": 96}))),
        4000,
        [(5.0, 15.0, 64.0), (25.0, 35.0, 32.0), (45.0, 55.0, 96.0)],
    ),
    steps(
        "cap-steps-quick",
        ServerModel(0.3, 0.6, slots=64, queue_limit=0, changes=((15.0, {"slots": 32}), (35.0, {"slots": 96}))),
        13000,
        [(5.0, 15.0, 213.3), (25.0, 35.0, 106.7), (45.0, 55.0, 320.0)],
    ),
    shared("cap-two", CAP, 3000, 5.0, 64.0),
    shared("cap-two-at-once", CAP, 2000, 0.0, 64.0),
    shared("cap-two-hint", ServerModel(1.0, 0.6, slots=64, queue_limit=0, hint_s=1.0), 3000, 5.0, 64.0),
    shared("cap-two-quick", ServerModel(0.3, 0.3, slots=64, queue_limit=0), 6000, 5.0, 213.3),
    timed(
        "cap-rate-latency",
        ServerModel(
            0.4, 0.3, slots=64, queue_limit=0, rate_per_s=100.0, burst=20.0, changes=((15.0, {"latency_s": 1.6}), (40.0, {"latency_s": 0.4}))
        ),
        4500,
        _cap_and_rate(15.0, 40.0, (100.0, 160.0), (100.0, 40.0)),
        1.10,
    ),
    timed(
        "cap-rate-rate",
        ServerModel(
            0.8,
            0.3,
            slots=64,
            queue_limit=0,
            rate_per_s=100.0,
            burst=20.0,
            changes=((15.0, {"rate_per_s": 50.0}), (40.0, {"rate_per_s": 100.0})),
        ),
        4500,
        _cap_and_rate(15.0, 40.0, (100.0, 80.0), (50.0, 80.0)),
        1.10,
    ),
    timed(
        "cap-rate-slots",
        ServerModel(0.5, 0.6, slots=64, queue_limit=0, rate_per_s=100.0, burst=20.0, changes=((15.0, {"slots": 32}), (40.0, {"slots": 64}))),
        4500,
        _cap_and_rate(15.0, 40.0, (100.0, 128.0), (100.0, 64.0)),
        1.10,
    ),
    few_slots_late("cap4-late", ServerModel(20.0, 0.0, slots=4, queue_limit=0), 80),
    few_slots_late("cap4-late-lognormal", ServerModel(20.0, 0.4, slots=4, queue_limit=0, hint_s=1.0), 80),
    slow("slow-8x10.8", ServerModel(10.8, 0.0, slots=8), 400),
    slow("slow-8x10.8-lognormal", ServerModel(10.8, 0.6, slots=8), 400),
    slow("slow-8x10.8-deaf", ServerModel(10.8, 0.0, slots=8, notices=False), 400),
    slow("slow-16x21.8", ServerModel(21.8, 0.0, slots=16), 400),
    slow("slow-16x21.8-lognormal", ServerModel(21.8, 0.6, slots=16), 640),
    slow("slow-4x60", ServerModel(60.0, 0.0, slots=4), 160),
    slow("slow-4x60-lognormal", ServerModel(60.0, 0.3, slots=4), 160),
    slow("slow-2x150", ServerModel(150.0, 0.0, slots=2), 30, most_timeouts=5),
    slow("slow-2x150-lognormal", ServerModel(150.0, 0.05, slots=2), 30, most_timeouts=5),
    slow("slow-2x150-deaf", ServerModel(150.0, 0.0, slots=2, notices=False), 30, most_timeouts=5),
    slow("slow-4x5.4", ServerModel(5.4, 0.3, slots=4), 200),
    slow("slow-1x10", ServerModel(10.0, 0.3, slots=1), 60),
    slow("slow-8x3-short", ServerModel(3.0, 0.6, slots=8), 150, PatienceSpec(attempt_s=20.0, longest_attempt_s=20.0)),
    best_share("queue32", ServerModel(0.76, 0.0, slots=32), 4000, 32 / 0.76, 0.97),
    best_share("queue32-lognormal", ServerModel(0.76, 0.6, slots=32), 4000, 32 / 0.76, 0.97),
    best_share("queue16", ServerModel(1.0, 0.6, slots=16), 2000, 16.0, 0.95),
    best_share("queue100", ServerModel(1.5, 0.6, slots=100), 8000, 66.7, 0.95),
    best_share("batch256", ServerModel(1.5, 0.0, slots=256, slows_at=256.0), 12000, 256 / 3.0, 0.95, WIDE),
    best_share("batch256-lognormal", ServerModel(1.5, 0.4, slots=256, slows_at=256.0), 12000, 256 / 3.0, 0.95, WIDE),
    filled("slots", ServerModel(1.0, 0.6, slots=64), 1500, 1.16),
    filled("heavy-tail", ServerModel(0.5, 1.2, slots=64), 1500, 1.5),
    filled("batching", ServerModel(1.34, 0.4, slots=128, slows_at=104.0), 2000, 1.30),
    filled("queue64-random2%", ServerModel(1.0, 0.6, slots=64, faults=((429, 0.02),)), 3000, 1.10),
    filled("queue60-faults", ServerModel(0.7, 0.5, slots=40, queue_limit=60, faults=MIXED), 3000, 1.12, 0.05),
    timed("rate-no-hint", RATE, 2000, lambda rows: (rows - 20) / 100, 1.08, 0.03),
    timed("rate-hint", ServerModel(0.2, 0.0, rate_per_s=100.0, burst=20.0, hint_s=1.0), 2000, lambda rows: (rows - 20) / 100, 1.08, 0.03),
    timed("rate-lognormal", ServerModel(1.0, 0.6, rate_per_s=60.0, burst=10.0), 2000, lambda rows: (rows - 10) / 60, 1.10, 0.04),
    timed("rate-half", ServerModel(0.5, 0.0, rate_per_s=50.0, burst=5.0), 1500, lambda rows: (rows - 5) / 50, 1.10, 0.04),
    timed("rate-half-lognormal", ServerModel(0.5, 0.6, rate_per_s=50.0, burst=5.0), 1500, lambda rows: (rows - 5) / 50, 1.10, 0.04),
    timed("rate-one", ServerModel(1.0, 0.0, rate_per_s=50.0, burst=5.0), 1500, lambda rows: (rows - 5) / 50, 1.10, 0.04),
    timed("rate-burst1", ServerModel(0.6, 0.3, rate_per_s=30.0, burst=1.0), 1000, lambda rows: (rows - 1) / 30, 1.10, 0.04),
    timed("rate-slow", ServerModel(0.3, 0.3, rate_per_s=2.0, burst=2.0), 200, lambda rows: (rows - 2) / 2, 1.12, 0.15),
    timed("rate-rpm", ServerModel(2.0, 0.5, rate_per_s=1.0, burst=60.0), 300, lambda rows: (rows - 60) / 1, 1.12, 0.15),
    steps(
        "capacity-steps",
        ServerModel(0.5, 0.6, slots=64, changes=((15.0, {"slots": 32}), (35.0, {"slots": 64}))),
        6400,
        [(25.0, 34.0, 64.0), (45.0, 55.0, 128.0)],
    ),
    shared("fair-shares", RATE, 3000, 5.0, 100.0),
    shared("queue-two", ServerModel(1.0, 0.6, slots=64), 2000, 5.0, 64.0),
)


def main(arguments: list[str]) -> int:
    """Print a line per scenario. Returns 1 when the mean of one misses its target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args(arguments)
    missed = 0
    for scenario in SCENARIOS:
        if given.names and not any(scenario.name.startswith(name) for name in given.names):
            continue
        begun_s = time.perf_counter()
        runs = [scenario.measure(seed) for seed in range(1, given.seeds + 1)]
        parts, met = [], True
        for figure in runs[0]:
            values = [run[figure] for run in runs]
            sign, bound = scenario.wanted.get(figure, ("", 0.0))
            mean, worst = sum(values) / len(values), (min if sign == ">=" else max)(values)
            good = not sign or (mean <= bound + 1e-9 if sign == "<=" else mean >= bound - 1e-9)
            met = met and good
            if sign or worst:
                parts.append(f"{figure} {mean:.3g} ({worst:.3g}){f' {sign} {bound:g}' if sign and bound else ''}{'' if good else ' !'}")
        missed += not met
        print(f"{'met ' if met else 'MISS'} {scenario.name:<22} {'; '.join(parts)}  [{time.perf_counter() - begun_s:.1f} s]", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
