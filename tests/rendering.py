"""Render a job for a test, from our templates or other ones."""

import shutil
from pathlib import Path
from typing import Any

import yaml
from builders import ROOT

from beam_distill.config.sources import resolve
from beam_distill.deployment.render import RenderRequest, render, write
from beam_distill.deployment.values import split_assignments

TEMPLATES = ROOT / "beam_distill" / "deployment" / "templates"


def a_config(folder: Path, name: str = "job.yaml", **changes: Any) -> Path:
    """A config file with the inputs that every job needs; None removes an input."""
    inputs: dict[str, Any] = {
        "data_generation_task_type": "MATH",
        "train_file_path": "data/train.jsonl",
        "validation_file_path": "data/validation.jsonl",
        "generated_batch_train_file_path": "out/train.jsonl",
        "generated_batch_validation_file_path": "out/validation.jsonl",
        "teacher_model_endpoint_url": "http://127.0.0.1:8000/v1",
        "teacher_model_max_new_tokens": 512,
        "api_key_env": "TEACHER_KEY",
        **changes,
    }
    path = folder / name
    path.write_text(yaml.safe_dump({key: value for key, value in inputs.items() if value is not None}), encoding="utf-8")
    return path


def config_for(target: str, folder: Path, **changes: Any) -> Path:
    """A config that this target supports."""
    if target.endswith("-kubernetes"):
        shared = {
            "train_file_path": "/data/train.jsonl",
            "validation_file_path": "/data/validation.jsonl",
            "generated_batch_train_file_path": "/data/out/train.jsonl",
            "generated_batch_validation_file_path": "/data/out/validation.jsonl",
            "shared_directories": "/data",
            "instance_count": 2,
            "max_concurrency_per_instance": 3,
        }
        return a_config(folder, **{**shared, **changes})
    return a_config(folder, **{"api_key_env": None, **changes} if target == "azureml" else changes)


def rendered(target: str, config: Path, *assignments: str, templates: Path | None = None) -> Path:
    """The folder with the target's files."""
    values, inputs = split_assignments(assignments, target)
    folder = config.parent / f"rendered-{target}"
    request = RenderRequest(target, str(config), str(folder), values, inputs)
    write(render(request, resolve(inputs, str(config), {}), templates), str(folder))
    return folder


def broken_templates(folder: Path, file: str, old: str, new: str) -> Path:
    """Our templates with one place changed."""
    copy = folder / "templates"
    shutil.copytree(TEMPLATES, copy)
    text = (copy / file).read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{file} has no {old!r} to break"
    (copy / file).write_text(text.replace(old, new), encoding="utf-8")
    return copy
