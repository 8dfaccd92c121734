"""Answers that are, and are not, the row's label."""

import pytest
from acceptance_samples import a_sample, refusal

from transforms.acceptance.label import LabelCheck
from transforms.elements.tasks import TaskType

MATH, NLI, QA = (LabelCheck(task) for task in (TaskType.MATH, TaskType.NLI, TaskType.NLU_QA))
LISTED = "Answer with 'entailment', 'neutral' or 'contradiction' only."
CHOICES = "Which one is it?\nA) a river\nB) a library\nC) a train"

SAME_NUMBER = [
    ("84", "84"),
    ("84.0", "84"),
    ("1,234", "1234"),
    ("The answer is 84.", "84"),
    ("6 * 14 is 84.\n#### 84", "6*14=<<6*14=84>>84\n#### 84"),
    ("-3", "−3"),
    ("0.50", ".5"),
]
OTHER_NUMBER = [("85", "84"), ("84", "-84"), ("0.5", "0.05"), ("1234", "12.34"), ("The answer is 85.", "84")]


@pytest.mark.parametrize(("answer", "label"), SAME_NUMBER)
def test_numbers_are_compared_as_numbers(answer: str, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.acceptance.equal_mathematics.difference", no_process)
    assert refusal(MATH, a_sample(answer, label, task=TaskType.MATH)) is None


@pytest.mark.parametrize(("answer", "label"), OTHER_NUMBER)
def test_another_number_is_refused(answer: str, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.acceptance.equal_mathematics.difference", no_process)
    refused = refusal(MATH, a_sample(answer, label, task=TaskType.MATH))
    assert refused == ("wrong_label", f"the answer is {answer!r}, the row's label {label!r}")


def no_process(answer: str, label: str) -> str | None:
    raise AssertionError("two certain numbers need no other process")


@pytest.mark.parametrize(
    ("answer", "label", "question", "system"),
    [
        ("neutral", "neutral", "p", None),
        ("Neutral.", " neutral ", "p", None),
        ("The answer is neutral.", "neutral", "p", LISTED),
        ("**Entailment**", "entailment", "p", LISTED),
        ("B", "B", CHOICES, None),
        ("(B)", "B: a library", CHOICES, None),
        ("a library", "B", CHOICES, "Answer with the letter only."),
        ("B. a library", "a library", CHOICES, "Answer with the letter only."),
        ("In the north of the country", "in the north of the country.", "Where?", None),
    ],
)
def test_labels_and_choices_are_compared_by_their_names(answer: str, label: str, question: str, system: str | None) -> None:
    assert refusal(QA, a_sample(answer, label, question, system)) is None
    assert refusal(NLI, a_sample(answer, label, question, system)) is None


@pytest.mark.parametrize(
    ("answer", "label", "question", "system"),
    [
        ("neutral", "entailment", "p", None),
        ("not neutral", "neutral", "p", LISTED),
        ("neutral or entailment", "neutral", "p", LISTED),
        ("A", "B", CHOICES, None),
        ("a river", "B", CHOICES, "Answer with the letter only."),
        ("In the south", "In the north", "Where?", None),
    ],
)
def test_another_label_is_refused(answer: str, label: str, question: str, system: str | None) -> None:
    refused = refusal(QA, a_sample(answer, label, question, system))
    assert refused is not None
    assert refused[0] == "wrong_label"
    assert repr(answer) in refused[1]
    assert repr(label) in refused[1]


def test_texts_may_differ_as_far_as_the_setting_says() -> None:
    near, far = a_sample("It lies in the north of Italy", "It lies in northern Italy"), a_sample("It lies in Spain", "It lies in northern Italy")
    assert refusal(NLI, near) is not None
    assert refusal(LabelCheck(TaskType.NLU_QA, 0.8), near) is None
    refused = refusal(LabelCheck(TaskType.NLU_QA, 0.8), far)
    assert refused is not None
    assert refused[1].endswith("label_similarity is 0.8")


def test_similarity_is_not_for_listed_labels_and_numbers() -> None:
    alike = LabelCheck(TaskType.NLU_QA, 0.1)
    assert refusal(alike, a_sample("neutral", "entailment", "p", LISTED)) is not None
    assert refusal(LabelCheck(TaskType.MATH, 0.1), a_sample("84", "85", task=TaskType.MATH)) is not None


@pytest.mark.parametrize("label", [None, " "])
def test_a_row_without_a_label_has_a_reason_of_its_own(label: str | None) -> None:
    refused = refusal(NLI, a_sample("neutral", label))
    assert refused is not None
    assert refused[0] == "no_label"


def test_a_long_answer_shows_its_end() -> None:
    refused = refusal(MATH, a_sample("word " * 100 + "#### 7", "8", task=TaskType.MATH))
    assert refused is not None
    assert "#### 7', the row's label '8'" in refused[1]


@pytest.mark.parametrize(
    ("check", "label", "question", "system", "found"),
    [
        (NLI, "0", "p", LISTED, ("0", ("entailment", "neutral", "contradiction"))),
        (QA, "3", CHOICES, "Answer with the letter only.", ("3", ("A", "B", "C"))),
        (NLI, "Neutral.", "p", LISTED, None),
        (NLI, "1.0", "p", "Answer only with '0', '1' or '2'.", None),  # as pandas writes it
        (NLI, "1.5", "p", "Answer only with '0', '1' or '2'.", ("1.5", ("0", "1", "2"))),
        (QA, "a library", CHOICES, "Answer with the letter only.", None),
        (NLI, None, "p", LISTED, None),
        (NLI, "0", "p", None, None),  # nothing listed: the answer may be 0
        (QA, "In the north", CHOICES, None, None),
        (LabelCheck(TaskType.NLI, 0.8), "neutrale", "p", LISTED, None),
        (MATH, "7", "p", "Answer with one of: 1, 2, 3.", None),
    ],
)
def test_a_label_that_no_answer_can_have(
    check: LabelCheck, label: str | None, question: str, system: str | None, found: tuple[str, tuple[str, ...]] | None
) -> None:
    assert check.unlisted(a_sample("", label, question, system, check.task).request) == found


@pytest.mark.parametrize(("label", "accepted"), [("1.0", True), ("1", True), ("2.0", False), ("1.5", False)])
def test_a_class_that_pandas_wrote_with_a_point_is_that_class(label: str, accepted: bool) -> None:
    """pandas issue 28335: whole numbers become 1.0 where one is missing."""
    sample = a_sample("1", label, "p", "Answer only with '0', '1' or '2'.", TaskType.NLI)
    assert (refusal(NLI, sample) is None) is accepted
