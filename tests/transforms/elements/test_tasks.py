"""Every task has every entry, and no other code repeats it."""

import pickle

import pytest

from beam_distill.config.prompts import PromptSettings
from transforms.elements.tasks import TaskType, named
from transforms.prompts.registry import PROMPTS


@pytest.mark.parametrize("task", TaskType, ids=lambda task: task.value)
def test_every_task_has_its_prompts_and_says_which(task: TaskType) -> None:
    assert task in PROMPTS, f"add {task.value} to PROMPTS in transforms/prompts/registry.py"
    prompts = PROMPTS[task]
    assert task.reasons_step_by_step == (prompts.reasoned is not None)
    assert task.condenses == (prompts.dense is not None)
    assert task.hub_category
    assert task.fewest_rows > 0
    assert task.default_max_new_tokens > 0


@pytest.mark.parametrize("task", TaskType, ids=lambda task: task.value)
def test_a_task_is_its_name_in_every_file_and_process(task: TaskType) -> None:
    assert task == task.value
    assert TaskType(task.value) is task
    assert pickle.loads(pickle.dumps(task)) is task
    assert task.value in str(PromptSettings.model_fields["data_generation_task_type"].description)


def test_names_for_a_person() -> None:
    assert named([TaskType.NLI]) == "NLI"
    assert named([TaskType.NLI, TaskType.MATH]) == "NLI and MATH"
    assert named([TaskType.NLI, TaskType.NLU_QA, TaskType.MATH], "or") == "NLI, NLU_QA or MATH"
