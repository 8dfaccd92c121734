"""Equal answers have the same comparable form."""

import pytest

from transforms.elements.tasks import TaskType
from transforms.prompts.comparable import comparable


@pytest.mark.parametrize(
    ("task", "one", "other"),
    [
        (TaskType.MATH, "#### 1,200", "1200"),
        (TaskType.MATH, "So it is \\boxed{72}.", "72.0"),
        (TaskType.NLI, "Entailment", " entailment."),
        (TaskType.NLU_QA, "B", "b"),
        (TaskType.NLI, "1.0", "1"),  # a class, as pandas writes it
    ],
)
def test_equal_answers(task: TaskType, one: str, other: str) -> None:
    assert comparable(task, one) == comparable(task, other)


@pytest.mark.parametrize(
    ("task", "one", "other"),
    [(TaskType.MATH, "12", "1.2"), (TaskType.MATH, "3 or 4", "3"), (TaskType.NLI, "1.5", "1"), (TaskType.NLI, "neutral", "not neutral")],
)
def test_different_answers(task: TaskType, one: str, other: str) -> None:
    assert comparable(task, one) != comparable(task, other)
