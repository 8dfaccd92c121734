"""Settings as a user gives them, with the minimum that a job needs."""

from typing import Any

import pytest

from beam_distill.config.errors import SettingsError
from beam_distill.config.sources import ResolvedSettings, resolve

NEEDED = {
    "train_file_path": "in.jsonl",
    "generated_batch_train_file_path": "out.jsonl",
    "data_generation_task_type": "math",
    "teacher_model_endpoint_url": "http://localhost:8000",
}


def given(**changes: Any) -> ResolvedSettings:
    """The settings, as flags; a value of None is not given."""
    return resolve({name: value for name, value in {**NEEDED, **changes}.items() if value is not None}, None, {})


def problems(**changes: Any) -> list[str]:
    """What is wrong with settings that are refused."""
    with pytest.raises(SettingsError) as refusal:
        given(**changes)
    return refusal.value.problems


def refused(**changes: Any) -> str:
    """The same as one text."""
    return "\n".join(problems(**changes))
