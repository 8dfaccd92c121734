"""A function of the user's own as a check."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance_samples import a_sample, refusal
from builders import a_reply, a_row, a_scored_row

from transforms.acceptance.base import WrongSetting
from transforms.acceptance.python_function import PythonCheck, _function
from transforms.acceptance.row_result import rules_for
from transforms.acceptance.spec import AcceptanceSpec
from transforms.elements.rows import RejectedRow
from transforms.elements.tasks import TaskType
from transforms.prompts.spec import PromptSpec

SOURCE = """
SEEN = []

def judge(row, answer):
    SEEN.append((row, answer))
    return {"yes": True, "no": False, "why": "it is not polite", "none": None, "empty": ""}.get(answer, True) if answer != "fails" else 1 / 0

not_callable = 3
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module in the working directory, which is not on Python's path."""
    (tmp_path / "my_own_checks.py").write_text(SOURCE)
    (tmp_path / "broken_checks.py").write_text("import no_such_library_anywhere\n")
    (tmp_path / "raising_checks.py").write_text("raise RuntimeError('no model here')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    yield
    for name in ("my_own_checks", "broken_checks", "raising_checks"):
        sys.modules.pop(name, None)
    _function.cache_clear()


def check() -> PythonCheck:
    return PythonCheck.from_settings({"check_function": "my_own_checks:judge"})


def test_it_gets_the_row_and_the_answer() -> None:
    assert refusal(check(), a_sample("yes", "label", "q", "s")) is None
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "label"}]
    row = {"messages": messages, "question": "q", "label": "label", "turn": 0, "columns": {}, "split": "train", "file": "rows.jsonl", "line": 1}
    assert [(row, "yes")] == sys.modules["my_own_checks"].SEEN


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ("no", ("function_refused", "my_own_checks:judge returned False")),
        ("why", ("function_refused", "it is not polite")),
        ("none", ("function_failed", "my_own_checks:judge returned None; expected True, False or a text that says why not")),
        ("empty", ("function_failed", "my_own_checks:judge returned ''; expected True, False or a text that says why not")),
        ("fails", ("function_failed", "my_own_checks:judge raised ZeroDivisionError: division by zero (my_own_checks.py, line 6)")),
    ],
)
def test_what_it_returns_and_raises(answer: str, refused: tuple[str, str]) -> None:
    assert refusal(check(), a_sample(answer)) == refused


def test_each_answer_of_a_conversation_is_shown_to_it() -> None:
    rules = rules_for(PromptSpec(TaskType.CONVERSATION), AcceptanceSpec((check(),)))
    request = rules.prompt.format(a_row(("user", "u1"), ("assistant", "x"), ("user", "u2")))
    ended = rules.example_or_reject(a_scored_row(a_reply("yes"), a_reply("why", 1), request=request))
    assert isinstance(ended, RejectedRow)
    assert ended.detail == "turn 2: it is not polite"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (None, "needs check_function, as module:function"),
        ("judge", "expected module:function, such as my_checks:is_polite"),
        ("my_own_checks:", "expected module:function"),
        ("my_own_checks:juge", "my_own_checks has no function juge"),
        ("my_own_checks:not_callable", "my_own_checks has no function not_callable"),
        ("no_such_module_here:judge", "the module no_such_module_here is neither installed nor a file in"),
        ("broken_checks:judge", "broken_checks imports no_such_library_anywhere, which is not installed"),
        ("raising_checks:judge", "the module cannot be imported: raising_checks raised RuntimeError: no model here (raising_checks.py, line 1)"),
    ],
)
def test_a_mistake_in_the_name_is_found_before_anything_is_sent(name: str | None, said: str) -> None:
    with pytest.raises(WrongSetting) as wrong:
        PythonCheck.from_settings({"check_function": name})
    assert said in str(wrong.value)
