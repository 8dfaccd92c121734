"""Rendering: what can be set, what is refused, what is never in a file."""

import shlex
from pathlib import Path

import pytest
import yaml
from rendering import a_config, config_for, rendered

from beam_distill.cli.main import main
from beam_distill.config.component import COMPONENT_INPUTS, COMPONENT_OUTPUTS
from beam_distill.config.errors import SettingsError
from beam_distill.deployment.targets import TARGETS
from beam_distill.deployment.values import defaults_for, documented


def test_a_file_begins_with_the_command_that_made_it_and_the_command_makes_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for target in TARGETS:
        config_for(target, tmp_path)
        assert main(["render", target, "--config", "job.yaml", "--set", "name=my-job", "--set", "max_worker_count=7", "-o", "out"]) == 0
        first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
        for content in first.values():
            lines = content.decode().splitlines()
            made_by = (lines[1] if lines[0].startswith("#!") else lines[0]).removeprefix("# ")
            assert made_by == f"beam-distill render {target} --config job.yaml --set max_worker_count=7 --set name=my-job -o out"
            assert main(shlex.split(made_by)[1:]) == 0
        assert first == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
        for path in (tmp_path / "out").iterdir():
            path.unlink()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["github-action"], "did you mean github-actions"),
        (["github-actions", "--set", "runer=x"], "did you mean runner"),
        (["github-actions", "--set", "max_worker_cont=3"], "did you mean max_worker_count"),
        (["github-actions", "--set", "timeout_minutes=soon"], "expected a whole number"),
        (["github-actions", "--set", "runner"], "expected name=value"),
        (["github-actions", "--set", "max_worker_count=many"], "max_worker_count"),
        (["github-actions", "--set", "api_key=sk-123"], "no such value"),
        (["github-actions", "--runner", "flink"], "unexpected argument"),
        (["flink-kubernetes"], "not on a filesystem that pods can access"),
        (["azureml"], "without key references"),
    ],
)
def test_an_impossible_rendering_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    config = a_config(tmp_path)
    assert main(["render", *arguments, "--config", str(config), "-o", str(tmp_path / "out")]) == 2
    output = capsys.readouterr().err
    assert said in output
    assert "sk-123" not in output
    assert not (tmp_path / "out").exists()


def test_values_of_a_file_stand_between_the_defaults_and_set(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("runner: large\nretention_days: 3\n")
    config = a_config(tmp_path)
    out = tmp_path / "out"
    command = ["render", "github-actions", "--config", str(config), "--values", str(tmp_path / "values.yaml"), "-o", str(out)]
    assert main([*command, "--set", "retention_days=5"]) == 0
    text = (out / "distill.yml").read_text()
    assert "runs-on: large" in text
    assert "retention-days: 5" in text
    assert "timeout-minutes: 350" in text
    (tmp_path / "values.yaml").write_text("runer: large\n")
    assert main(command) == 2


def test_the_environment_counts_and_is_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEAM_DISTILL_MAX_WORKER_COUNT", "33")
    a_config(tmp_path)
    assert main(["render", "flink-rest", "--config", "job.yaml", "-o", "out"]) == 0
    text = (tmp_path / "out" / "submit.sh").read_text()
    assert "--set max_worker_count=33" in text
    assert "--max_worker_count 33" in text


@pytest.mark.parametrize("target", TARGETS)
def test_no_secret_is_rendered(tmp_path: Path, target: str) -> None:
    headers = '{"x-tenant": "very-secret"}'
    config = config_for(target, tmp_path, additional_headers=headers)
    folder = rendered(target, config)
    assert not [path for path in folder.iterdir() if "very-secret" in path.read_text()]
    folder = rendered(target, config_for(target, tmp_path), f"additional_headers={headers}")
    assert not [path for path in folder.iterdir() if "very-secret" in path.read_text()]


def test_what_is_left_out_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = a_config(tmp_path, additional_headers='{"x-tenant": "very-secret"}')
    assert main(["render", "flink-rest", "--config", str(config), "-o", str(tmp_path / "out")]) == 0
    reported = capsys.readouterr().err
    assert "additional_headers: x-tenant left out" in reported
    assert "very-secret" not in reported


HEADERS = '{"x-gateway": "Bearer ${GATEWAY_TOKEN}", "x-team": "blue", "x-mixed": "half-secret-${GATEWAY_TOKEN}"}'


@pytest.mark.parametrize("target", [name for name, target in TARGETS.items() if target.headers])
def test_headers_that_name_where_their_secret_is_are_rendered(tmp_path: Path, target: str) -> None:
    folder = rendered(target, config_for(target, tmp_path, api_key_env=None), f"additional_headers={HEADERS}")
    text = "".join(path.read_text() for path in folder.iterdir())
    assert "Bearer ${GATEWAY_TOKEN}" in text
    assert "x-team" not in text
    assert "half-secret" not in text
    reference = {"github-actions": "secrets.GATEWAY_TOKEN", "azure-pipelines": "$(GATEWAY_TOKEN)"}.get(target)
    if target.endswith("-kubernetes"):
        reference = "key: GATEWAY_TOKEN"
    assert reference is None or reference in text


def test_the_component_cannot_have_headers_with_variables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = config_for("azureml", tmp_path, additional_headers=HEADERS)
    assert main(["render", "azureml", "--config", str(config), "-o", str(tmp_path / "out")]) == 0
    assert "x-gateway, x-team, x-mixed left out" in capsys.readouterr().err
    assert "GATEWAY_TOKEN" not in "".join(path.read_text() for path in (tmp_path / "out").iterdir())


def test_values_cannot_leave_their_quotes(tmp_path: Path) -> None:
    """A value is text in YAML and in the shell, whatever it holds."""
    wild = "a: b # $(touch x) 'q' \"d\""
    config = a_config(tmp_path)
    workflow = yaml.safe_load((rendered("github-actions", config, f"name={wild}", f"model={wild}") / "distill.yml").read_text())
    assert workflow["name"] == wild
    assert workflow[True]["workflow_dispatch"]["inputs"]["model"]["default"] == wild
    pipeline = yaml.safe_load((rendered("azure-pipelines", config, f"model={wild}") / "azure-pipelines.yml").read_text())
    assert {item["name"]: item["default"] for item in pipeline["parameters"]}["model"] == wild
    script = (rendered("flink-rest", config, f"jar={wild}") / "submit.sh").read_text()
    assert f"jar={shlex.quote(wild)}" in script


@pytest.mark.parametrize(
    ("target", "assignments", "there"),
    [
        ("github-actions", [], ["runs-on: ubuntu-latest"]),
        ("github-actions", ["compute_data_generation=big", "compute_pipeline_validation=small"], ["runs-on: big", "runs-on: small"]),
        ("azure-pipelines", [], ["vmImage: ubuntu-latest"]),
        ("azure-pipelines", ["compute_data_generation=big", "compute_pipeline_validation=small"], ["name: big", "name: small"]),
        ("azureml", [], ["compute: azureml:serverless", "instance_type: Standard_D4as_v4"]),
        ("azureml", ["compute_data_generation=big"], ["compute: azureml:big"]),
        ("flink-kubernetes", ["compute_data_generation=big"], ["kubernetes.azure.com/agentpool: big"]),
        ("spark-kubernetes", ["compute_data_generation=big", "node_pool_label=pool"], ["pool: big"]),
        ("flink-kubernetes", ["instance_type_data_generation=D8"], ["node.kubernetes.io/instance-type: D8"]),
        ("spark-kubernetes", ["instance_type_data_generation=D8"], ["node.kubernetes.io/instance-type: D8"]),
    ],
)
def test_computes_and_instance_types_choose_machines(tmp_path: Path, target: str, assignments: list[str], there: list[str]) -> None:
    folder = rendered(target, config_for(target, tmp_path), *assignments)
    text = "".join(path.read_text() for path in folder.iterdir())
    assert not [line for line in there if line not in text]


@pytest.mark.parametrize("target", ["flink-kubernetes", "spark-kubernetes"])
def test_a_default_instance_type_binds_no_pod(tmp_path: Path, target: str) -> None:
    folder = rendered(target, config_for(target, tmp_path))
    assert "nodeSelector" not in "".join(path.read_text() for path in folder.iterdir())


def test_the_component_has_the_originals_inputs_and_outputs(tmp_path: Path) -> None:
    component = yaml.safe_load((rendered("azureml", config_for("azureml", tmp_path)) / "component.yaml").read_text())
    assert len(COMPONENT_INPUTS) == len(set(COMPONENT_INPUTS)) == 38
    assert tuple(component["inputs"]) == COMPONENT_INPUTS
    assert tuple(component["outputs"]) == COMPONENT_OUTPUTS
    assert all(item["description"] for item in component["inputs"].values())


def test_every_value_is_documented_and_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from rendering import TEMPLATES

    shared = "".join(path.read_text() for path in TEMPLATES.glob("*.j2"))
    for target in TARGETS:
        texts = "".join(path.read_text() for path in (TEMPLATES / target).iterdir()) + shared
        shown = documented(target)
        for name in defaults_for(target):
            assert f"\n{name}:" in f"\n{shown}"
            common = name in ("package", "image")
            assert common or f"values.{name}" in texts, f"{target} does not use {name}"
    assert main(["render", "azureml", "--list-values"]) == 0
    assert "# Version of the component" in capsys.readouterr().out


def test_a_script_may_be_executed(tmp_path: Path) -> None:
    folder = rendered("flink-rest", a_config(tmp_path))
    assert (folder / "submit.sh").stat().st_mode & 0o111


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["render", "flink-rest", "--config", str(a_config(tmp_path)), "-o", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    with pytest.raises(SettingsError):
        rendered("flink-rest", tmp_path / "absent.yaml")


@pytest.mark.parametrize("target", ["github-actions", "azure-pipelines"])
def test_the_judges_key_is_a_secret_of_its_own(target: str, tmp_path: Path) -> None:
    judged = ["checks=judge", "judge_model_endpoint_url=https://judge.example/v1", "judge_model=j", "judge_api_key_env=JUDGE_KEY"]
    config = a_config(tmp_path)
    flags = [part for value in judged for part in ("--set", value)]
    assert main(["render", target, "--config", str(config), *flags, "-o", str(tmp_path / "out")]) == 0
    text = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert {"github-actions": "JUDGE_KEY: ${{ secrets.JUDGE_KEY }}", "azure-pipelines": "JUDGE_KEY: $(JUDGE_KEY)"}[target] in text
