"""Log probabilities beside the answers, for training on soft targets."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from builders import questions, read_jsonl
from jobs import Job

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings


def a_job(folder: Path, url: str) -> Job:
    job = Job(folder, url)
    job.train(questions(6))
    return job


def check(row: dict[str, Any], top: int) -> None:
    [found] = row["logprobs"]
    assert "".join(found["tokens"]) == row["messages"][-1]["content"]
    assert found["logprobs"] == [-0.125] * len(found["tokens"])
    assert [len(likely) for likely in found["top_tokens"]] == [len(likely) for likely in found["top_logprobs"]] == [top] * len(found["tokens"])
    if top:
        assert [likely[0] for likely in found["top_tokens"]] == found["tokens"]


@pytest.mark.parametrize("stream", ["off", "on"])
def test_they_stand_beside_the_answer_streamed_or_not(stream: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator() as simulator:
        job = a_job(tmp_path, simulator.base_url)
        more = ("--teacher_model_top_logprobs=3", f"--stream={stream}")
        assert job.run(*more) == 0
        rows = read_jsonl(job.train_output)
        for row in rows:
            check(row, 3)
        said = capsys.readouterr()
        assert "with log probabilities of the 3 likeliest tokens" in said.err
        assert "null" not in said.out
        assert job.run(*more, "--output_format=parquet", "--max_concurrency_per_instance=2") == 0
        assert pyarrow.parquet.read_table(job.train_output).to_pylist() == rows
        assert simulator.stats()["requests"] == 6
        assert {path.name for path in job.train_output.with_suffix(".handoff").glob("[!.]*")} == {"README.md", "trl_sft.yaml"}


def test_without_likely_tokens_only_the_answers_own_are_kept(tmp_path: Path) -> None:
    with start_simulator(SimulatorSettings(reasoning="think")) as simulator:
        job = a_job(tmp_path, simulator.base_url)
        assert job.run("--teacher_model_top_logprobs=0", "--metadata=true") == 0
        for row in read_jsonl(job.train_output):
            assert list(row) == ["messages", "logprobs", "metadata"]
            [found] = row["logprobs"]
            assert row["messages"][-1]["content"] in "".join(found["tokens"])
            assert "think" not in "".join(found["tokens"])


def test_a_teacher_that_refuses_them_is_asked_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(refuses=("logprobs",))) as simulator:
        job = a_job(tmp_path, simulator.base_url)
        assert job.run("--teacher_model_top_logprobs=5", "--initial_worker_count=1", "--max_worker_count=1") == 0
        assert [row["logprobs"] for row in read_jsonl(job.train_output)] == [[None]] * 6
        said = capsys.readouterr().out
        assert "warning     the teacher refuses logprobs: requests were sent without" in said
        assert "    logprobs      null for an answer of 6 of 6 rows with an example: the teacher sent none" in said
        recorded = json.loads((job.work_dir / "run.json").read_text())
        assert recorded["left_out"] == ["logprobs"]
        assert recorded["verdict"]["splits"]["train"]["without_logprobs"] == 6
        assert job.run("--teacher_model_top_logprobs=5") == 0
        assert simulator.stats()["requests"] == 7


def test_they_are_asked_for_by_their_own_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = a_job(tmp_path, "http://127.0.0.1:9/v1")
    assert job.run('--extra_body={"logprobs": true}') == 2
    assert "use teacher_model_top_logprobs" in capsys.readouterr().err
    assert job.run("--teacher_model_top_logprobs=21") == 2
