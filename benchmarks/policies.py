"""How right a dataset is under each policy, and what that costs, with a teacher that is right in 60 % of its tries.

    PYTHONPATH=tests python -m benchmarks.policies [--rows 1000]

Real runs of the command against the simulator, on questions with labels. Wrong answers are plausible slips. ``same mistakes``: in this share of
its tries at a row, the teacher makes the same mistake, or none. Accuracy: of the published rows, those whose answer is the label. Prices: 1 and
4 for a million tokens in and out.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import tempfile
from pathlib import Path
from typing import NamedTuple

from builders import chat_line, read_jsonl
from jobs import Job

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Accuracy, SimulatorSettings

POLICIES = {
    "one answer": (),
    "label, at most 8": ("--samples=8", "--checks=label"),
    "vote, 2 of 8": ("--samples=8", "--checks=vote", "--votes=2"),
    "vote, 3 of 8": ("--samples=8", "--checks=vote", "--votes=3"),
    "vote, 5 of 8": ("--samples=8", "--checks=vote"),
}


def _rows(count: int) -> dict[str, str]:
    chance = random.Random(1)
    numbers = [(chance.randrange(20, 900), chance.randrange(3, 90)) for _ in range(count)]
    return {f"Box {place} holds {one} red and {other} blue pens. How many?": str(one + other) for place, (one, other) in enumerate(numbers)}


class Measured(NamedTuple):
    """One run."""

    policy: str
    same_mistakes: float
    accuracy: float
    published: float
    requests_a_row: float
    cost_of_1000: float


def _measure(policy: str, same_mistakes: float, right: dict[str, str]) -> Measured:
    settings = SimulatorSettings(answers=right, accuracy=Accuracy(0.6, same_mistakes), seed=1)
    with tempfile.TemporaryDirectory() as folder, start_simulator(settings) as simulator:
        job = Job(Path(folder), simulator.base_url)
        system = ("system", "Give the numerical answer only, an integer.")
        job.train([chat_line(system, ("user", question), ("assistant", label)) for question, label in right.items()])
        flags = (*POLICIES[policy], "--teacher_model_temperature=0.7", "--teacher_model_top_p=0.95", "--min_endpoint_success_ratio=0")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = job.run(*flags)
        assert code == 0, f"exit code {code}"
        answers = [(row["messages"][-2]["content"], row["messages"][-1]["content"]) for row in read_jsonl(job.train_output)]
        correct = sum(right[question] == answer for question, answer in answers)
        split = json.loads((job.work_dir / "run.json").read_text())["verdict"]["splits"]["train"]
    cost = (split["prompt_tokens"] + 4 * split["completion_tokens"]) / 1e6
    rows = len(right)
    found = Measured(policy, same_mistakes, correct / len(answers), len(answers) / rows, split["requests_sent"] / rows, 1000 * cost / correct)
    shares = f"{same_mistakes:.0%} | {found.accuracy:.1%} | {found.published:.1%}"
    print(f"| {policy} | {shares} | {found.requests_a_row:.2f} | {found.cost_of_1000:.3f} |", flush=True)
    return found


def _draw(found: list[Measured], path: str) -> None:
    """A bar for each policy: what is published rightly, what wrongly, and what is left out."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 0.9 + 0.42 * len(found)), layout="constrained")
    axes = figure.subplots()
    names = [f"{one.policy}\n{one.requests_a_row:.1f} requests a row" for one in found]
    rightly = [100 * one.published * one.accuracy for one in found]
    wrongly = [100 * one.published * (1 - one.accuracy) for one in found]
    axes.barh(names, rightly, color="#3a87c8", label="published, right")
    axes.barh(names, wrongly, left=rightly, color="#c8553a", label="published, wrong")
    axes.barh(
        names,
        [100 - one - other for one, other in zip(rightly, wrongly, strict=True)],
        color="#d9dde2",
        left=[one + other for one, other in zip(rightly, wrongly, strict=True)],
        label="left out",
    )
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("of 100 rows; a teacher that is right in 60 % of its tries")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--picture", metavar="FILE", help="draw the runs without common mistakes")
    arguments = parser.parse_args()
    right = _rows(arguments.rows)
    print("| policy | same mistakes | accuracy | rows published | requests a row | cost of 1,000 right rows |\n|---|---|---|---|---|---|")
    found = [_measure(policy, same_mistakes, right) for same_mistakes in (0.0, 0.3) for policy in POLICIES]
    if arguments.picture:
        _draw([one for one in found if not one.same_mistakes], arguments.picture)


if __name__ == "__main__":
    main()
