"""What asking sample by sample saves, and what it costs in time, in virtual time: a teacher that is right in 60 % of its tries.

    PYTHONPATH=tests python -m benchmarks.samples            the slots scenario, several seeds
    PYTHONPATH=tests python -m benchmarks.samples --seeds 5

``always`` asks for all samples of every row; ``one by one`` never asks ahead, ``ours`` only when slots stand empty. A row ends with its first
right answer.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable

from virtual_server import Seen, ServerModel, run_on_server

from transforms.elements.replies import TeacherReply
from transforms.elements.rows import PromptRequest
from transforms.teacher.dispatch import Dispatcher
from transforms.teacher.samples import NextSample

SCENARIOS = {
    "slots": (ServerModel(1.0, 0.6, slots=64), 3000),
    "few rows, slow answers": (ServerModel(20.0, 0.6, slots=64), 200),
}
SAMPLES = 8
RIGHT = 0.6


def _next(always: bool) -> NextSample:
    def next_sample(request: PromptRequest, replies: tuple[TeacherReply, ...], being_asked: frozenset[int]) -> int | None:
        if not always and any(reply.content == "right" for reply in replies):
            return None
        known = {reply.sample for reply in replies} | being_asked
        return next((number for number in range(SAMPLES) if number not in known), None)

    return next_sample


def _never_ahead() -> Callable[[float, Dispatcher], None]:
    """Says from the first moment to the end that more rows come."""
    told: list[Dispatcher] = []

    def watch(moment_s: float, dispatcher: Dispatcher) -> None:
        if not told:
            dispatcher.feeds(1)
            told.append(dispatcher)

    return watch


def _run(model: ServerModel, rows: int, seed: int, always: bool = False, watch: Callable[[float, Dispatcher], None] | None = None) -> Seen:
    chance = random.Random(f"right {seed}")
    return run_on_server(
        model, rows, seed, watch=watch, next_sample=_next(always), says=lambda body: "right" if chance.random() < RIGHT else "wrong"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(1, parser.parse_args().seeds + 1)
    for scenario, (model, rows) in SCENARIOS.items():
        runs = {
            "always": [_run(model, rows, seed, always=True) for seed in seeds],
            "one by one": [_run(model, rows, seed, watch=_never_ahead()) for seed in seeds],
            "ours": [_run(model, rows, seed) for seed in seeds],
        }
        print(f"{scenario}: {rows:,} rows, at most {SAMPLES} samples; {model.slots} slots, {model.latency_s:g} s; means of {len(seeds)} seeds")
        for name, seen in runs.items():
            requests = sum(len(one.answered) for one in seen) / len(seen) / rows
            window_s = sum(one.window_s for one in seen) / len(seen)
            saved = 1 - requests / SAMPLES
            print(f"  {name:12}{requests:6.3f} requests a row  {saved:6.1%} saved  {window_s:7.1f} s first request to last answer")


if __name__ == "__main__":
    main()
