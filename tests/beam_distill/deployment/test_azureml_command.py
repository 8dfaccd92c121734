"""The Azure ML component's command, run as written in a clean environment, its expressions filled in as Azure ML does."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from builders import questions, read_jsonl, write_rows
from clean_environment import empty_environment, wheel  # noqa: F401 - a fixture
from rendering import a_config, rendered

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings


def as_azureml_fills_in(component: Path, given: dict[str, str], outputs: dict[str, str]) -> str:
    """The command with its inputs: an optional part in ``$[[ ]]`` stays only when its input was given, the others have their defaults."""
    fields = yaml.safe_load(component.read_text(encoding="utf-8"))
    values = {}
    for name, declared in fields["inputs"].items():
        if name in given:
            values[name] = given[name]
        elif "default" in declared:
            values[name] = str(declared["default"])
        else:
            assert declared.get("optional"), f"{name} is required"
    assert set(given) <= set(fields["inputs"])

    def optional(match: "re.Match[str]") -> str:
        (name,) = re.findall(r"\$\{\{inputs\.(\w+)\}\}", match[1])
        return match[1] if name in values else ""

    command = re.sub(r"\$\[\[(.*?)\]\]", optional, fields["command"])
    command = re.sub(r"\$\{\{inputs\.(\w+)\}\}", lambda match: values[match[1]], command)
    return re.sub(r"\$\{\{outputs\.(\w+)\}\}", lambda match: outputs[match[1]], command)


@pytest.fixture
def installed(tmp_path: Path, wheel: Path) -> Path:  # noqa: F811
    """The ``bin`` of a clean environment with the package."""
    folder = empty_environment(tmp_path / "environment")
    pip = [str(folder / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    return folder


@pytest.mark.slow
def test_the_command_runs_as_written(tmp_path: Path, installed: Path) -> None:
    """Once with nothing optional, once with every kind of input set."""
    write_rows(tmp_path / "train.jsonl", questions(20))
    write_rows(tmp_path / "validation.jsonl", questions(5, start=50))
    component = rendered("azureml", a_config(tmp_path, api_key_env=None)) / "component.yaml"
    faults = {"context_length_400": 0.3}  # nothing that a retry would fix
    with start_simulator(SimulatorSettings(faults=faults, seed=3)) as simulator:
        least = {
            "train_file_path": str(tmp_path / "train.jsonl"),
            "data_generation_task_type": "MATH",
            "teacher_model_endpoint_url": simulator.base_url,
            "min_endpoint_success_ratio": "0.1",
        }
        more = {
            **least,
            "validation_file_path": str(tmp_path / "validation.jsonl"),
            "enable_chain_of_thought": "True",
            "teacher_model_max_new_tokens": "512",
            "teacher_model_stop": '["END OF ANSWER", "two words"]',
            "additional_headers": '{"x-team": "red \\"one\\""}',
            "max_retry_time_interval": "60",
            "min_endpoint_success_ratio": "1.0",
            "instance_type_pipeline_validation": "Standard_D2as_v4",
        }
        for name, given, code in (("least", least, 0), ("more", more, 3)):
            folder = tmp_path / name
            folder.mkdir()
            outputs = {
                split: str(folder / "mounted" / f"{split}.jsonl")
                for split in ("generated_batch_train_file_path", "generated_batch_validation_file_path")
            }
            command = as_azureml_fills_in(component, given, outputs)
            environment = {"PATH": f"{installed}:{os.defpath}", "HOME": str(folder)}
            ended = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
            assert ended.returncode == code, ended.stdout + ended.stderr
            record = json.loads((folder / "outputs" / "beam_distill" / "run.json").read_text())
            assert record["exit_code"] == code
            if code == 0:
                assert read_jsonl(outputs["generated_batch_train_file_path"])
                assert Path(outputs["generated_batch_validation_file_path"]).read_text() == ""
            else:
                assert record["settings"]["teacher_model_stop"] == ["END OF ANSWER", "two words"]
                assert record["settings"]["additional_headers"] == {"x-team": "***"}
                assert not Path(outputs["generated_batch_train_file_path"]).exists()


@pytest.mark.slow
def test_a_pilot_stays_a_pilot(tmp_path: Path, installed: Path) -> None:
    """The step's variables and the command's arguments reach the run, which sends as many rows as the config file says."""
    write_rows(tmp_path / "train.jsonl", questions(20))
    config = a_config(tmp_path, api_key_env=None, limit=3, model="teacher-of-the-config", beam_options={"direct_running_mode": "in_memory"})
    folder = rendered("azureml", config)
    step = yaml.safe_load((folder / "job.yaml").read_text(encoding="utf-8"))["jobs"]["distill"]
    with start_simulator(SimulatorSettings()) as simulator:
        given = {
            "train_file_path": str(tmp_path / "train.jsonl"),
            "data_generation_task_type": "MATH",
            "teacher_model_endpoint_url": simulator.base_url,
        }
        outputs = {name: str(tmp_path / f"{name}.jsonl") for name in ("generated_batch_train_file_path", "generated_batch_validation_file_path")}
        command = as_azureml_fills_in(folder / "component.yaml", given, outputs)
        environment = {"PATH": f"{installed}:{os.defpath}", "HOME": str(tmp_path), **step["environment_variables"]}
        ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert simulator.stats()["requests"] == 3
    record = json.loads((tmp_path / "outputs" / "beam_distill" / "run.json").read_text())
    assert record["settings"]["model"] == "teacher-of-the-config"
