"""The teacher's reasoning, wherever a reply keeps it."""

import pytest
from builders import a_reply

from transforms.elements.replies import TeacherReply
from transforms.elements.tasks import TaskType
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec
from transforms.prompts.teacher_reasoning import reasoning_of

JSON = '{"reason": "because", "answer": 4, "answer_choice": "B"}'


def reply(content: str | None, reasoning: str | None = None) -> TeacherReply:
    made = a_reply(content)
    return TeacherReply(made.turn, made.content, reasoning, made.finish_reason, 1, 1, 1, 1.0)


@pytest.mark.parametrize("task", [TaskType.MATH, TaskType.NLI, TaskType.NLU_QA])
def test_the_steps_of_a_chain_of_thought(task: TaskType) -> None:
    prompt = prompt_for(PromptSpec(task, chain_of_thought=True))
    assert reasoning_of(prompt, reply(JSON)) == "because"
    assert reasoning_of(prompt, reply("<think>hm</think>" + JSON, "long")) == "because"
    assert reasoning_of(prompt, reply('{"answer": 4, "answer_choice": "B"}', "long ")) == "long"
    assert reasoning_of(prompt, reply('{"reason": "", "answer": 4}')) is None


@pytest.mark.parametrize("task", list(TaskType))
def test_field_and_think_block(task: TaskType) -> None:
    prompt = prompt_for(PromptSpec(task))
    assert reasoning_of(prompt, reply("4", "field")) == "field"
    assert reasoning_of(prompt, reply("<think>\nblock\n</think>\n\n4")) == "block"
    assert reasoning_of(prompt, reply("block without a beginning</think>4")) == "block without a beginning"
    assert reasoning_of(prompt, reply("4")) is None
    assert reasoning_of(prompt, reply(None)) is None
