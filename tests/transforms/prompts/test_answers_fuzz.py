"""No reply raises anything but a reject, or takes long, whatever it holds."""

import contextlib
import time

import pytest
from builders import a_reply
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.elements.rows import ChatMessage
from transforms.elements.tasks import TaskType
from transforms.prompts.answer_form import form_asked_for
from transforms.prompts.base import AnswerRejected
from transforms.prompts.plain_number import NotCertain, stated_number
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import AnswerRules, PromptSpec
from transforms.prompts.teacher_reasoning import reasoning_of

PIECES = (
    *("<think>", "</think>", "[THINK]", "◁think▷", "<|im_end|>", "<|channel|>", "final<|message|>", "<answer>", "</answer>", "assistantfinal"),
    *("`", "```", '{"reason": "', '", "answer_choice": "', '", "answer": ', '"}', "{", "}", "[", "]", "(", ")", '"', "'", "\\", "\\boxed{"),
    *("\\frac", "\\n", "\\u12", "\\ud83d", "A", "B.", "(C)", "yes", "no", "not ", "neutral", "entailment", " or ", "5", "-5", "1,234", ".5"),
    *("=", " = ", "x", "million", "%", "####", "answer is ", "$", "²", "\n", " ", "\t", "\x00", "\u200b", "\u202e", "é", "正面"),
    *("1e999", "1" * 400, "[" * 300, '{"a":' * 300),
)
REPLIES = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=24).map("".join)
SYSTEMS = (
    "Be brief.",
    "Answer with the number only.",
    "Answer with the letter only.",
    "Answer only with 'entailment', 'neutral' or 'contradiction'.",
    "Reply yes or no.",
    "Labels:\n- 正面\n- 负面",
)
PROMPTS = [
    prompt_for(PromptSpec(task, thought, density, rules=AnswerRules(bare)))
    for task, thought, density in (
        *((task, False, False) for task in TaskType),
        *((task, True, False) for task in (TaskType.NLI, TaskType.NLU_QA, TaskType.MATH)),
        (TaskType.SUMMARIZATION, False, True),
    )
    for bare in ("auto", "always")
]
QUIETLY = settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@QUIETLY
@given(REPLIES, st.sampled_from(SYSTEMS))
def test_every_reply_is_an_answer_or_a_reject(text: str, system: str) -> None:
    asked = (ChatMessage("system", system), ChatMessage("user", "Which?\n(A) one\n(B) two"))
    for prompt in PROMPTS:
        reasoning_of(prompt, a_reply(text))
        try:
            answer = prompt.extract(text, asked)
        except AnswerRejected as rejected:
            assert rejected.detail
            assert len(rejected.detail) < 2_000
        else:
            assert answer.strip()
            assert prompt.extract(text, asked) == answer


@QUIETLY
@given(st.text(max_size=400), st.text(max_size=400))
def test_any_instructions_can_be_read(system: str, question: str) -> None:
    form_asked_for((ChatMessage("system", system), ChatMessage("user", question)))
    form_asked_for((ChatMessage("user", question),))


@pytest.mark.fault("D2")
@QUIETLY
@given(st.sampled_from("+*/^!%²√πx_&|~@#<>=≤≥≠±∞°½k"), st.integers(-10_000, 10_000), st.booleans())
def test_a_sign_that_touches_a_number_makes_it_uncertain(sign: str, number: int, before: bool) -> None:
    text = f"{sign}{abs(number)}" if before else f"{number}{sign}"
    if sign in ("+", "=", "~") and before or sign == "°":  # in front they change nothing
        return
    with pytest.raises(NotCertain):
        stated_number(text)


HOSTILE = (*PIECES, "'a', ", "- a\n", "one of a, ", "yes or ", "(a|b) ", "only ", "answer is 5. ", "\\boxed{5} ", "= 5 ")
SLOWEST = [
    prompt_for(PromptSpec(TaskType.NLU_QA)),
    prompt_for(PromptSpec(TaskType.NLU_QA, True)),
    prompt_for(PromptSpec(TaskType.MATH, rules=AnswerRules("always"))),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    text = piece * (60_000 // len(piece))
    listed = (ChatMessage("system", SYSTEMS[3]), ChatMessage("user", text[:20_000]))
    for prompt in SLOWEST:
        for asked in (listed, listed[1:]):
            began = time.process_time()
            with contextlib.suppress(AnswerRejected):
                prompt.extract(text, asked)
            assert time.process_time() - began < 5
