"""Azure ML's own distillation pipeline as a config file."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from parent_pipeline import DATAGEN, parent_pipeline

from beam_distill.config.azureml_job import HEADER_VARIABLE, KEY_VARIABLE
from beam_distill.config.errors import SettingsError
from beam_distill.config.sources import ResolvedSettings, resolve

SECRET = "Bearer NOT-A-REAL-SECRET"


@pytest.fixture(autouse=True)
def _no_secret_left(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (KEY_VARIABLE, f"{HEADER_VARIABLE}AUTHORIZATION"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)


def written(tmp_path: Path, fields: dict[str, Any]) -> str:
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump(fields, sort_keys=False), encoding="utf-8")
    return str(path)


def given(tmp_path: Path, fields: dict[str, Any], **flags: Any) -> ResolvedSettings:
    needed = {"train_file_path": "rows.jsonl", "generated_batch_train_file_path": "out.jsonl", "data_generation_task_type": "MATH"}
    return resolve({"teacher_model_endpoint_url": "http://127.0.0.1:1/v1", **needed, **flags}, written(tmp_path, fields), {})


@pytest.mark.fault("G1", "G3")
@pytest.mark.parametrize("task", ["NLI", "CONVERSATION", "NLU_QA", "MATH", "SUMMARIZATION"])
def test_azure_mls_own_pipeline_runs_with_its_defaults_for_every_task(tmp_path: Path, task: str) -> None:
    settings = given(tmp_path, parent_pipeline(), data_generation_task_type=task).settings
    assert settings.data_generation_task_type.value == task
    assert settings.effective_max_new_tokens == (1024 if task == "SUMMARIZATION" else 128)
    assert (settings.max_len_summary, settings.mini_batch_size, settings.initial_worker_count) == (80, 102400, 5)
    assert settings.resolved_authentication.kind == "none"
    assert settings.compute_data_generation == "serverless"


@pytest.mark.fault("G1")
def test_its_values_are_those_of_the_step_that_asks_in_batches(tmp_path: Path) -> None:
    fields = parent_pipeline(
        train_file_path="rows/train.jsonl",
        validation_file_path="rows/validation.jsonl",
        data_generation_task_type="NLI",
        teacher_model_endpoint_url="http://127.0.0.1:9/v1",
        teacher_model_endpoint_key="NOT-A-REAL-KEY",
        teacher_model_stop="[END]",
        enable_chain_of_thought="true",
        request_batch_size=99,
        max_worker_count=7,
    )
    found = resolve({}, written(tmp_path, fields), {})
    settings = found.settings
    assert settings.train_file_path == str(tmp_path / "rows" / "train.jsonl")
    assert settings.generated_batch_train_file_path == str(tmp_path / "distillation_pipeline" / "train.jsonl")
    assert settings.teacher_model_stop == ("[END]",)
    assert settings.enable_chain_of_thought
    assert settings.max_worker_count == 7
    assert settings.initial_worker_count == 5  # request_batch_size is of the other steps
    assert settings.api_key_env == KEY_VARIABLE
    assert found.secrets[KEY_VARIABLE] == "NOT-A-REAL-KEY"
    said = " ".join(found.warnings)
    for step in ("oss_distillation_validate_pipeline", "oss_distillation_seq_scoring_pipeline", "oss_chat_completion_finetune"):
        assert f"jobs.{step}" in said
    assert ".description" not in said
    assert ".enum" not in said
    assert ".optional" not in said


def _only(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**fields, "jobs": {name: step for name, step in fields["jobs"].items() if name in names}}


@pytest.mark.fault("G1")
@pytest.mark.parametrize(
    "component",
    [
        f"azureml:{DATAGEN}@latest",
        f"azureml://registries/azureml/components/{DATAGEN}/versions/0.0.1",
        f"azureml://registries/azureml/components/{DATAGEN}/labels/latest",
        "file:./components/datagen/spec.yaml",
        "./component.yaml",
        "azureml:beam_distill:1",
    ],
)
def test_the_step_is_known_by_its_component_or_by_what_it_makes(tmp_path: Path, component: str) -> None:
    fields = parent_pipeline(teacher_model_stop="END")
    step = fields["jobs"].pop(DATAGEN)
    fields["jobs"] = {**fields["jobs"], "label": {**step, "component": component}}
    assert given(tmp_path, fields).settings.teacher_model_stop == ("END",)


@pytest.mark.fault("G1")
def test_the_step_that_asks_row_by_row_is_run_where_it_is_alone(tmp_path: Path) -> None:
    fields = _only(parent_pipeline(), "oss_distillation_validate_pipeline", "oss_distillation_seq_scoring_pipeline")
    outputs = fields["jobs"]["oss_distillation_seq_scoring_pipeline"]["outputs"]
    outputs["generated_train_file_path"] = {"type": "uri_file", "path": "./made/train.jsonl"}
    settings = given(tmp_path, fields).settings
    assert settings.initial_worker_count == 10
    assert settings.student_model is None
    found = resolve(
        {"train_file_path": "r.jsonl", "data_generation_task_type": "NLI", "teacher_model_endpoint_url": "http://127.0.0.1:1"},
        written(tmp_path, fields),
        {},
    )
    assert found.settings.generated_batch_train_file_path == str(tmp_path / "made" / "train.jsonl")


@pytest.mark.fault("G1")
def test_a_pipeline_without_the_step_and_one_with_two_say_so(tmp_path: Path) -> None:
    fields = parent_pipeline()
    twice = {**fields, "jobs": {**fields["jobs"], "again": fields["jobs"][DATAGEN]}}
    with pytest.raises(SettingsError, match="these steps do: oss_distillation_batchscoring_datagen_pipeline, again; keep one"):
        given(tmp_path, twice)
    with pytest.raises(SettingsError, match=r"none of its steps does \(oss_distillation_validate_pipeline, import\)"):
        given(tmp_path, _only(fields, "oss_distillation_validate_pipeline", "import"))


@pytest.mark.fault("G19")
def test_data_of_another_step_is_requested_by_the_name_of_the_step(tmp_path: Path) -> None:
    fields = parent_pipeline(data_generation_task_type="NLI", teacher_model_endpoint_url="http://127.0.0.1:1/v1")
    fields["jobs"][DATAGEN]["inputs"]["train_file_path"] = "${{parent.jobs.prep.outputs.o}}"
    with pytest.raises(SettingsError) as refused:
        resolve({}, written(tmp_path, fields), {})
    assert "comes from ${{parent.jobs.prep.outputs.o}}, which is not run here; give its result as --train_file_path" in str(refused.value)


@pytest.mark.fault("G12")
def test_a_secret_header_in_the_file_is_used_reported_and_never_shown(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1/v1"
    fields = parent_pipeline(teacher_model_endpoint_url=url, additional_headers=f'{{"Authorization": "{SECRET}", "x-team": "a"}}')
    found = given(tmp_path, fields, teacher_model_endpoint_url=url)
    variable = f"{HEADER_VARIABLE}AUTHORIZATION"
    assert found.settings.additional_headers == {"Authorization": f"${{{variable}}}", "x-team": "a"}
    assert found.secrets[variable] == SECRET
    assert any("the secret in Authorization is used; anyone who can read the file can read it" in warning for warning in found.warnings)
    assert "NOT-A-REAL-SECRET" not in repr(found) + str(found.settings.public_view())


@pytest.mark.fault("G12")
def test_a_secret_header_of_the_file_goes_to_the_files_endpoint_alone(tmp_path: Path) -> None:
    fields = parent_pipeline(teacher_model_endpoint_url="https://teacher.example.com/v1", additional_headers='{"api-key": "abc", "x-team": "a"}')
    found = given(tmp_path, fields)  # with another address by flag
    assert found.settings.additional_headers == {"x-team": "a"}
    assert f"{HEADER_VARIABLE}API_KEY" not in found.secrets
    assert any("api-key of its additional_headers is not sent" in warning for warning in found.warnings)
    with pytest.raises(SettingsError, match="workers of flink cannot see a key"):
        given(tmp_path, fields, teacher_model_endpoint_url="https://teacher.example.com/v1", runner="flink")
