"""Mathematics beyond certain numbers, compared in a process of its own."""

import subprocess
import sys
import threading

import pytest
from acceptance_samples import a_sample, refusal

from transforms.acceptance import equal_mathematics
from transforms.acceptance.equal_mathematics import as_mathematics, difference
from transforms.acceptance.label import LabelCheck
from transforms.elements.tasks import TaskType

SAME = [
    ("1/2", "0.5"),
    (r"$\frac{1}{2}$", "0.5"),
    ("2x+1", "1+2x"),
    (r"so \boxed{x^2+1}", "1+x^2"),
    ("6*14 = 84. So there are 84 rolls.", "84"),
    ("(1,2)", "(1, 2)"),
    (r"\{1,2\}", r"\{2,1\}"),
    (r"\sqrt{8}", r"2\sqrt{2}"),
    ("10%", "0.1"),
    ("x>3", "3<x"),
]
OTHER = [
    ("1/3", "0.5"),
    ("2x+1", "1"),
    ("(1,2)", "(2,1)"),
    ("[0,1)", "[0,1]"),
    ("4 or 5", "5"),
    ("6*14 = 84. So there are 84 rolls.", "85"),
    ("no idea", "4"),
    ("x", "4"),
]


@pytest.mark.slow
def test_what_states_the_same_is_accepted_and_nothing_else() -> None:
    check = LabelCheck(TaskType.MATH)
    assert [pair for pair in SAME if refusal(check, a_sample(*pair, task=TaskType.MATH)) is not None] == []
    found = [refusal(check, a_sample(*pair, task=TaskType.MATH)) for pair in OTHER]
    assert {refused[0] if refused else None for refused in found} == {"wrong_label"}


@pytest.mark.slow
def test_a_comparison_that_takes_too_long_is_a_finding_and_the_next_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    own = equal_mathematics._Comparer()
    said: list[str | None] = []
    # off the main thread, as a pipeline is: there math-verify's own limits do nothing
    thread = threading.Thread(target=lambda: said.extend([own.compare("9^{9^{9^{9^9}}}", "3"), own.compare("1/2", "0.5")]))
    thread.start()
    thread.join()
    assert said == ["comparing them takes more than 5 s", None]


def test_a_process_that_cannot_start_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [sys.executable, "-c", "import sys; sys.exit(3)"]
    monkeypatch.setattr(equal_mathematics, "_start", lambda: subprocess.Popen(failing, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    assert equal_mathematics._Comparer().compare("1/2", "0.5") == "they could not be compared (the process for it ended with 3)"


def test_a_pair_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(equal_mathematics._OWN, "compare", lambda *pair: asked.append(pair))
    difference.cache_clear()
    assert [difference("1/7", "y"), difference("1/7", "y")] == [None, None]
    assert asked == [("1/7", "y")]
    difference.cache_clear()


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("2x+1", "$2x+1$"),
        (r"\frac{1}{2}", r"$\frac{1}{2}$"),
        (r"72 \text{ apples}", r"$72 \text{ apples}$"),
        ("$x$", "$x$"),
        ("72 apples", "72 apples"),
        (r"\boxed{3}", r"\boxed{3}"),
        ("1\n2", "1\n2"),
    ],
)
def test_an_expression_alone_is_marked_as_one(text: str, read_as: str) -> None:
    assert as_mathematics(text) == read_as
