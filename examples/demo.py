"""The main job, once for each task: on the examples beside this file, against a simulated teacher, on the embedded runner.

    python examples/demo.py [FOLDER]

Writes below demo-output/ (or FOLDER) and says where to look.
"""

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
    """A teacher that knows the answers in the examples, takes its time, and spoils a share of them in every way there is."""
    answers = {}
    for path in sorted(HERE.glob("*/*.jsonl")):
        answers.update(known_answers(path.read_text(encoding="utf-8").splitlines()))
    return SimulatorSettings(latency=Latency("lognormal", mean_ms=150), faults=mixed_faults(SPOILT), seed=7, answers=answers)


def line(task: str, result: RunResult) -> str:
    """One task in a line."""
    counts = ", ".join(
        f"{part.split.value} {part.tally.rows} rows = {part.tally.examples} examples + {part.tally.rejects} rejected"
        for part in (result.verdict.splits if result.verdict else ())
    )
    return f"{task:<14} {'published' if result.ok else result.message}: {counts} ({result.wall_s:.1f} s)"


def main() -> int:
    """Run the demo; 0 when every task published its datasets."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-output")
    print("The teacher is SIMULATED, on this machine: it knows the answers to the examples and makes up the rest of what it says.")
    print(f"It spoils {SPOILT:.0%} of its answers on purpose (errors, cut-off, filtered, empty, no JSON), to show what becomes of them:")
    print("what can be asked again is, and the rest is rejected with a reason.\n", flush=True)
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
    print("  train.handoff/                 what a training needs next: job files and a dataset card")
    print("  work/report.html               how it went, in a browser")
    print("  work/rejects.jsonl             rows that gave no example, each with its reason")
    print("  work/ledger/, work/run.json    every answer that was paid for; settings and counts")
    print(f"Begin with {folder / 'math' / 'work' / 'report.html'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
