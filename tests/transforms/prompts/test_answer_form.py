"""Plain answers keep the teacher's text, except where the row's own instructions fix the form."""

import pytest

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.elements.tasks import TaskType
from transforms.prompts.answer_form import form_in
from transforms.prompts.base import AnswerRejected
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import AnswerRules, PromptSpec

NUMBER = (
    "Give the numerical answer, an integer, only.",
    "Answer with a number.",
    "Answer each math problem with one number.",
    "Respond with just the final number, no units.",
    "Your answer must be a whole number.",
    "Output a single integer.",
    "Return only the number.",
    "No explanation, just the number",
    "请只输出数字答案。",
    "Ответь только числом.",
    "数字だけで答えてください。",
    "Responda apenas com o número.",
    "Antwoord alleen met het getal.",
    "숫자만 답하세요.",
    "Answer with the number only, not in sentences.",
    "You only provide a numerical answer. Do not include reasoning or calculations. Your response is solely an integer.",
)
LETTER = (
    "Answer with the letter only.",
    "Reply with the letter of the correct choice.",
    "Answer with a single letter.",
    "Answer the multiple choice question with one letter: A, B, C, or D.",
    "Answer the following question with the letter of the correct option.",
    "只输出选项字母。",
    "Antworte nur mit dem Buchstaben.",
)
FREE = (
    "Be brief.",
    "You are a math tutor. Show your work.",
    "Solve the problem step by step.",
    "Solve the problem. End with '#### <number>'.",
    r"Put your final answer in \boxed{}.",
    "Please think step by step and answer with a number",
    "Explain your reasoning, then give the number only on the last line.",
    "Give the letter and the text of the choice.",
    "Answer with letter and text.",
    "Answer 'yes' or 'no' and explain why.",
    "Answer in JSON with the key label: 'a' or 'b'.",
    "Write a letter to the customer.",
    "Answer the customer's question with a letter to the family.",
    "Answer questions that come with a number of options.",
    "The answer is always a number.",
    "Answer in one sentence with the number and its unit.",
    "Give the number with its unit.",
    "Write a number of examples.",
    "答案里有数字。",
)
SOLUTION = "2 squared is 4, and 4 - 2 = 2.\n\nThe answer is 2."


def extract(task: TaskType, system: str | None, text: str, bare: str = "auto") -> str:
    asked = (*((ChatMessage("system", system),) if system else ()), ChatMessage("user", "What is it?"))
    return prompt_for(PromptSpec(task, rules=AnswerRules(bare))).extract(text, asked)


@pytest.mark.fault("G7")
@pytest.mark.parametrize("system", NUMBER)
def test_a_bare_number(system: str) -> None:
    assert form_in(system).number
    assert extract(TaskType.MATH, system, SOLUTION) == "2"
    with pytest.raises(AnswerRejected) as caught:
        extract(TaskType.MATH, system, "4 or 5")
    assert caught.value.reason == reasons.NOT_A_NUMBER
    assert extract(TaskType.MATH, system, SOLUTION, "never") == SOLUTION


@pytest.mark.fault("G7")
@pytest.mark.parametrize("system", LETTER)
def test_a_letter(system: str) -> None:
    assert form_in(system).letter
    assert extract(TaskType.NLU_QA, system, "(b) library") == "B"
    assert extract(TaskType.NLU_QA, system, "(b) library", "never") == "(b) library"


@pytest.mark.fault("G7")
@pytest.mark.parametrize("system", [None, *FREE])
def test_the_text_is_kept(system: str | None) -> None:
    for text in (SOLUTION, "4 or 5", r"\sqrt{3}", "42.0", "b) library", "**neutral**."):
        for task in (TaskType.MATH, TaskType.NLI, TaskType.NLU_QA):
            assert extract(task, system, text) == text
    assert extract(TaskType.MATH, system, SOLUTION, "always") == "2"
    assert extract(TaskType.NLU_QA, system, "b) library", "always") == "B"
    with pytest.raises(AnswerRejected):
        extract(TaskType.MATH, system, r"\sqrt{3}", "always")


@pytest.mark.fault("G7", "D13")
def test_a_text_that_is_kept_still_names_one_listed_label() -> None:
    system = "Answer only with 'good' or 'bad'."
    assert extract(TaskType.NLI, system, "I say: **good**", "never") == "I say: **good**"
    with pytest.raises(AnswerRejected):
        extract(TaskType.NLI, system, "who knows", "never")
