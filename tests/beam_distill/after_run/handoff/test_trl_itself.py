"""TRL trains with our configuration and rows. Runs if TRL is installed, or with TRL_PYTHON naming a Python that has it: with torch it is
too large for the usual tests."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders import chat_line, questions
from jobs import Job
from small_teacher import ONE_AT_A_TIME, by_try, small_teacher

from beam_distill.simulator.server import start_simulator

PYTHON = os.environ.get("TRL_PYTHON") or (sys.executable if importlib.util.find_spec("trl") else None)


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PYTHON is None, reason="TRL is not installed; TRL_PYTHON may name a Python that has it"),
]


@pytest.mark.parametrize("inputs", [(), ("merged_system",), ("prompt_completion",), ("messages", "parquet")], ids=str)
def test_trl_trains_with_it(inputs: tuple[str, ...], tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.train(questions(8))
    job.validation(questions(3, start=50))
    extra = [f"--student_format={inputs[0]}"] if inputs else []
    if len(inputs) == 2:
        for split in ("train", "validation"):
            extra.append(f"--generated_batch_{split}_file_path={job.train_output.with_name(f'{split}.{inputs[1]}')}")
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--student_model=org/student", *extra) == 0
    assert trained(job, tmp_path / "scratch", "sft") == {"train": 8, "validation": 3, "steps": 8, "model": "org/student"}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_trl_trains_on_pairs_of_conversations(kind: str, tmp_path: Path) -> None:
    job = Job(tmp_path, task="CONVERSATION")
    job.train(
        [
            chat_line(*[message for turn in range(turns) for message in (("user", f"question {turn} of {turns}"), ("assistant", ""))])
            for turns in (1, 2, 3)
        ]
    )
    job.validation([chat_line(("user", "another question"), ("assistant", ""))])
    outputs = {
        "generated_batch_train_file_path": "train",
        "generated_batch_validation_file_path": "validation",
        "preference_train_file_path": "pairs",
        "preference_validation_file_path": "validation_pairs",
    }
    files = [f"--{name}={job.train_output.with_name(f'{file}.{kind}')}" for name, file in outputs.items()]
    with small_teacher() as teacher:
        teacher.says = by_try(lambda _, number: "far too many words" if number == 0 else f"answer {number}")
        job.url = teacher.url
        choosing = ("--samples=4", "--checks=length", "--max_answer_words=2", "--student_model=org/student", *ONE_AT_A_TIME)
        assert job.run(*choosing, *files) == 0
    assert trained(job, tmp_path / "scratch", "dpo") == {"train": 3, "validation": 1, "steps": 3, "model": "org/student"}


def trained(job: Job, scratch: Path, way: str) -> object:
    """What a Python with TRL says that it trained from the hand-off of a job."""
    script, folder = str(Path(__file__).with_name("trains_with_trl.py")), str(job.train_output.with_name("train.handoff"))
    ended = subprocess.run([str(PYTHON), script, folder, str(scratch), way], capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])
