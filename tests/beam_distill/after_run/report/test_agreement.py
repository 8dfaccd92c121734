"""Answers compared with the labels of their rows."""

import pytest

from beam_distill.after_run.report.agreement import Agreement
from transforms.elements.tasks import TaskType


@pytest.mark.parametrize(
    ("task", "answer", "label", "same"),
    [
        pytest.param(TaskType.MATH, "1200", "He has 3 * 400.\n#### 1,200", True, id="GSM8K"),
        pytest.param(TaskType.MATH, "4", "The answer is 4.0", True, id="a number in words around it"),
        pytest.param(TaskType.MATH, "4", "5", False, id="another number"),
        pytest.param(TaskType.MATH, "x + 1", "X + 1", True, id="no number"),
        pytest.param(TaskType.NLI, "entailment", " Entailment. ", True, id="letter case and full stop"),
        pytest.param(TaskType.NLI, "entailment", "neutral", False, id="another label"),
        pytest.param(TaskType.NLU_QA, "1", "1.0", True, id="a class as pandas writes it"),
        pytest.param(TaskType.NLU_QA, "1200", "1,200", False, id="numbers are texts where they are no results"),
    ],
)
def test_agreement_counts_equal_answers(task: TaskType, answer: str, label: str, same: bool) -> None:
    agreement = Agreement(task)
    agreement.add(answer, label)
    assert (agreement.total, agreement.same) == (1, same)


def test_labels_that_no_answer_can_equal_are_not_compared() -> None:
    agreement = Agreement(TaskType.NLI)
    for answer, label in (("neutral", "1"), ("entailment", "0"), ("neutral", "1")):
        agreement.add(answer, label)
    assert not agreement.comparable
    assert agreement.a_label == "1"
    agreement.add("neutral", "entailment")
    assert agreement.comparable
    assert agreement.same == 0


def test_wrong_numbers_are_wrong() -> None:
    agreement = Agreement(TaskType.MATH)
    agreement.add("1", "#### 2")
    assert agreement.comparable
    assert not agreement.same
