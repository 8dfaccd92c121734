r"""LaTeX commands in JSON keep the backslash that their writer did not double."""

import json

import pytest

from transforms.elements.tasks import TaskType
from transforms.prompts.embedded_json import read_objects
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec

COMMANDS = (
    r"\frac{1}{2} \forall \flat \frown \fbox{2} \beta \binom{5}{2} \boxed{4} \bar{x} \bmod \bullet \big( \neq \nabla \not= \notin \nleq \nmid "
    r"\rho \right) \rangle \rightarrow \rfloor \rceil \times \theta \text{cm} \textbf{4} \tfrac12 \tau \therefore \triangle \tilde{x} \tanh "
    r"\underline{4} \upsilon \uparrow \sqrt{2} \pi \left( \alpha \cdot"
)


def reason_in(text: str) -> object:
    (found,) = read_objects(text, ("reason",)).objects
    return found["reason"]


@pytest.mark.fault("D12")
@pytest.mark.parametrize("command", COMMANDS.split())
def test_a_single_backslash_stays_one(command: str) -> None:
    assert reason_in('{"reason": "so ' + command + ', done", "answer": 4}') == f"so {command}, done"


@pytest.mark.fault("D12")
@pytest.mark.parametrize("command", COMMANDS.split())
def test_a_doubled_backslash_becomes_one(command: str) -> None:
    assert reason_in(json.dumps({"reason": f"so {command}, done"})) == f"so {command}, done"


@pytest.mark.fault("D12")
def test_all_commands_of_one_text() -> None:
    assert reason_in('{"reason": "' + COMMANDS + '", "answer": 4}') == COMMANDS


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param(r"one\ntwo", "one\ntwo", id="a line break"),
        pytest.param(r"one\n\ntwo\tthree\r\nfour", "one\n\ntwo\tthree\r\nfour", id="breaks and a tab"),
        pytest.param(r"first\nnot so\nearly\nexample\ttext of it\tonly", "first\nnot so\nearly\nexample\ttext of it\tonly", id="words behind"),
        pytest.param(r"x = 1\nu = 5\ne = 2\ni think\tan apple\to", "x = 1\nu = 5\ne = 2\ni think\tan apple\to", id="short words behind"),
        pytest.param(r"2 \\times 3\nu = 5", "2 \\times 3\nu = 5", id="short words where others are doubled"),
        pytest.param(r"a \frac{1}{2} \nu \ne \tan x", r"a \frac{1}{2} \nu \ne \tan x", id="short commands where others are single"),
        pytest.param(r"so \(x \ne 5\) and \(\tan x\)", r"so \(x \ne 5\) and \(\tan x\)", id="short commands in single delimiters"),
        pytest.param(r"so \tan{x} is 1\nu = 5", "so \\tan{x} is 1\nu = 5", id="a short command before a brace"),
        pytest.param(r"25\% of \nu", r"25\% of \nu", id="a short command beside a single sign"),
        pytest.param(r"\alpha \nu, \sin x \to y", r"\alpha \nu, \sin x \to y", id="short commands beside ones that are no escapes"),
        pytest.param(r"it\'s one\nu = 5", "it's one\nu = 5", id="a quote is no LaTeX"),
        pytest.param(r"C:\\new\\text \"q\" \/ caf\u00e9 \b", 'C:\\new\\text "q" / café \b', id="other escapes"),
    ],
)
def test_line_breaks_and_tabs(written: str, meant: str) -> None:
    assert reason_in('{"reason": "' + written + '"}') == meant


@pytest.mark.fault("D12")
def test_answers_reasons_and_summaries() -> None:
    reply = r'{"reason": "Half: \frac{1}{2} \times 14 = 7, so \theta \neq \beta", "answer": 7}'
    assert prompt_for(PromptSpec(TaskType.MATH, chain_of_thought=True)).reason(reply) == r"Half: \frac{1}{2} \times 14 = 7, so \theta \neq \beta"
    dense = r'[{"Missing_Entities": "x", "Denser_Summary": "A \beta decay, \frac{1}{2} of it"}]'
    assert r"A \beta decay, \frac{1}{2}" in read_objects(dense, ("Denser_Summary",)).objects[0]["Denser_Summary"]  # type: ignore[operator]
