"""The main job, five times: every task on the examples beside this file, against the embedded teacher, on the embedded runner.

    python examples/demo.py [FOLDER]

Writes below demo-output/ (or FOLDER) and says where to look.
"""

import logging
import sys
from pathlib import Path

from beam_distill import distill
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Latency, SimulatorSettings, mixed_faults

HERE = Path(__file__).parent
TASKS = {
    "nli": {"enable_chain_of_thought": True},
    "nlu_qa": {"enable_chain_of_thought": True},
    "math": {"enable_chain_of_thought": True},
    "summarization": {"enable_chain_of_density": True},
    "conversation": {},
}


def main() -> int:
    """Run the demo; 0 when every task published its datasets."""
    logging.getLogger().setLevel(logging.ERROR)
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-output")
    # a teacher with a will of its own: slow, and 15 % of its answers spoilt in every way there is
    teacher = SimulatorSettings(latency=Latency("lognormal", mean_ms=150), faults=mixed_faults(0.15), seed=7)
    failed = []
    with start_simulator(teacher) as simulator:
        for task, extra in TASKS.items():
            result = distill(
                data_generation_task_type=task,
                train_file_path=str(HERE / task / "train.jsonl"),
                validation_file_path=str(HERE / task / "validation.jsonl"),
                generated_batch_train_file_path=str(folder / task / "train.jsonl"),
                generated_batch_validation_file_path=str(folder / task / "validation.jsonl"),
                work_dir=str(folder / task / "work"),
                teacher_model_endpoint_url=simulator.base_url,
                teacher_model_max_new_tokens=512,
                min_endpoint_success_ratio=0.5,
                **extra,
            )
            counts = ", ".join(
                f"{part.split.value} {part.tally.rows} rows = {part.tally.examples} examples + {part.tally.rejects} rejects"
                for part in (result.verdict.splits if result.verdict else ())
            )
            print(f"{task:<14} {'published' if result.ok else result.message}: {counts} ({result.wall_s:.1f} s)")
            if not result.ok:
                failed.append(task)
    print(f"\nLook at {folder}/<task>/train.jsonl and validation.jsonl: the rows with the teacher's answers.")
    print("In <task>/work: rejects.jsonl (what gave no example, and why), run.json (settings, counts), ledger/ (every paid answer).")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
