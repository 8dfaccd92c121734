"""Whatever a value holds, it stays a value: of YAML, of the shell, and of the services that fill in expressions."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from rendering import a_config, config_for, rendered
from validators import objections

from beam_distill.cli.main import main
from beam_distill.config.errors import SettingsError
from beam_distill.deployment.quoting import shell_word, yaml_scalar
from beam_distill.deployment.targets import TARGETS

LINE = "touch injected"
HOSTILE = {
    "newline": f"a\n{LINE}\n#",
    "carriage return": f"a\r\n{LINE}\r\n",
    "next line": f"a\x85{LINE}\x85",
    "line separator": f"a\u2028{LINE}\u2028",
    "paragraph separator": f"a\u2029{LINE}\u2029",
    "form feed": f"a\x0b{LINE}\x0c{LINE}",
    "quotes": "a'; touch injected; 'b \" $(touch injected) `touch injected` \\",
    "yaml": "a: b\n- c: &d *e !f | > % @ # g\n---\n...\n{x: y}",
    "end of document": "---\n...\n",
    "indented": f"\n\n      - run: {LINE}\n   b",
    "blank": " \n ",
    "byte order mark": f"\ufeff{LINE}",
    "number": "1e3",
    "octal": "0o14",
    "jinja": "{{ job }} {% if %}\n{# x #}",
}
# the component's command puts its inputs into apostrophes
OF_TARGETS = [(target, case) for target in TARGETS for case in HOSTILE if not (target == "azureml" and case == "quotes")]


def lines_of(folder: Path) -> list[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    return text.splitlines()  # also at U+2028 and its like


@pytest.mark.fault("X-F6")
@pytest.mark.parametrize(("target", "case"), OF_TARGETS)
def test_a_value_of_several_lines_stays_one_value(tmp_path: Path, target: str, case: str) -> None:
    value = HOSTILE[case]
    name = "teacher_model_stop"
    config = config_for(target, tmp_path)
    folder = rendered(target, config, f"{name}={value}", f"user_template={value}{{{{question}}}}")
    for line in lines_of(folder):
        assert not line.strip().startswith(("touch injected", "- run: touch")), line
    for path in folder.iterdir():
        if path.suffix == ".sh":
            assert subprocess.run(["bash", "-n", path], capture_output=True).returncode == 0
        else:
            assert [*yaml.safe_load_all(path.read_text(encoding="utf-8"))]
        if case in ("newline", "line separator", "yaml"):
            assert objections(path) == []


@pytest.mark.fault("X-F6")
@pytest.mark.parametrize("case", HOSTILE)
def test_the_value_arrives_whole(tmp_path: Path, case: str) -> None:
    value = HOSTILE[case]
    config = a_config(tmp_path)
    assignment = f"user_template={value}"
    workflow = yaml.safe_load((rendered("github-actions", config, assignment) / "distill.yml").read_text(encoding="utf-8"))
    if value.strip():
        assert str(workflow["env"]["BEAM_DISTILL_USER_TEMPLATE"]) == value
    script = (rendered("flink-rest", config, assignment) / "submit.sh").read_text(encoding="utf-8")
    (options,) = [line for line in script.splitlines() if line.startswith("job_options=")]
    shown = subprocess.run(
        ["bash", "-c", f'{options}; printf %s "${{job_options[-1]}}"'], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    ).stdout.decode()
    assert shown == (value if "--user_template" in options else shown)
    config = config_for("flink-kubernetes", tmp_path, user_template=value)
    mapped = yaml.safe_load((rendered("flink-kubernetes", config) / "job-config.yaml").read_text(encoding="utf-8"))
    inside: dict[str, Any] = yaml.safe_load(mapped["data"]["job.yaml"])
    assert inside.get("user_template") == (value if value.strip() else None)


@pytest.mark.fault("X-F6")
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_words_and_scalars(value: str) -> None:
    assert len(shell_word(value).splitlines()) == 1
    assert len(yaml_scalar(value).splitlines()) == 1
    assert yaml.safe_load(yaml_scalar(value)) == value
    said = subprocess.run(["bash", "-c", f"printf %s {shell_word(value)}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert said.stdout.decode() == value


@pytest.mark.fault("X-F6", "X-F7")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("value", ["a\nb", "a\u2028b", "a\x85b", "${{ secrets.KEY }}"])
def test_values_of_a_target_hold_no_line_break_and_no_expression(tmp_path: Path, target: str, value: str) -> None:
    with pytest.raises(SettingsError, match="name .--set. is"):
        rendered(target, config_for(target, tmp_path), f"name={value}")
    with pytest.raises(SettingsError, match="expression"):
        rendered(target, config_for(target, tmp_path), "model=${{ secrets.KEY }}")


@pytest.mark.fault("X-F7")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["a${{ secrets.KEY }}.yaml", "a\nb.yaml", "a\u2028b.yaml"])
def test_a_config_file_of_such_a_name_is_refused(tmp_path: Path, target: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = config_for(target, tmp_path).rename(tmp_path / name)
    assert main(["render", target, "--config", str(config), "-o", str(tmp_path / "out")]) == 2
    assert "--config: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    config.rename(tmp_path / "job.yaml")
    assert main(["render", target, "--config", str(tmp_path / "job.yaml"), "-o", str(tmp_path / name)]) == 2


@pytest.mark.fault("X-F7")
@pytest.mark.parametrize("target", ["github-actions", "azure-pipelines"])
@pytest.mark.parametrize("path", ["out/a\nb.jsonl", "out/a\u2028b.jsonl", " out/a.jsonl"])
def test_a_list_of_paths_holds_no_line_break(tmp_path: Path, target: str, path: str) -> None:
    with pytest.raises(SettingsError, match="generated_batch_train_file_path: .*which a list of paths cannot contain"):
        rendered(target, a_config(tmp_path, generated_batch_train_file_path=path))


@pytest.mark.fault("X-F7")
def test_azure_pipelines_is_given_no_expression_of_its_own(tmp_path: Path) -> None:
    for value in ("$(System.AccessToken)", "$[variables.secret]"):
        with pytest.raises(SettingsError, match="which Azure Pipelines|that Azure Pipelines would fill in"):
            rendered("azure-pipelines", a_config(tmp_path), f"model={value}")
    rendered("azure-pipelines", a_config(tmp_path), "model=$(touch x)")  # not one


@pytest.mark.fault("X-F5")
@pytest.mark.parametrize("target", TARGETS)
def test_a_secret_in_the_body_is_not_rendered(tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    body = '{"data_sources": [{"authentication": {"key": "HUSH"}}]}'
    options = {"blob_service_endpoint": "https://a.blob.core.windows.net/?sv=1&sig=HUSH", "direct_num_workers": 2}
    config = config_for(target, tmp_path, beam_options=options)
    out = tmp_path / "out"
    assert main(["render", target, "--config", str(config), "--set", f"extra_body={body}", "-o", str(out)]) == 0
    assert "extra_body left out" in capsys.readouterr().err
    text = "".join(path.read_text(encoding="utf-8") for path in out.iterdir())
    assert "HUSH" not in text
    assert "***" not in text


@pytest.mark.fault("G9", "N19")
@pytest.mark.parametrize("target", ["github-actions", "azure-pipelines"])
def test_ci_checks_strictly_and_installs_what_there_is(tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = a_config(tmp_path)
    out = tmp_path / ".github" / "workflows"
    assert main(["render", target, "--config", str(config), "-o", str(out)]) == 0
    said = capsys.readouterr().out
    text = "".join(path.read_text(encoding="utf-8") for path in out.iterdir())
    assert "beam-distill check --strict --config" in text
    assert "python -m pip install ." in text
    assert "must be a clone or fork of beam-distill's" in said
    assert "put " not in said
    assert main(["render", target, "--config", str(config), "--set", "package=git+https://host/me/beam-distill@v1", "-o", str(out)]) == 0
    assert "pip install git+https://host/me/beam-distill@v1" in "".join(path.read_text() for path in out.iterdir())
