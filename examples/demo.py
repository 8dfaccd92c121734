"""Run a job for each task: the examples in this folder, a simulated teacher, the embedded runner.

    python examples/demo.py [FOLDER]

Writes to demo-output/ (or FOLDER) and prints where to look.
"""

import argparse
import sys
from pathlib import Path

from beam_distill import RunResult, distill
from beam_distill.simulator.answers import known_answers
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Latency, SimulatorSettings, mixed_faults
from transforms import TaskType

HERE = Path(__file__).parent
SPOILT = 0.15


def teacher() -> SimulatorSettings:
    """A teacher that knows the answers in the examples, has a latency, and spoils a share of the answers with every kind of fault."""
    answers = {}
    for path in sorted(HERE.glob("*/*.jsonl")):
        answers.update(known_answers(path.read_text(encoding="utf-8").splitlines()))
    return SimulatorSettings(latency=Latency("lognormal", mean_ms=150), faults=mixed_faults(SPOILT), seed=7, answers=answers)


def line(task: str, result: RunResult) -> str:
    """One line for a task."""
    counts = ", ".join(
        f"{part.split.value} {part.tally.rows} rows = {part.tally.examples} examples + {part.tally.rejects} rejected"
        for part in (result.verdict.splits if result.verdict else ())
    )
    return f"{task:<14} {'published' if result.ok else result.message}: {counts} ({result.wall_s:.1f} s)"


def main() -> int:
    """Run the demo; 0 when every task published its datasets."""
    parser = argparse.ArgumentParser(description="Run a job for each task with a simulated teacher, on this machine.")
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default="demo-output", type=Path, help="where to write (demo-output)")
    folder = parser.parse_args().folder
    print("The teacher is SIMULATED, on this machine: it knows the answers to the examples and invents the rest.")
    print(f"It spoils {SPOILT:.0%} of its answers on purpose (errors, cut-off, filtered, empty, no JSON) to show how they are handled:")
    print("failed requests are sent again where that helps, and the rest is rejected with a reason.\n", flush=True)
    failed = []
    with start_simulator(teacher()) as simulator:
        for task_type in TaskType:
            task = task_type.value.lower()
            result = distill(
                data_generation_task_type=task,
                train_file_path=HERE / task / "train.jsonl",
                validation_file_path=HERE / task / "validation.jsonl",
                generated_batch_train_file_path=folder / task / "train.jsonl",
                generated_batch_validation_file_path=folder / task / "validation.jsonl",
                work_dir=folder / task / "work",
                teacher_model_endpoint_url=simulator.base_url,
                teacher_model_max_new_tokens=512,
                min_endpoint_success_ratio=0.5,
                quiet=True,
                enable_chain_of_thought=task_type.reasons_step_by_step,
                enable_chain_of_density=task_type.condenses,
            )
            print(line(task, result), flush=True)
            if not result.ok:
                failed.append(task)
    print(f"\nIn {folder}/<task>:")
    print("  train.jsonl, validation.jsonl  the rows with the teacher's answers")
    print("  train.handoff/                 files for the training: job files and a dataset card")
    print("  work/report.html               the report, for a browser")
    print("  work/rejects.jsonl             rows without an example, each with its reason")
    print("  work/ledger/, work/run.json    every answer that was paid for; settings and counts")
    print(f"Start with {folder / 'math' / 'work' / 'report.html'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
