"""Values that the original component accepts, and their meaning here."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from given_settings import NEEDED, given, refused

from beam_distill.cli.main import main
from beam_distill.config.errors import SettingsError
from beam_distill.config.sources import ENVIRONMENT_PREFIX, resolve

TASKS = ("NLI", "CONVERSATION", "NLU_QA", "MATH", "SUMMARIZATION")


@pytest.mark.fault("G3")
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_len_summary", "80"),
        ("max_len_summary", 80),
        ("max_retry_time_interval", "0"),
        ("teacher_model_max_new_tokens", "128"),
        ("teacher_model_frequency_penalty", "0.0"),
        ("enable_chain_of_thought", "false"),
        ("enable_chain_of_density", "false"),
        ("authentication_type", "azureml_workspace_connection"),
        ("mini_batch_size", "100KB"),
        ("compute_finetune", "serverless"),
    ],
)
def test_a_default_spelled_out_is_accepted_for_every_task(task: str, name: str, value: Any) -> None:
    assert given(data_generation_task_type=task, **{name: value}).settings.data_generation_task_type.value == task


@pytest.mark.fault("G3")
def test_another_length_of_summaries_is_for_summaries() -> None:
    assert "max_len_summary: only for SUMMARIZATION, not for MATH" in refused(max_len_summary="50")
    assert given(data_generation_task_type="summarization", max_len_summary="50", enable_chain_of_density="true").settings.max_len_summary == 50


@pytest.mark.fault("G8")
def test_the_default_token_limit_spelled_out_means_for_summaries_what_it_means_in_the_component() -> None:
    found = given(data_generation_task_type="SUMMARIZATION", teacher_model_max_new_tokens="128")
    assert found.settings.effective_max_new_tokens == 1024
    assert any("is 128, the component's default, which means 1024 for SUMMARIZATION" in warning for warning in found.warnings)
    for limit in (127, 129, 1024):
        exact = given(data_generation_task_type="SUMMARIZATION", teacher_model_max_new_tokens=limit)
        assert exact.settings.effective_max_new_tokens == limit
        assert exact.warnings == []
    assert given(teacher_model_max_new_tokens="128").settings.effective_max_new_tokens == 128
    assert given(teacher_model_max_new_tokens="128").warnings == []
    (said,) = given(teacher_model_max_new_tokens="128", enable_chain_of_thought="true").warnings
    assert "is 128, which is too little for step-by-step reasoning" in said


STOPS: list[tuple[Any, tuple[str, ...]]] = [
    ("[/INST]", ("[/INST]",)),
    ("[END]", ("[END]",)),
    ("[1]", ("[1]",)),
    ("[", ("[",)),
    ("[[", ("[[",)),
    ("\n", ("\n",)),
    ("\n\n", ("\n\n",)),
    ("  ", ("  ",)),
    (" END ", (" END ",)),
    ("<|im_end|>", ("<|im_end|>",)),
    ('{"', ('{"',)),
    ('["[/INST]"]', ("[/INST]",)),
    ('["\\n", " "]', ("\n", " ")),
    (' ["a", "b"]', ("a", "b")),
]


@pytest.mark.fault("G5")
@pytest.mark.parametrize(("text", "stops"), STOPS, ids=lambda value: json.dumps(value))
def test_stop_texts_arrive_exactly_as_given(tmp_path: Path, text: str, stops: tuple[str, ...]) -> None:
    assert given(teacher_model_stop=text).settings.teacher_model_stop == stops
    assert resolve(NEEDED, None, {f"{ENVIRONMENT_PREFIX}TEACHER_MODEL_STOP": text}).settings.teacher_model_stop == stops
    config = tmp_path / "config.yaml"
    for value in (text, list(stops)):
        config.write_text(yaml.safe_dump({"teacher_model_stop": value}), encoding="utf-8")
        assert resolve(NEEDED, str(config), {}).settings.teacher_model_stop == stops
        step = {"train_file_path": "x", "data_generation_task_type": "MATH", "teacher_model_stop": value}
        config.write_text(yaml.safe_dump({"type": "pipeline", "jobs": {"s": {"inputs": step}}}), encoding="utf-8")
        assert resolve(NEEDED, str(config), {}).settings.teacher_model_stop == stops


@pytest.mark.fault("G5")
@pytest.mark.parametrize("text", ["---", "-", "--END--", "-----\n"])
@pytest.mark.parametrize("flag", ["--teacher_model_stop", "--teacher-model-stop"])
def test_a_stop_text_may_look_like_a_flag(text: str, flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.jsonl").write_text('{"messages": [{"role": "user", "content": "hi"}]}\n')
    needed = {**NEEDED, "train_file_path": str(tmp_path / "in.jsonl"), "work_dir": str(tmp_path / "work")}
    assert main(["plan", *[f"--{name}={value}" for name, value in needed.items()], flag, text, "--model", "m"]) == 0
    shown = capsys.readouterr().out
    assert str([text]) in shown
    assert "(flag)" in shown


@pytest.mark.fault("G5")
def test_a_stop_that_is_neither_a_text_nor_a_list_is_refused() -> None:
    assert given(teacher_model_stop="").settings.teacher_model_stop is None
    assert "put a text that begins with a bracket into a list" in refused(teacher_model_stop='["a"')
    for wrong in ('["a", 1]', '["a", ""]', '["a", "b", "c", "d", "e"]'):
        assert "expected one text or a JSON list of up to four texts, none empty" in refused(teacher_model_stop=wrong)


@pytest.mark.fault("G10")
def test_unlimited_retries_are_written_as_zero() -> None:
    assert given(max_retry_time_interval="0").settings.max_retry_time_interval == 0
    assert "expected at least 0" in refused(max_retry_time_interval="-1")


@pytest.mark.fault("G20")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data_generation_task_type": "summarization", "max_len_summary": "30"}, "max_len_summary has no effect without"),
        ({"teacher_model_asset_id": "azureml://registries/r/models/m/versions/1"}, "teacher_model_asset_id has no effect"),
        ({"additional_headers": '{"Authorization": "Bearer ${X}"}', "api_key_env": "KEY"}, "Authorization is replaced where the credential"),
        ({"authentication_type": "azureml_workspace_connection"}, "has no effect without a connection_name"),
    ],
)
def test_a_setting_without_effect_is_reported(changes: dict[str, str], said: str) -> None:
    assert any(said in warning for warning in given(teacher_model_max_new_tokens="512", **changes).warnings)


def test_the_components_way_to_authenticate_takes_the_key_that_is_named() -> None:
    by_default = {"authentication_type": "azureml_workspace_connection"}
    assert given(**by_default, api_key_env="KEY").settings.resolved_authentication.kind == "api_key"
    assert given(**by_default, connection_name="c").settings.resolved_authentication.kind == "azureml_workspace_connection"
    by_name = resolve({**NEEDED, "teacher_model_endpoint_url": "", "teacher_model_endpoint_name": "e", **by_default}, None, {})
    assert by_name.settings.resolved_authentication.kind == "by_endpoint"


def test_the_type_of_content_may_be_named_and_not_be_changed() -> None:
    headers = {"content-type": "application/json; charset=utf-8", "x-team": "a"}
    assert given(additional_headers=headers).settings.additional_headers == {"x-team": "a"}
    assert "Content-Type is set by the request itself" in refused(additional_headers={"Content-Type": "text/plain"})


@pytest.mark.fault("A12")
def test_paths_may_be_path_objects(tmp_path: Path) -> None:
    found = given(train_file_path=tmp_path / "in.jsonl", work_dir=tmp_path, shared_directories=[tmp_path]).settings
    assert (found.train_file_path, found.work_dir, found.shared_directories) == (str(tmp_path / "in.jsonl"), str(tmp_path), (str(tmp_path),))


@pytest.mark.fault("N25")
def test_everything_that_is_missing_is_reported_at_once() -> None:
    with pytest.raises(SettingsError) as nothing:
        resolve({}, None, {})
    named = [problem.partition(":")[0] for problem in nothing.value.problems]
    assert sorted(named) == sorted(NEEDED)


@pytest.mark.fault("N24")
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("max_tokens", "teacher_model_max_new_tokens"),
        ("max_completion_tokens", "teacher_model_max_new_tokens"),
        ("output", "generated_batch_train_file_path"),
        ("input", "train_file_path"),
        ("base_url", "teacher_model_endpoint_url"),
        ("temperature", "teacher_model_temperature"),
        ("no_report", "report false"),
        ("no_ensure_ascii", "ensure_ascii false"),
        ("teacher_model_endpont_url", "teacher_model_endpoint_url"),
    ],
)
def test_the_name_of_an_input_in_other_tools_leads_to_ours(name: str, meant: str) -> None:
    from beam_distill.config.sources import check_leftovers

    with pytest.raises(SettingsError) as flag:
        check_leftovers([f"--{name}"], ["max_num_workers", "output_format"])
    assert str(flag.value) == f"--{name}: no such flag; did you mean --{meant}?"
    with pytest.raises(SettingsError) as keyword:
        resolve({**NEEDED, name: "x"}, None, {}, given_as="keyword argument")
    assert f"{name} (keyword argument): no such setting; did you mean {meant}?" in str(keyword.value)
