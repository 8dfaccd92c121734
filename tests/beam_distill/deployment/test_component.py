"""The rendered Azure ML component as a replacement of the original."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import ROOT
from parent_pipeline import DATAGEN, declared_inputs, parent_pipeline
from rendering import config_for, rendered

from beam_distill.config.component import COMPONENT_INPUTS
from transforms.elements.tasks import TaskType


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered("azureml", config_for("azureml", tmp_path_factory.mktemp("job")))


@pytest.fixture(scope="module")
def component(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "component.yaml").read_text(encoding="utf-8"))
    return found


@pytest.mark.fault("G2")
@pytest.mark.parametrize("name", [name for name in COMPONENT_INPUTS if name in declared_inputs()])
def test_an_input_is_declared_as_in_the_pipeline_that_binds_it(component: dict[str, Any], name: str) -> None:
    theirs, ours = declared_inputs()[name], component["inputs"][name]
    assert (ours["type"], ours["optional"], ours.get("default")) == (theirs["type"], theirs["optional"], theirs.get("default"))
    if not name.startswith("enable_"):  # the pipeline narrows these further than the component
        choices, known = theirs.get("enum") or [], ours.get("enum") or []
        assert known[: len(choices)] == choices
        assert len(known) == len(choices) or name == "data_generation_task_type"  # where ours may be more


def problems_of(path: Path) -> dict[str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's about itself
        from azure.ai.ml import load_component, load_job

        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
        loaded: Any = load_component(path) if "version" in fields else load_job(path)
        return dict(loaded._validate().error_messages)


def in_the_parent(folder: Path, kind: str = "command") -> Path:
    """The parent pipeline with our component in the place of the original's, alone: others would have to be registered."""
    fields = parent_pipeline()
    fields["inputs"]["validation_info"] = {"type": "uri_file", "optional": True}
    step = fields["jobs"][DATAGEN]
    del step["inputs"]["teacher_model_endpoint_key"]
    step["inputs"]["validation_info"] = "${{parent.inputs.validation_info}}"
    step["component"] = "./pipeline.yaml"
    if kind == "command":
        step |= {"type": "command", "component": "./component.yaml"}
        del step["inputs"]["validation_info"]
    fields |= {"jobs": {"distill": step}, "outputs": {}}
    path = folder / "parent.yaml"
    path.write_text(yaml.safe_dump(fields, sort_keys=False), encoding="utf-8")
    return path


@pytest.mark.fault("G2")
@pytest.mark.parametrize("kind", ["command", "pipeline"])
def test_azure_ml_accepts_the_component_in_the_originals_own_pipeline(folder: Path, kind: str) -> None:
    assert problems_of(in_the_parent(folder, kind)) == {}


@pytest.mark.fault("G2")
def test_the_pipeline_component_hands_everything_to_the_component(folder: Path, component: dict[str, Any]) -> None:
    around = yaml.safe_load((folder / "pipeline.yaml").read_text(encoding="utf-8"))
    assert {name: value for name, value in around["inputs"].items() if name != "validation_info"} == component["inputs"]
    assert around["outputs"] == component["outputs"]
    step = around["jobs"]["distill"]
    assert step["inputs"] == {name: f"${{{{parent.inputs.{name}}}}}" for name in COMPONENT_INPUTS}
    assert step["compute"] == "${{parent.inputs.compute_data_generation}}"
    assert problems_of(folder / "pipeline.yaml") == {}


@pytest.mark.fault("G2")
def test_it_would_find_an_input_that_is_not_optional(folder: Path, tmp_path: Path) -> None:
    fields = yaml.safe_load((folder / "component.yaml").read_text(encoding="utf-8"))
    del fields["inputs"]["mini_batch_size"]["optional"]
    (tmp_path / "component.yaml").write_text(yaml.safe_dump(fields), encoding="utf-8")
    assert "mini_batch_size" in str(problems_of(in_the_parent(tmp_path)))


@pytest.mark.fault("G2")
def test_all_optional_inputs_may_be_left_out_of_the_command(component: dict[str, Any]) -> None:
    for name, declared in component["inputs"].items():
        word = f"--{name} '${{{{inputs.{name}}}}}'"
        assert word in component["command"]
        assert (f"$[[{word}]]" in component["command"]) is declared["optional"]
    assert list(component["outputs"]) == ["generated_batch_train_file_path", "generated_batch_validation_file_path"]
    assert {output["type"] for output in component["outputs"].values()} == {"uri_file"}


@pytest.mark.fault("N17")
def test_a_list_of_values_keeps_them_as_they_are_written(component: dict[str, Any]) -> None:
    assert component["inputs"]["authentication_type"]["description"].startswith("azureml_workspace_connection, managed_identity")
    assert component["inputs"]["teacher_model_temperature"]["description"].startswith("Temperature")


@pytest.mark.fault("G2")
@pytest.mark.parametrize(
    ("given", "inputs", "variables"),
    [
        *[({"data_generation_task_type": task}, {"data_generation_task_type": task}, {}) for task in TaskType.__members__],
        ({"enable_chain_of_thought": True}, {"enable_chain_of_thought": "true"}, {}),
        ({"max_retry_time_interval": 600}, {"max_retry_time_interval": 600}, {}),
        ({"max_retry_time_interval": 2.5}, {}, {"BEAM_DISTILL_MAX_RETRY_TIME_INTERVAL": "2.5"}),
        ({"authentication_type": "none"}, {}, {}),
        ({"teacher_model_stop": "[/INST]"}, {"teacher_model_stop": '["[/INST]"]'}, {}),
        ({"teacher_model_stop": "\n\u2028"}, {"teacher_model_stop": '["\\n\\u2028"]'}, {}),
        ({"learning_rate": 1e-5}, {"learning_rate": 1e-5}, {}),
        ({"mini_batch_size": "200KB"}, {"mini_batch_size": "204800"}, {}),
    ],
    ids=str,
)
def test_a_job_says_its_inputs_as_the_component_takes_them(
    tmp_path: Path, given: dict[str, Any], inputs: dict[str, Any], variables: dict[str, str]
) -> None:
    folder = rendered("azureml", config_for("azureml", tmp_path, **given))
    job = yaml.safe_load((folder / "job.yaml").read_text(encoding="utf-8"))
    assert {name: job["inputs"].get(name) for name in given} == {name: inputs.get(name) for name in given}
    assert (job["jobs"]["distill"].get("environment_variables") or {}) == variables
    assert problems_of(folder / "job.yaml") == {}


@pytest.mark.fault("G15")
def test_instance_count_is_processes_of_the_one_machine(tmp_path: Path) -> None:
    folder = rendered("azureml", config_for("azureml", tmp_path, instance_count=4))
    job = yaml.safe_load((folder / "job.yaml").read_text(encoding="utf-8"))
    assert job["inputs"]["instance_count"] == 4
    assert job["jobs"]["distill"]["resources"]["instance_count"] == 1
    assert "on Azure ML one machine runs the job" in (ROOT / "docs" / "reference" / "differences.md").read_text(encoding="utf-8")
