"""The inputs: one declaration, several sources, all mistakes reported together."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from given_settings import given, problems

from beam_distill.cli.main import main
from beam_distill.config.base import GROUPS
from beam_distill.config.errors import SettingsError
from beam_distill.config.flags import SHORT, add_setting_flags
from beam_distill.config.settings import DistillSettings
from beam_distill.config.sources import ENVIRONMENT_PREFIX, check_leftovers, resolve, setting_names
from beam_distill.config.table import inputs_page
from beam_distill.job.specs import sampling_spec
from transforms.elements.rows import ChatMessage
from transforms.elements.tasks import REASONED, named
from transforms.teacher.payload import PayloadTemplate, request_fields
from transforms.teacher.specs import EndpointSpec

ROOT = Path(__file__).resolve().parents[3]
COMPONENT = """
    instance_type_pipeline_validation instance_type_data_generation instance_type_data_import instance_type_finetune
    compute_pipeline_validation compute_data_generation compute_data_import compute_finetune
    train_file_path validation_file_path generated_batch_train_file_path generated_batch_validation_file_path
    teacher_model_endpoint_name teacher_model_endpoint_url teacher_model_asset_id authentication_type
    connection_name additional_headers debug_mode ensure_ascii
    max_retry_time_interval initial_worker_count max_worker_count instance_count
    max_concurrency_per_instance mini_batch_size teacher_model_max_new_tokens teacher_model_temperature
    teacher_model_top_p teacher_model_frequency_penalty teacher_model_presence_penalty teacher_model_stop
    min_endpoint_success_ratio enable_chain_of_thought enable_chain_of_density max_len_summary
    data_generation_task_type num_train_epochs per_device_train_batch_size learning_rate
""".split()  # noqa: SIM905 - forty quoted names are harder to read


def flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_setting_flags(parser, show_all=True)
    return parser


def test_every_input_of_the_component_is_there() -> None:
    assert set(COMPONENT) <= set(setting_names())


def test_flags_table_and_declaration_agree() -> None:
    spelled = {text for action in flags()._actions for text in action.option_strings}
    for name, field in DistillSettings.model_fields.items():
        assert field.description, name
        assert len(field.description) <= 75, name
        extra: Any = field.json_schema_extra
        assert extra["group"] in GROUPS
        assert f"| `{name}`" in inputs_page()
        if name not in ("beam_options", "teachers"):
            assert {f"--{name}", f"--{name.replace('_', '-')}"} <= spelled


def test_everyday_flags_have_short_spellings_beside_the_components() -> None:
    given = flags().parse_args(["--task", "math", "--train", "a", "--train-output", "b", "--endpoint", "http://x", "--max_tokens", "9"])
    settings = resolve({name: value for name, value in vars(given).items() if name != "config"}, None, {}).settings
    assert (settings.train_file_path, settings.generated_batch_train_file_path, settings.teacher_model_max_new_tokens) == ("a", "b", 9)
    assert len({*SHORT.values()} & {*DistillSettings.model_fields}) == 0


@pytest.mark.fault("N22")
def test_each_word_has_one_meaning_and_a_page_that_says_which() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for word in ("rows in", "rows asked", "rows to send", "answer", "example", "reject", "success ratio"):
        assert f"| {word} |" in glossary
    assert "glossary.md" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_of_inputs_is_that_of_the_declarations() -> None:
    page = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8")
    assert page == inputs_page(), "make it again: python -m beam_distill.config.table > docs/inputs.md"


def test_flag_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    config = tmp_path / "job.yaml"
    config.write_text(
        "train_file_path: in.jsonl\ngenerated_batch_train_file_path: out.jsonl\ndata_generation_task_type: nli\n"
        "teacher_model_endpoint_url: http://file\nmodel: of-the-file\nseed: 1\n"
    )
    environ = {f"{ENVIRONMENT_PREFIX}SEED": "2", f"{ENVIRONMENT_PREFIX}MODEL": "of-the-environment", "PATH": "x"}
    resolved = resolve({"model": "of-the-flag"}, str(config), environ)
    settings = resolved.settings
    assert (settings.model, settings.seed, settings.teacher_model_endpoint_url) == ("of-the-flag", 2, "http://file")
    assert settings.teacher_model_temperature == 0.2
    assert resolved.origins["model"] == "flag"
    assert resolved.origins["seed"] == f"environment {ENVIRONMENT_PREFIX}SEED"
    assert resolved.origins["teacher_model_endpoint_url"] == f"config file {config}"
    assert "teacher_model_temperature" not in resolved.origins


def test_json_config_and_hyphens(tmp_path: Path) -> None:
    config = tmp_path / "job.json"
    config.write_text(json.dumps({"train-file-path": "a", "generated_batch_train_file_path": "b", "data_generation_task_type": "Math"}))
    assert resolve({"teacher_model_endpoint_url": "http://x"}, str(config), {}).settings.train_file_path == "a"


@pytest.mark.parametrize("text", ["- a\n- b", "a: [", '{"a": '], ids=["list", "broken", "open"])
def test_a_broken_config_file_is_named(tmp_path: Path, text: str) -> None:
    config = tmp_path / "job.yaml"
    config.write_text(text)
    with pytest.raises(SettingsError, match="job.yaml"):
        resolve({}, str(config), {})
    with pytest.raises(SettingsError, match="cannot be read"):
        resolve({}, str(tmp_path / "missing.yaml"), {})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("mini_batch_size", "100KB", 102400),
        ("mini_batch_size", "1.5 MB", 1572864),
        ("mini_batch_size", 4096, 4096),
        ("enable_chain_of_thought", "true", True),
        ("enable_chain_of_thought", "False", False),
        ("debug_mode", "1", True),
        ("teacher_model_stop", "END", ("END",)),
        ("teacher_model_stop", '["a", "b"]', ("a", "b")),
        ("additional_headers", '{"x-a": true, "x-b": 3, "x-c": "d"}', {"x-a": "true", "x-b": "3", "x-c": "d"}),
        ("extra_body", '{"reasoning_effort": "low"}', {"reasoning_effort": "low"}),
        ("runner", "FlinkRunner", "flink"),
        ("max_retry_time_interval", "2.5", 2.5),
        ("model", " ", None),
    ],
    ids=str,
)
def test_values_as_people_write_them(name: str, text: Any, value: Any) -> None:
    assert getattr(given(**{name: text}).settings, name) == value


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"teacher_model_temperature": "3"}, "teacher_model_temperature"),
        ({"teacher_model_temperature": "nan"}, "teacher_model_temperature"),
        ({"teacher_model_top_p": "1.1"}, "teacher_model_top_p"),
        ({"teacher_model_frequency_penalty": "-3"}, "teacher_model_frequency_penalty"),
        ({"min_endpoint_success_ratio": "70"}, "min_endpoint_success_ratio"),
        ({"max_worker_count": "0"}, "max_worker_count"),
        ({"mini_batch_size": "ten"}, "100KB"),
        ({"mini_batch_size": "10"}, "mini_batch_size"),
        ({"enable_chain_of_thought": "maybe"}, "true or false"),
        ({"data_generation_task_type": "poetry"}, "SUMMARIZATION"),
        ({"data_generation_task_type": "conversation", "enable_chain_of_thought": "true"}, named(REASONED)),
        ({"data_generation_task_type": "summarization", "enable_chain_of_thought": "true"}, "enable_chain_of_thought"),
        ({"enable_chain_of_density": "true"}, "only for SUMMARIZATION"),
        ({"max_len_summary": "50"}, "max_len_summary"),
        ({"train_file_path": None}, "--train_file_path"),
        ({"teacher_model_endpoint_url": None}, "teacher_model_endpoint_url"),
        ({"validation_file_path": "v.jsonl"}, "generated_batch_validation_file_path"),
        ({"generated_batch_train_file_path": "./in.jsonl"}, "the input would be lost"),
        ({"generated_batch_validation_file_path": "out.jsonl"}, "same file"),
        ({"train_file_path": "${{parent.inputs.train}}"}, "expression"),
        ({"authentication_type": "api_key"}, "--api_key_env"),
        ({"api_key_env": "A", "api_key_file": "b"}, "keep one"),
        ({"api_key_env": "A", "authentication_type": "managed_identity"}, "contradicts"),
        ({"api_key_env": "A", "connection_name": "c"}, "contradicts"),
        ({"authentication_type": "magic"}, "authentication_type"),
        ({"additional_headers": "not json"}, "JSON object"),
        ({"additional_headers": '{"Host": "x"}'}, "Host"),
        ({"additional_headers": '{"a b": "x"}'}, "not a header name"),
        ({"additional_headers": '{"a": "x\\r\\ny"}'}, "control characters"),
        ({"additional_headers": '{"Api-Key": "abc"}'}, "name of an environment variable instead"),
        ({"extra_body": '{"temperature": 1}'}, "use teacher_model_temperature"),
        ({"teacher_model_stop": '["a", 3]'}, "list of"),
        ({"trian_file_path": "x"}, "did you mean train_file_path"),
        ({"api_key": "sk-very-secret"}, "--api_key_env NAME"),
        ({"limit": "0"}, "limit"),
        ({"learning_rate": "0"}, "learning_rate"),
    ],
    ids=str,
)
def test_mistakes_are_reported(changes: dict[str, Any], said: str) -> None:
    found = "\n".join(problems(**changes))
    assert said in found
    assert "sk-very-secret" not in found


def test_all_mistakes_are_reported_at_once() -> None:
    found = problems(teacher_model_temperature="9", max_worker_count="-1", sede="1")
    assert len(found) == 3


def test_unset_token_limit_depends_on_the_task() -> None:
    assert given().settings.effective_max_new_tokens == 128
    assert given(data_generation_task_type="summarization").settings.effective_max_new_tokens == 1024


def test_settings_come_with_advice() -> None:
    assert "step-by-step" in given(enable_chain_of_thought="true").warnings[0]
    assert given(teacher_model_max_new_tokens="512").warnings == []
    ignored = given(teacher_model_max_new_tokens="512", instance_type_finetune="X", compute_finetune="my-cluster").warnings
    assert "instance_type_finetune is ignored" in ignored[0]
    prices = {"price_per_million_input_tokens": "1", "price_per_million_output_tokens": "0"}
    assert given(teacher_model_max_new_tokens="512", **prices).warnings == []
    (said,) = given(teacher_model_max_new_tokens="512", price_per_million_input_tokens="1").warnings
    assert said.startswith("price_per_million_output_tokens is not given: cost is shown for input tokens only")
    assert given(teacher_model_max_new_tokens="512", compute_finetune="my-cluster").warnings == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "none"),
        ({"api_key_env": "KEY"}, "api_key"),
        ({"api_key_file": "f"}, "api_key"),
        ({"connection_name": "c"}, "azureml_workspace_connection"),
        ({"authentication_type": "managed_identity"}, "managed_identity"),
    ],
)
def test_authentication_has_a_reason(changes: dict[str, str], kind: str) -> None:
    resolved = given(**changes).settings.resolved_authentication
    assert resolved.kind == kind
    assert resolved.reason


def test_the_maximum_of_workers_overrides_the_initial() -> None:
    found = given(teacher_model_max_new_tokens="512", initial_worker_count="50", max_worker_count="8")
    assert found.settings.effective_initial_worker_count == 8
    (said,) = found.warnings
    assert said.startswith("initial_worker_count (flag) is 50, more than max_worker_count, which wins: the search begins at 8 requests")
    for fine in ({"max_worker_count": "2"}, {"initial_worker_count": "8", "max_worker_count": "8"}):
        assert given(teacher_model_max_new_tokens="512", **fine).warnings == []  # a default starts lower without a message


def test_header_values_are_shown_nowhere() -> None:
    settings = given(additional_headers='{"x-tenant": "secret-value"}').settings
    shown = repr(settings) + str(settings) + json.dumps(settings.public_view())
    assert "secret-value" not in shown
    assert "x-tenant" in shown


def test_booleans_work_with_and_without_a_value() -> None:
    parse = flags().parse_args
    assert vars(parse(["--enable-chain-of-thought"]))["enable_chain_of_thought"] == "true"
    assert vars(parse(["--enable_chain_of_thought", "false"]))["enable_chain_of_thought"] == "false"
    assert "seed" not in vars(parse([]))


def test_beams_own_options_pass_and_others_are_named() -> None:
    assert check_leftovers(["--parallelism=4", "--streaming"], ["parallelism", "streaming"]) == ["--parallelism=4", "--streaming"]
    for argument, said in [
        ("--paralelism=4", "did you mean --parallelism"),
        ("--temperature=1", "no such flag; did you mean --teacher_model_temperature"),
        ("--api_key=sk-1", "--api_key_env"),
        ("stray", "unexpected argument"),
        ("", "unexpected argument ''"),
        ("\u2013-limit=3", "begins with \u2013 (U+2013)"),
    ]:
        with pytest.raises(SettingsError) as refused:
            check_leftovers([argument], ["parallelism"])
        assert said in str(refused.value)
        assert "sk-1" not in str(refused.value)


def test_an_input_that_a_command_does_not_take_is_no_unknown_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "no-run", "--train_file_path", "x"]) == 2
    assert capsys.readouterr().err == "beam-distill report: --train_file_path: report does not take it\n"


def test_a_misspelt_flag_is_reported_alone() -> None:
    command = [sys.executable, "-m", "beam_distill", "run", "--train_file_pth=x"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "beam-distill run: --train_file_pth: no such flag; did you mean --train_file_path?\n"


def test_keys_of_storage_accounts_are_not_shown() -> None:
    options = {"azure_connection_string": "AccountKey=hush", "s3_secret_access_key": "hush", "direct_num_workers": 2}
    settings = given(beam_options=options).settings
    assert "hush" not in repr(settings)
    assert settings.public_view()["beam_options"]["direct_num_workers"] == 2
    assert settings.beam_options == options


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("min_endpoint_success_ratio", "70", "is '70': expected at most 1"),
        ("max_worker_count", "0", "is '0': expected at least 1"),
        ("limit", "1.5", "is '1.5': expected a whole number"),
        ("teacher_model_temperature", "hot", "is 'hot': expected a number"),
        ("runner", "flnk", "expected one of direct, flink, spark, prism, portable; did you mean flink?"),
    ],
)
def test_a_value_out_of_bounds_is_reported_in_plain_words(name: str, value: str, said: str) -> None:
    (problem,) = problems(**{name: value})
    assert said in problem


@pytest.mark.fault("D10", "R5")
@pytest.mark.parametrize("name", ["temperature", "top_p", "frequency_penalty", "presence_penalty"])
@pytest.mark.parametrize("word", ["none", " None ", "NONE"])
def test_a_sampling_parameter_can_be_left_out(name: str, word: str) -> None:
    settings = given(**{f"teacher_model_{name}": word}).settings
    fields = request_fields(EndpointSpec("http://h/v1/chat/completions", "m"), sampling_spec(settings))
    assert name not in fields
    assert settings.public_view()[f"teacher_model_{name}"] == "none"  # what a later command reads back is the same


@pytest.mark.fault("A1")
def test_system_messages_can_be_merged_by_a_setting() -> None:
    settings = given(teacher_system_messages="merge").settings
    messages = (ChatMessage("system", "Be brief."), ChatMessage("user", "2 plus 2?"))
    body = PayloadTemplate(EndpointSpec("http://h/v1/chat/completions", "m"), sampling_spec(settings)).body(messages)
    assert json.loads(body)["messages"] == [{"role": "user", "content": "Be brief.\n\n2 plus 2?"}]


@pytest.mark.fault("A15")
@pytest.mark.parametrize(
    ("output", "output_format", "warned"),
    [
        ("out/train.jsonl", None, None),
        ("out/train.jsonl.gz", None, None),
        ("out/train", None, None),
        ("out/train.parquet", None, None),
        ("out/train.zip", None, "train.zip will hold JSON lines"),
        ("out/train.CSV", None, "train.csv will hold JSON lines"),
        ("out/train.json", None, "train.json will hold JSON lines"),
        ("out/train.parquet.gz", None, "train.parquet.gz will hold JSON lines"),
        ("out/train.parquet", "jsonl", "train.parquet will hold JSON lines"),
        ("out/train.jsonl", "parquet", "train.jsonl will hold Parquet"),
    ],
)
def test_an_output_whose_suffix_says_another_format_is_warned_of(output: str, output_format: str | None, warned: str | None) -> None:
    warnings = given(generated_batch_train_file_path=output, output_format=output_format).warnings
    said = [warning for warning in warnings if "will hold" in warning]
    assert [warned in warning for warning in said if warned] == ([True] if warned else [])
    assert len(said) == (1 if warned else 0)
