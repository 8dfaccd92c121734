"""The settings that go to Azure ML besides the original's inputs, and those reported as staying behind."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from given_settings import NEEDED
from rendering import config_for
from validators import objections

from beam_distill.cli.main import main
from beam_distill.config.component import COMPONENT_INPUTS
from beam_distill.config.sources import resolve

PILOT = {"model": "gpt-4o", "limit": 10, "seed": 3, "extra_body": {"reasoning_effort": "low"}, "user_template": "Q: {{question}}\n'ü😀' $x"}


def rendered(folder: Path, *assignments: str, **inputs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The component and the job, accepted by their real readers."""
    (folder / "data").mkdir(exist_ok=True)
    for name in ("train", "validation"):
        (folder / "data" / f"{name}.jsonl").touch()
    config = config_for("azureml", folder, **inputs)
    sets = [word for text in assignments for word in ("--set", text)]
    assert main(["render", "azureml", "--config", str(config), "-o", str(folder / "out"), *sets]) == 0
    paths = folder / "out" / "component.yaml", folder / "out" / "job.yaml"
    assert not [text for path in paths for text in objections(path)]
    component, job = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths)
    return component, job["jobs"]["distill"]


def test_inputs_beyond_the_originals_are_variables_of_the_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    component, step = rendered(tmp_path, "drain_timeout=7", **PILOT)
    assert step["environment_variables"] == {
        "BEAM_DISTILL_LIMIT": "10",
        "BEAM_DISTILL_MODEL": "gpt-4o",
        "BEAM_DISTILL_EXTRA_BODY": '{"reasoning_effort": "low"}',
        "BEAM_DISTILL_SEED": "3",
        "BEAM_DISTILL_USER_TEMPLATE": PILOT["user_template"],
        "BEAM_DISTILL_DRAIN_TIMEOUT": "7.0",
    }
    assert tuple(component["inputs"]) == COMPONENT_INPUTS
    assert "warning" not in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore")  # the SDK's about itself
def test_the_sdk_hands_the_variables_to_the_service(tmp_path: Path) -> None:
    import azure.ai.ml as sdk

    rendered(tmp_path, **PILOT)
    job: Any = sdk.load_job(str(tmp_path / "out" / "job.yaml"))
    assert job.jobs["distill"]._to_rest_object()["environment_variables"]["BEAM_DISTILL_LIMIT"] == "10"


def test_lists_of_names_are_read_by_the_component_as_they_were_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"checks": "label,length", "max_answer_words": 5, "samples": 4, "keep_columns": "id,level", "teacher_model_top_logprobs": 5}
    _, step = rendered(tmp_path, **asked, preference_train_file_path=str(tmp_path / "pairs.jsonl"))
    said = capsys.readouterr().err
    assert f"preference_train_file_path: {tmp_path / 'pairs.jsonl'} is on the component's machine and lost with it" in said
    variables = step["environment_variables"]
    assert variables["BEAM_DISTILL_CHECKS"] == '["label", "length"]'
    read = resolve(NEEDED, None, variables).settings
    assert (read.checks, read.keep_columns, read.samples, read.teacher_model_top_logprobs) == (("label", "length"), ("id", "level"), 4, 5)


def test_a_job_that_has_no_such_inputs_has_no_variables(tmp_path: Path) -> None:
    _, step = rendered(tmp_path)
    assert "environment_variables" not in step


def test_a_work_dir_on_object_storage_is_the_components(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    component, step = rendered(tmp_path, work_dir="azfs://acct/c/work", beam_options={"azure_managed_identity_client_id": "1-2"})
    words = component["command"].split()
    assert words[words.index("--work_dir") + 1] == "azfs://acct/c/work"
    assert "--blob_service_endpoint=https://acct.blob.core.windows.net" in words
    assert "--azure_managed_identity_client_id=1-2" in words
    assert step["identity"] == {"type": "managed_identity"}
    assert "warning" not in capsys.readouterr().err
    component, step = rendered(tmp_path, "work_dir=azfs://other/c/work", work_dir="azfs://acct/c/work")
    assert "--work_dir azfs://other/c/work --blob_service_endpoint=https://other.blob" in component["command"]
    component, step = rendered(tmp_path, "work_dir=azfs://set/c/work", beam_options={"blob_service_endpoint": "https://own.example"})
    assert "--blob_service_endpoint=https://own.example" in component["command"]
    assert step["identity"] == {"type": "managed_identity"}
    assert component["command"].count("blob_service_endpoint") == 1


def test_parquet_stays_parquet(tmp_path: Path) -> None:
    outputs = {f"generated_batch_{split}_file_path": f"out/{split}.parquet" for split in ("train", "validation")}
    _, step = rendered(tmp_path, **outputs)
    assert step["environment_variables"] == {"BEAM_DISTILL_OUTPUT_FORMAT": "parquet"}


def test_files_that_stay_behind_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    component, step = rendered(
        tmp_path,
        runner="flink",
        master="jobmanager:8081",
        work_dir="somewhere/here",
        ca_bundle="/etc/ssl/own.pem",
        generated_batch_train_file_path="azfs://acct/c/out/train.jsonl",
        beam_options={"azure_connection_string": "AccountKey=very-secret", "direct_running_mode": "multi_processing"},
    )
    said = capsys.readouterr().err
    for start in (
        "runner, master: left out",
        "work_dir: somewhere/here is a local path",
        "ca_bundle: /etc/ssl/own.pem",
        "generated_batch_train_file_path: azfs://acct/c/out/train.jsonl is not written to",
        "beam_options: azure_connection_string left out",
    ):
        assert f"warning: {start}" in said
    assert "--direct_running_mode=multi_processing" in component["command"]
    assert "--work_dir ./outputs/beam_distill" in component["command"]
    assert step["environment_variables"] == {"BEAM_DISTILL_CA_BUNDLE": "/etc/ssl/own.pem"}
    assert "very-secret" not in said + "".join(path.read_text() for path in (tmp_path / "out").iterdir())
