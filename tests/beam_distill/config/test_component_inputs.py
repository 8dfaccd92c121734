"""Each of the component's 38 inputs, from each source."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from component_inputs import INPUTS, REQUIRED, SETTING_OF_DEFAULT
from parent_pipeline import DATAGEN, declared_inputs

from beam_distill.config.component import COMPONENT, COMPONENT_INPUTS
from beam_distill.config.errors import SettingsError
from beam_distill.config.flags import add_setting_flags
from beam_distill.config.sources import ENVIRONMENT_PREFIX, ResolvedSettings, resolve

NEEDED = {
    "train_file_path": "/rows/in.jsonl",
    "generated_batch_train_file_path": "/out/out.jsonl",
    "data_generation_task_type": "MATH",
    "teacher_model_endpoint_url": "http://localhost:8000/v1",
}
Source = Callable[[dict[str, Any], Path], ResolvedSettings]


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def by_flag(values: dict[str, Any], folder: Path) -> ResolvedSettings:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_setting_flags(parser, show_all=True)
    words = [f"--{name}={as_text(value)}" for name, value in values.items()]
    flags = {name: value for name, value in vars(parser.parse_args(words)).items() if name != "config"}
    return resolve(flags, None, {})


def by_environment(values: dict[str, Any], folder: Path) -> ResolvedSettings:
    return resolve({}, None, {f"{ENVIRONMENT_PREFIX}{name.upper()}": as_text(value) for name, value in values.items()})


def by_yaml(values: dict[str, Any], folder: Path) -> ResolvedSettings:
    (folder / "config.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return resolve({}, str(folder / "config.yaml"), {})


def by_json(values: dict[str, Any], folder: Path) -> ResolvedSettings:
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    return resolve({}, str(folder / "config.json"), {})


def _job(inputs: dict[str, Any], step: dict[str, Any], folder: Path, outputs: dict[str, Any]) -> ResolvedSettings:
    named = {name: {"type": "uri_file", "path": path} for name, path in outputs.items()}
    job = {"type": "pipeline", "inputs": inputs, "jobs": {"label": {"component": f"azureml:{DATAGEN}:0.0.1", "inputs": step, "outputs": named}}}
    (folder / "job.yaml").write_text(yaml.safe_dump(job), encoding="utf-8")
    return resolve({}, str(folder / "job.yaml"), {})


def _split(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return {n: v for n, v in values.items() if n in INPUTS}, {n: v for n, v in values.items() if n not in INPUTS}


def by_step(values: dict[str, Any], folder: Path) -> ResolvedSettings:
    inputs, outputs = _split(values)
    return _job({}, inputs, folder, outputs)


def by_bound_step(values: dict[str, Any], folder: Path) -> ResolvedSettings:
    inputs, outputs = _split(values)
    files = {name: {"type": "uri_file", "path": value} for name, value in inputs.items() if name.endswith("_file_path")}
    return _job({**inputs, **files}, {name: f"${{{{parent.inputs.{name}}}}}" for name in inputs}, folder, outputs)


def by_default_of_the_pipeline(values: dict[str, Any], folder: Path) -> ResolvedSettings:
    inputs, outputs = _split(values)
    declared = {name: {"type": COMPONENT[name].type, "default": value, "description": "x"} for name, value in inputs.items()}
    return _job(declared, {name: f"${{{{parent.inputs.{name}}}}}" for name in inputs}, folder, outputs)


SOURCES = (by_flag, by_environment, by_yaml, by_json, by_step, by_bound_step, by_default_of_the_pipeline)


def test_the_inputs_are_those_of_the_component() -> None:
    assert set(INPUTS) == set(COMPONENT_INPUTS)
    assert len(INPUTS) == 38


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_is_declared_as_the_component_does(name: str) -> None:
    wanted, declared = INPUTS[name], COMPONENT[name]
    default = None if wanted.default is REQUIRED else wanted.default
    assert (declared.type, declared.optional, declared.default) == (wanted.type, wanted.optional, default)
    assert declared.choices[: len(wanted.choices)] == wanted.choices
    assert len(declared.choices) == len(wanted.choices) or name == "data_generation_task_type"  # where ours may be more
    assert type(declared.default) is type(default)
    published = declared_inputs().get(name)
    if published is not None:
        assert (declared.type, declared.optional, declared.default) == (published["type"], published["optional"], published.get("default"))


def setting(found: ResolvedSettings, name: str) -> Any:
    value = getattr(found.settings, name)
    return value.value if hasattr(value, "value") else value


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", INPUTS)
def test_a_value_becomes_the_same_setting_from_every_place(name: str, source: Source, tmp_path: Path) -> None:
    wanted = INPUTS[name]
    found = source({**NEEDED, **(wanted.beside or {}), name: wanted.given}, tmp_path)
    assert setting(found, name) == wanted.means
    assert type(setting(found, name)) is type(wanted.means) or name == "max_retry_time_interval"


WRONG = [(name, value, said) for name, wanted in INPUTS.items() for value, said in wanted.wrong]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_wrong_value_is_refused_in_the_same_words_from_every_place(name: str, value: Any, said: str, source: Source, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        source({**NEEDED, name: value}, tmp_path)
    assert any(problem.startswith((name, said)) and said in problem for problem in refused.value.problems), refused.value.problems


@pytest.mark.fault("G3")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", [name for name, wanted in INPUTS.items() if wanted.default not in (None, REQUIRED)])
def test_a_default_spelled_out_is_the_default(name: str, source: Source, tmp_path: Path) -> None:
    wanted = INPUTS[name]
    unset = resolve(NEEDED, None, {})
    assert setting(unset, name) == SETTING_OF_DEFAULT.get(name, wanted.default)
    for task in ("NLI", "CONVERSATION", "NLU_QA", "MATH", "SUMMARIZATION"):
        found = source({**NEEDED, "data_generation_task_type": task, name: wanted.default}, tmp_path)
        plain = resolve({**NEEDED, "data_generation_task_type": task}, None, {})
        assert found.settings.effective_max_new_tokens == plain.settings.effective_max_new_tokens
        assert found.settings.resolved_authentication.kind == plain.settings.resolved_authentication.kind
        if name not in SETTING_OF_DEFAULT or name == "mini_batch_size":
            assert setting(found, name) == setting(plain, name)


@pytest.mark.parametrize("name", [name for name, wanted in INPUTS.items() if wanted.default is REQUIRED])
def test_what_is_required_is_asked_for_by_all_its_names(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        resolve({other: value for other, value in NEEDED.items() if other != name}, None, {})
    (problem,) = refused.value.problems
    assert problem.startswith(f"{name}: missing; give it as --{name}, {ENVIRONMENT_PREFIX}{name.upper()} or in the config file")
