"""Azure ML job files run as they are; only the endpoint is the embedded one."""

import json
import shutil
from pathlib import Path

import pytest
from builders import ROOT, SHARED_DATA, read_jsonl

from beam_distill.cli.main import main
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings

KEY = "NOT-A-REAL-KEY"


def run(job: Path, *flags: str, settings: SimulatorSettings | None = None) -> int:
    with start_simulator(settings or SimulatorSettings()) as simulator:
        return main(["run", "--config", str(job), "--teacher_model_endpoint_url", simulator.base_url, *flags])


def test_our_example_runs_with_the_key_that_stands_in_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder = tmp_path / "examples" / "azureml"
    job = folder / "distillation_math.yaml"
    with start_simulator(SimulatorSettings(api_key=KEY)) as simulator:
        text = job.read_text(encoding="utf-8").replace("https://teacher.example.com/chat/completions", simulator.base_url)
        job.write_text(text, encoding="utf-8")
        assert main(["run", "--config", str(job)]) == 0
    out = folder / "math-for-a-small-student"
    assert len(read_jsonl(out / "train.jsonl")) == 14 and len(read_jsonl(out / "validation.jsonl")) == 6
    handoff = {path.name for path in (out / "train.handoff").iterdir()}
    assert {"azureml_finetuning.yaml", "openai_finetuning.json", "trl_sft.yaml", "README.md"} < handoff
    assert "math-student" in (out / "train.handoff" / "azureml_finetuning.yaml").read_text(encoding="utf-8")
    printed = capfd.readouterr()
    assert str(out / "train.handoff") in printed.out
    assert str(out / "train.jsonl") in printed.err and "no effect here: experiment_name, description" in printed.err
    assert KEY not in printed.out + printed.err
    for path in out.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_the_step_of_a_pipeline_job_runs(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder = tmp_path / "examples" / "azureml"
    assert run(folder / "pipeline_nli.yaml") == 0
    assert len(read_jsonl(folder / "labelled" / "train.jsonl")) == 12
    assert len(read_jsonl(folder / "pipeline_nli" / "validation.jsonl")) == 6


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="the real job files are not here")
@pytest.mark.parametrize("task", ["conversation", "math", "nli", "nlu_qa", "summarization"])
def test_the_real_job_files_run_as_they_are(task: str, tmp_path: Path) -> None:
    for split in ("train", "validation"):
        source = SHARED_DATA / task / f"{split}.jsonl"
        source = source if source.exists() else SHARED_DATA / task / "validation.jsonl"
        shutil.copy(source, tmp_path / f"{split}_{task}.jsonl")
    shutil.copy(SHARED_DATA / task / "azureml_job.yaml", tmp_path / f"distillation_{task}.yaml")
    assert run(tmp_path / f"distillation_{task}.yaml") == 0
    (out,) = (path for path in tmp_path.iterdir() if path.is_dir())
    for split in ("train", "validation"):
        asked = [json.loads(line)["messages"] for line in (tmp_path / f"{split}_{task}.jsonl").read_text(encoding="utf-8").splitlines()]
        answered = [row["messages"] for row in read_jsonl(out / f"{split}.jsonl")]
        questions = [[m for m in chat if m["role"] != "assistant"] for chat in asked]
        assert [[m for m in chat if m["role"] != "assistant"] for chat in answered] == questions
        assert all(chat[-1]["role"] == "assistant" and chat[-1]["content"] for chat in answered)
    assert not read_jsonl(out / "train.beam_distill" / "rejects.jsonl")
