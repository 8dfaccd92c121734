"""Characters that were lost on the way make an answer a reject, in every task; in the row itself they are its subject."""

import pytest
from builders import a_reply, a_request

from transforms.elements import reasons
from transforms.elements.tasks import TaskType
from transforms.prompts.base import AnswerRejected
from transforms.prompts.progress import extract_answer
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec
from transforms.teacher.response import read_reply


def extracted(text: str, question: str = "What is it?", task: TaskType = TaskType.CONVERSATION) -> str:
    return extract_answer(prompt_for(PromptSpec(task)), a_request(("user", question)).turns[0], a_reply(text))


@pytest.mark.parametrize("text", ["It costs 5 \ufffd\ufffd each.", "smile \ufffd", "before\0after"])
@pytest.mark.parametrize("task", [TaskType.CONVERSATION, TaskType.SUMMARIZATION])
def test_a_mark_of_a_lost_character_is_a_reject(text: str, task: TaskType) -> None:
    with pytest.raises(AnswerRejected) as caught:
        extracted(text, task=task)
    assert caught.value.reason == reasons.LOST_CHARACTERS


@pytest.mark.parametrize("text", ["5 € each", "naïve", "🙂", "日本語", "plain"])
def test_other_characters_are_text(text: str) -> None:
    assert extracted(text) == text


def test_a_row_about_the_mark_may_have_it_in_its_answer() -> None:
    assert extracted("The sign \ufffd is U+FFFD.", "What is the sign \ufffd?") == "The sign \ufffd is U+FFFD."


@pytest.mark.parametrize(
    "body",
    [
        '{"choices":[{"message":{"content":"café crème"},"finish_reason":"stop"}]}'.encode("latin-1"),
        b'{"choices":[{"message":{"content":"smile \\ud83d"},"finish_reason":"stop"}]}',
        b'{"choices":[{"message":{"content":"zero \\u0000"},"finish_reason":"stop"}]}',
    ],
)
def test_a_body_in_another_encoding_is_read_and_its_answer_refused(body: bytes) -> None:
    reply = read_reply(body, 0, 1, 1.0)
    with pytest.raises(AnswerRejected) as caught:
        extract_answer(prompt_for(PromptSpec(TaskType.CONVERSATION)), (), reply)
    assert caught.value.reason == reasons.LOST_CHARACTERS


@pytest.mark.parametrize("text", ["\u200b", "\ufeff \n", "\u2060\u200b"])
def test_an_answer_that_nobody_sees_is_empty(text: str) -> None:
    with pytest.raises(AnswerRejected) as caught:
        extracted(text)
    assert caught.value.reason == reasons.EMPTY_ANSWER


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("\ufeffParis", "Paris"),
        ("assistant\n\nParis", "Paris"),
        ("assistant\nParis", "assistant\nParis"),
        ("Assistant\n\nBob", "Assistant\n\nBob"),
    ],
)
def test_what_the_server_left_before_the_answer(text: str, answer: str) -> None:
    assert extracted(text) == answer
