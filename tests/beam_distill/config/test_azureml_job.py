"""Azure ML job files as config files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import ROOT, SHARED_DATA

from beam_distill.config.azureml_job import KEY_VARIABLE, read_job
from beam_distill.config.errors import SettingsError
from beam_distill.config.sources import ResolvedSettings, resolve

MATH = ROOT / "examples" / "azureml" / "distillation_math.yaml"
NLI = ROOT / "examples" / "azureml" / "pipeline_nli.yaml"
KEY = "NOT-A-REAL-KEY"


@pytest.fixture(autouse=True)
def _no_key_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "")
    monkeypatch.delenv(KEY_VARIABLE)


def resolved(path: Path, **flags: Any) -> ResolvedSettings:
    return resolve(flags, str(path), {})


def changed(tmp_path: Path, source: Path, change: Any) -> Path:
    fields = yaml.safe_load(source.read_text(encoding="utf-8"))
    change(fields)
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump(fields), encoding="utf-8")
    return path


def test_a_distillation_job_is_read_key_by_key() -> None:
    settings = resolved(MATH).settings
    folder = ROOT / "examples"
    assert settings.train_file_path == str(folder / "math" / "train.jsonl")
    assert settings.validation_file_path == str(folder / "math" / "validation.jsonl")
    assert settings.generated_batch_train_file_path == str(folder / "azureml" / "math-for-a-small-student" / "train.jsonl")
    assert settings.generated_batch_validation_file_path == str(folder / "azureml" / "math-for-a-small-student" / "validation.jsonl")
    assert settings.data_generation_task_type.value == "MATH"
    assert settings.enable_chain_of_thought
    assert settings.teacher_model_endpoint_url == "https://teacher.example.com/chat/completions"
    assert (settings.teacher_model_temperature, settings.teacher_model_top_p, settings.teacher_model_max_new_tokens) == (0.1, 0.95, 1024)
    assert settings.extra_body == {"repetition_penalty": 1.05}
    assert (settings.initial_worker_count, settings.min_endpoint_success_ratio) == (10, 0.8)
    assert (settings.num_train_epochs, settings.per_device_train_batch_size, settings.learning_rate_multiplier) == (5, 2, 0.2)
    assert settings.instance_type_data_generation == "Standard_D2_v2"
    assert settings.student_model == "azureml://registries/azureml-meta/models/Meta-Llama-3.1-8B-Instruct/versions/2"
    assert settings.registered_model_name == "math-student"


@pytest.mark.filterwarnings("ignore")
def test_azure_mls_own_loader_reads_the_same_out_of_our_example() -> None:
    from azure.ai.ml import load_job

    job: Any = load_job(MATH)
    settings = resolved(MATH).settings
    assert type(job).__name__ == "DistillationJob"
    assert job.data_generation_task_type == settings.data_generation_task_type.value
    assert job.prompt_settings.enable_chain_of_thought is settings.enable_chain_of_thought
    assert job.teacher_model_settings.inference_parameters["max_tokens"] == settings.teacher_model_max_new_tokens
    assert job.teacher_model_settings.endpoint_request_settings.min_endpoint_success_ratio == settings.min_endpoint_success_ratio
    assert job.hyperparameters["n_epochs"] == str(settings.num_train_epochs)
    assert (MATH.parent / job.training_data.path).resolve() == Path(settings.train_file_path)


def test_what_has_no_effect_is_named_once_and_nothing_else_is() -> None:
    (ignored,) = [warning for warning in resolved(MATH).warnings if "no effect" in warning]
    assert ignored.endswith(
        "these keys have no effect here: experiment_name, description, "
        "teacher_model_endpoint_connection.type (serverless), teacher_model_endpoint_connection.name"
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda job: job.update(queue_settings={"job_tier": "spot"}), "queue_settings"),
        (lambda job: job["hyperparameters"].update(lora_r="8"), "hyperparameters.lora_r"),
        (lambda job: job["prompt_settings"].update(custom_prompt="x"), "prompt_settings.custom_prompt"),
        (lambda job: job["teacher_model_settings"]["inference_parameters"].update(stream=True), "inference_parameters.stream"),
        (lambda job: job["teacher_model_settings"].update(more=1), "teacher_model_settings.more"),
        (lambda job: job["resources"].update(docker_args="x"), "resources.docker_args"),
        (lambda job: job["outputs"].update(more={"type": "uri_file"}), "outputs.more.type"),
        (lambda job: job["training_data"].update(description="x"), "training_data.description"),
        (lambda job: job["teacher_model_endpoint_connection"].update(tags={}), "teacher_model_endpoint_connection.tags"),
        (lambda job: job["teacher_model_endpoint_connection"].update(type="custom"), "teacher_model_endpoint_connection.type (custom)"),
        (
            lambda job: job["teacher_model_endpoint_connection"].update(credentials={"type": "managed_identity"}),
            "teacher_model_endpoint_connection.credentials.type (managed_identity)",
        ),
        (lambda job: job["training_data"].update(type="mltable"), "training_data.type (mltable)"),
        (lambda job: job["validation_data"].update(type="uri_folder"), "validation_data.type (uri_folder)"),
        (lambda job: job["training_data"].update(mode="eval_mount"), "training_data.mode (eval_mount)"),
        (lambda job: job.update(student_model={"type": "custom_model", "path": "azureml:m:1"}), "student_model.type (custom_model)"),
        (lambda job: job["outputs"]["registered_model"].update(type="custom_model"), "outputs.registered_model.type (custom_model)"),
        (lambda job: job["outputs"]["registered_model"].update(mode="rw_mount"), "outputs.registered_model.mode"),
    ],
)
def test_keys_that_cannot_be_honoured_are_named(tmp_path: Path, change: Any, named: str) -> None:
    assert any(named in warning for warning in resolved(changed(tmp_path, MATH, change)).warnings)


def test_default_behaviour_is_not_named(tmp_path: Path) -> None:
    def change(job: dict[str, Any]) -> None:
        del job["experiment_name"], job["description"]
        job["training_data"]["mode"] = "ro_mount"
        job["validation_data"]["mode"] = "download"
        job["student_model"] = {"type": "mlflow_model", "path": job["student_model"]}
        connection = job["teacher_model_endpoint_connection"]
        del connection["name"], connection["api_key"]
        connection["endpoint"] = "https://teacher.eastus2.models.ai.azure.com"
        connection["credentials"] = {"type": "api_key", "key": KEY}

    assert [warning for warning in resolved(changed(tmp_path, MATH, change)).warnings if "no effect" in warning] == []


@pytest.mark.parametrize(
    ("endpoint", "kind"),
    [("https://gateway.example.com/openai", "azure_openai"), ("https://r.openai.azure.com", None)],
)
def test_a_connection_to_azure_openai_may_have_any_host(tmp_path: Path, endpoint: str, kind: str | None) -> None:
    path = changed(tmp_path, MATH, lambda job: job["teacher_model_endpoint_connection"].update(type="azure_open_ai", endpoint=endpoint))
    found = resolved(path)
    assert found.settings.endpoint_kind == kind
    assert "connection.type" not in " ".join(found.warnings)
    assert resolved(path, teacher_model_endpoint_url="http://127.0.0.1:1/v1").settings.endpoint_kind is None


def test_a_key_without_an_address_goes_to_the_address_that_is_given(tmp_path: Path) -> None:
    path = changed(tmp_path, MATH, lambda job: job["teacher_model_endpoint_connection"].update(endpoint=""))
    assert resolved(path, teacher_model_endpoint_url="http://127.0.0.1:1/v1").settings.api_key_env == KEY_VARIABLE


def test_a_request_batch_size_above_the_most_workers_is_reported(tmp_path: Path) -> None:
    path = changed(tmp_path, MATH, lambda job: job["teacher_model_settings"]["endpoint_request_settings"].update(request_batch_size=500))
    found = resolved(path)
    assert found.settings.effective_initial_worker_count == 200
    assert any("is 500, more than max_worker_count" in warning and "request_batch_size" in warning for warning in found.warnings)


def test_a_key_in_the_file_is_used_and_shown_nowhere() -> None:
    found = resolved(MATH)
    assert found.secrets == {KEY_VARIABLE: KEY}
    assert found.settings.api_key_env == KEY_VARIABLE
    job = read_job(yaml.safe_load(MATH.read_text(encoding="utf-8")), "x")
    shown = json.dumps([found.settings.public_view(), found.origins, found.warnings, repr(found), repr(job)])
    assert KEY not in shown
    assert any("anyone who can read the file can read the key" in warning and "--api_key_env" in warning for warning in found.warnings)


def test_the_files_key_is_for_the_files_endpoint_alone() -> None:
    found = resolved(MATH, teacher_model_endpoint_url="http://127.0.0.1:1/v1")
    assert found.secrets == {}
    assert found.settings.resolved_authentication.kind == "none"
    assert any("api_key is not sent" in warning for warning in found.warnings)


def test_another_endpoints_name_takes_nothing_of_the_files_endpoint(tmp_path: Path) -> None:
    found = resolved(MATH, teacher_model_endpoint_name="other")
    assert found.secrets == {}
    assert found.settings.teacher_model_endpoint_url is None
    assert found.settings.endpoint_to_look_up == "other"
    said = " ".join(found.warnings)
    assert "its teacher_model_endpoint_url is not used, because another teacher_model_endpoint_name is given" in said
    assert "its api_key is not sent, because another teacher_model_endpoint_name is given" in said


def test_the_same_endpoint_by_flag_is_the_files_endpoint() -> None:
    assert resolved(MATH, teacher_model_endpoint_url="https://teacher.example.com/chat/completions").settings.api_key_env == KEY_VARIABLE


@pytest.mark.parametrize(("flag", "value"), [("api_key_env", "MINE"), ("authentication_type", "none"), ("connection_name", "c")])
def test_a_flag_about_access_wins(flag: str, value: str) -> None:
    found = resolved(MATH, **{flag: value})
    assert found.secrets == {}
    assert found.settings.api_key_env == (value if flag == "api_key_env" else None)


def test_a_cluster_is_not_promised_a_key_that_it_cannot_see() -> None:
    with pytest.raises(SettingsError, match="workers of flink cannot see a key.*--api_key_env"):
        resolved(MATH, runner="flink")
    assert resolved(MATH, runner="flink", api_key_env="TEACHER_KEY").settings.runner == "flink"


def test_without_a_key_the_connection_is_looked_up(tmp_path: Path) -> None:
    path = changed(tmp_path, MATH, lambda job: job["teacher_model_endpoint_connection"].pop("api_key"))
    assert resolved(path).settings.connection_name == "teacher"
    assert resolved(path, teacher_model_endpoint_url="http://127.0.0.1:1").settings.connection_name is None


def test_assets_and_making_up_data_are_refused_with_advice(tmp_path: Path) -> None:
    path = changed(tmp_path, MATH, lambda job: job.update(training_data="azureml:rows@latest"))
    with pytest.raises(SettingsError, match="azureml:rows@latest is an asset in Azure ML; download it"):
        resolved(path)
    assert resolved(path, train_file_path="rows.jsonl").settings.train_file_path == "rows.jsonl"
    with pytest.raises(SettingsError, match="data_generation_type.*label_generation"):
        resolved(changed(tmp_path, MATH, lambda job: job.update(data_generation_type="data_generation")))


def test_a_pipeline_job_is_read_through_its_expressions() -> None:
    found = resolved(NLI)
    settings = found.settings
    folder = ROOT / "examples"
    assert settings.train_file_path == str(folder / "nli" / "train.jsonl")
    assert settings.generated_batch_train_file_path == str(folder / "azureml" / "labelled" / "train.jsonl")
    assert settings.generated_batch_validation_file_path == str(folder / "azureml" / "pipeline_nli" / "validation.jsonl")
    assert settings.teacher_model_endpoint_url == "https://teacher.example.com/v1"
    assert settings.teacher_model_max_new_tokens == 512
    assert settings.enable_chain_of_thought
    assert settings.resolved_authentication.kind == "none"
    said = " ".join(found.warnings)
    for name in ("validation_info", "jobs.check", "display_name", "experiment_name"):
        assert name in said


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda job: job["inputs"]["rows"].update(type="mltable"), "inputs.rows.type (mltable)"),
        (lambda job: job["inputs"]["rows"].update(mode="eval_mount"), "inputs.rows.mode (eval_mount)"),
        (lambda job: job["inputs"].update(tokens={"type": "integer", "default": 512, "max": 600}), "inputs.tokens.max"),
        (
            lambda job: job["jobs"]["distill"]["inputs"].update(train_file_path={"type": "uri_folder", "path": "../nli/train.jsonl"}),
            "jobs.distill.inputs.train_file_path.type (uri_folder)",
        ),
        (lambda job: job["outputs"]["labelled"].update(type="mltable"), "outputs.labelled.type (mltable)"),
        (lambda job: job["outputs"]["labelled"].update(name="asset"), "outputs.labelled.name"),
        (lambda job: job["outputs"].update(more={"type": "uri_file"}), "outputs.more"),
        (
            lambda job: job["outputs"]["labelled"].update(path="azureml://datastores/d/paths/${{name}}/train.jsonl"),
            "the output generated_batch_train_file_path is a path in Azure ML",
        ),
    ],
)
def test_keys_of_a_pipeline_that_cannot_be_honoured_are_named(tmp_path: Path, change: Any, named: str) -> None:
    before, after = (" ".join(resolved(changed(tmp_path, NLI, edit)).warnings) for edit in (lambda job: None, change))
    assert named not in before
    assert after.count(named) == 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda job: job["jobs"].pop("distill"), "none of its steps does"),
        (lambda job: job["jobs"].update(again=dict(job["jobs"]["distill"])), "these steps do: again, distill; keep one"),
        (lambda job: job["inputs"].pop("rows"), "the pipeline has no input 'rows'"),
        (lambda job: job["jobs"]["distill"].update(inputs=3), "expected keys and values"),
    ],
)
def test_pipelines_that_cannot_be_run_say_why(tmp_path: Path, change: Any, match: str) -> None:
    with pytest.raises(SettingsError, match=match):
        resolved(changed(tmp_path, NLI, change))


@pytest.mark.fault("G19")
def test_data_of_another_step_is_asked_for(tmp_path: Path) -> None:
    path = changed(tmp_path, NLI, lambda job: job["jobs"]["distill"]["inputs"].update(train_file_path="${{parent.jobs.prep.outputs.rows}}"))
    assert resolved(path, train_file_path="rows.jsonl").settings.train_file_path == "rows.jsonl"
    with pytest.raises(SettingsError, match=r"comes from \$\{\{parent.jobs.prep.outputs.rows\}\}.*give its result as --train_file_path"):
        resolved(path)


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="TEST_DATA_DIR names no folder of real data")
@pytest.mark.parametrize("task", ["conversation", "math", "nli", "nlu_qa", "summarization"])
def test_the_real_job_files_are_understood(task: str) -> None:
    found = resolved(SHARED_DATA / task / "azureml_job.yaml")
    assert found.settings.data_generation_task_type.value == task.upper()
    assert found.settings.train_file_path == str(SHARED_DATA / task / f"train_{task}.jsonl")
    assert found.settings.num_train_epochs == 5
    assert [warning.split(": ", 1)[1] for warning in found.warnings if "no effect" in warning] == [
        "these keys have no effect here: description, experiment_name, teacher_model_endpoint_connection.name"
    ]
