"""Unchanged Azure ML job files run, with the embedded endpoint."""

import shutil
from pathlib import Path

import pytest
import yaml
from builders import ROOT, SHARED_DATA, read_jsonl
from component_contract import exchanges, expected_rows, inputs_of

from beam_distill.cli.main import main
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings

KEY = "NOT-A-REAL-KEY"


def run(job: Path, *flags: str, settings: SimulatorSettings | None = None) -> int:
    with start_simulator(settings or SimulatorSettings()) as simulator:
        return main(["run", "--config", str(job), "--teacher_model_endpoint_url", simulator.base_url, *flags])


@pytest.mark.slow
def test_our_example_runs_with_the_key_in_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder = tmp_path / "examples" / "azureml"
    job = folder / "distillation_math.yaml"
    with start_simulator(SimulatorSettings(api_key=KEY)) as simulator:
        text = job.read_text(encoding="utf-8").replace("https://teacher.example.com/chat/completions", simulator.base_url)
        job.write_text(text, encoding="utf-8")
        assert main(["run", "--config", str(job)]) == 0
    out = folder / "math-for-a-small-student"
    assert len(read_jsonl(out / "train.jsonl")) == 14
    assert len(read_jsonl(out / "validation.jsonl")) == 6
    handoff = {path.name for path in (out / "train.handoff").iterdir()}
    assert {"azureml_finetuning.yaml", "openai_finetuning.json", "trl_sft.yaml", "README.md"} < handoff
    assert "math-student" in (out / "train.handoff" / "azureml_finetuning.yaml").read_text(encoding="utf-8")
    printed = capfd.readouterr()
    assert str(out / "train.handoff") in printed.out
    assert str(out / "train.jsonl") in printed.err
    assert "no effect here: experiment_name, description" in printed.err
    assert KEY not in printed.out + printed.err
    for path in out.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


@pytest.mark.slow
def test_the_step_of_a_pipeline_job_runs(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder = tmp_path / "examples" / "azureml"
    assert run(folder / "pipeline_nli.yaml") == 0
    assert len(read_jsonl(folder / "labelled" / "train.jsonl")) == 12
    assert len(read_jsonl(folder / "pipeline_nli" / "validation.jsonl")) == 6


def step_that_names_its_endpoint(tmp_path: Path, **inputs: str) -> Path:
    """Our pipeline job, by default with every input about the endpoint that a step may give."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    job = tmp_path / "examples" / "azureml" / "pipeline_nli.yaml"
    fields = yaml.safe_load(job.read_text(encoding="utf-8"))
    del fields["jobs"]["distill"]["inputs"]["teacher_model_endpoint_url"]
    fields["jobs"]["distill"]["inputs"] |= {"teacher_model_endpoint_name": "teacher", **inputs}
    job.write_text(yaml.safe_dump(fields), encoding="utf-8")
    return job


ASSET = "azureml://registries/azureml-meta/models/Meta-Llama-3.1-405B-Instruct/versions/1"
FILES_URL = "https://teacher.example.com/v1"


@pytest.mark.parametrize("inputs", [{}, {"teacher_model_endpoint_url": FILES_URL}, {"teacher_model_endpoint_key": KEY}])
@pytest.mark.parametrize("flags", [(), ("--authentication_type=none",)])
def test_a_step_that_names_its_endpoint_is_sent_elsewhere_by_flag(
    inputs: dict[str, str], flags: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    job = step_that_names_its_endpoint(tmp_path, teacher_model_asset_id=ASSET, **inputs)
    with start_simulator() as simulator:
        assert main(["check", "--config", str(job), "--teacher_model_endpoint_url", simulator.base_url, *flags]) == 0
    said = capfd.readouterr()
    for name in ("teacher_model_endpoint_name", "teacher_model_asset_id"):
        assert f"its {name} is not used, because another teacher_model_endpoint_url is given" in said.out + said.err
    assert KEY not in said.out + said.err


@pytest.mark.parametrize(("key", "flags"), [({"teacher_model_endpoint_key": KEY}, ()), ({}, ("--authentication_type=none",))])
def test_a_name_is_not_looked_up_where_the_step_gives_address_and_access(
    key: dict[str, str], flags: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with start_simulator(SimulatorSettings(api_key=KEY if key else None)) as simulator:
        job = step_that_names_its_endpoint(tmp_path, teacher_model_endpoint_url=simulator.base_url, **key)
        assert main(["check", "--config", str(job), *flags]) == 0
    said = capfd.readouterr()
    assert "teacher_model_endpoint_name is not used, because there is nothing to look up" in said.out + said.err


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="TEST_DATA_DIR names no folder of real data")
@pytest.mark.parametrize("task", ["conversation", "math", "nli", "nlu_qa", "summarization"])
def test_the_real_job_files_give_what_the_component_documents(task: str, tmp_path: Path) -> None:
    for split in ("train", "validation"):
        # the training rows of the summarization job are not in the real data: its validation rows replace them
        sources = [SHARED_DATA / task / f"{name}.jsonl" for name in (split, "validation")]
        shutil.copy(next(path for path in sources if path.exists()), tmp_path / f"{split}_{task}.jsonl")
    file = tmp_path / f"distillation_{task}.yaml"
    shutil.copy(SHARED_DATA / task / "azureml_job.yaml", file)
    assert run(file) == 0
    (out,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert not read_jsonl(out / "train.beam_distill" / "rejects.jsonl")
    job = inputs_of(file)
    asked = exchanges(out / "train.beam_distill" / "ledger")
    for split, name in (("train", "training_data"), ("validation", "validation_data")):
        expected = list(expected_rows(job, split, tmp_path / job[name]["path"], asked))
        assert read_jsonl(out / f"{split}.jsonl") == expected
        assert len(expected) == sum(1 for key in asked if key[0] == split and key[2] == 0)
