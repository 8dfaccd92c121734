"""Answers of a simulated teacher that knows the right ones."""

import json
import random
from pathlib import Path

import pytest
from builders import chat_line

from beam_distill.cli.main import main
from beam_distill.simulator.answers import answer_text, known_answers
from transforms.elements.rows import ChatMessage, RowOrigin, Split, TrainingRow
from transforms.elements.tasks import REASONED, TaskType
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec

CHAT = chat_line(("system", "s"), ("user", "What is 6 times 7?"), ("assistant", "42"), ("user", "Sure?"))
KNOWN = known_answers([CHAT, "", chat_line(("user", "a"))])


def answer(system: str, user: str) -> str:
    return answer_text([{"role": "system", "content": system}, {"role": "user", "content": user}], random.Random(1), KNOWN)


def test_a_known_answer_is_given_in_the_requested_form() -> None:
    assert KNOWN == {"What is 6 times 7?": "42"}
    assert answer("Be brief.", "What is 6 times 7?") == "42"
    assert json.loads(answer('Answer in JSON with "reason" and "answer".', "What is 6 times 7?"))["answer"] == "42"
    assert json.loads(answer('Give "reason" and "answer_choice".', "What is 6 times 7?"))["answer_choice"] == "42"
    assert json.loads(answer("Missing_Entities and Denser_Summary", "What is 6 times 7?"))[-1]["Denser_Summary"] == "42"
    assert answer("Be brief.", "Sure?") != "42"


@pytest.mark.parametrize("task", REASONED, ids=lambda task: task.value)
def test_every_task_that_is_asked_with_chain_of_thought_gets_the_known_answer_in_its_form(task: TaskType) -> None:
    prompt = prompt_for(PromptSpec(task, chain_of_thought=True))
    row = TrainingRow("key", RowOrigin(Split.TRAIN, "f", 1, 0), (ChatMessage("user", "What is 6 times 7?"),))
    (asked,) = prompt.format(row).turns
    said = answer_text([{"role": message.role, "content": message.content} for message in asked], random.Random(1), KNOWN)
    assert prompt.extract(said, asked) == "42"


def test_a_form_that_no_task_has_yet_is_read_from_the_request() -> None:
    form = 'Your whole reply is one JSON object: {"reason": "your steps", "translation": what you settled on}'
    assert json.loads(answer(form, "What is 6 times 7?"))["translation"] == "42"
    assert json.loads(answer(form, "Sure?"))["translation"]


@pytest.mark.parametrize(("text", "said"), [('{"a": 1}', "expected a chat in every line"), (None, "cannot be read: No such file")])
def test_an_invalid_file_of_answers_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, said: str) -> None:
    path = tmp_path / "answers.jsonl"
    if text is not None:
        path.write_text(text)
    assert main(["simulate", "--port", "0", "--answers", str(path)]) == 2
    assert f"--answers {path}: {said}" in capsys.readouterr().err
