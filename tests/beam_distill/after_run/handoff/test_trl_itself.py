"""TRL trains with our configuration and rows. Runs if TRL is installed, or with TRL_PYTHON naming a Python that has it: with torch it is
too large for the usual tests."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders import questions
from jobs import Job

from beam_distill.simulator.server import start_simulator

PYTHON = os.environ.get("TRL_PYTHON") or (sys.executable if importlib.util.find_spec("trl") else None)


@pytest.mark.slow
@pytest.mark.skipif(PYTHON is None, reason="TRL is not installed; TRL_PYTHON may name a Python that has it")
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
    script = str(Path(__file__).with_name("trains_with_trl.py"))
    folder = str(job.train_output.with_name("train.handoff"))
    ended = subprocess.run([str(PYTHON), script, folder, str(tmp_path / "scratch")], capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert json.loads(ended.stdout.splitlines()[-1]) == {"train": 8, "validation": 3, "steps": 8, "model": "org/student"}
