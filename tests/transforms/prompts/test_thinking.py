"""Thinking and marks of chat templates never become an answer; a text that only mentions them is kept."""

import pytest
from builders import a_reply

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.elements.tasks import TaskType
from transforms.prompts.base import AnswerRejected
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec
from transforms.prompts.teacher_reasoning import reasoning_of
from transforms.prompts.thinking import spoken

PROMPT = prompt_for(PromptSpec(TaskType.CONVERSATION))
ASKED = (ChatMessage("user", "Who sat on the mat?"),)

THOUGHT_OF = [
    "<think>plan</think>The cat.",
    "<think>\nplan\n</think>\n\nThe cat.",
    "<THINK>plan</THINK>The cat.",
    "plan\n</think>\n\nThe cat.",
    "plan</think>The cat.",
    "<thinking>plan</thinking>The cat.",
    "<thought>plan</thought>\nThe cat.",
    "<reasoning>plan</reasoning>\n\nThe cat.",
    "<analysis>plan</analysis>The cat.",
    "<scratchpad>plan</scratchpad>The cat.",
    "<inner_monologue>plan</inner_monologue>The cat.",
    "<antThinking>plan</antThinking>The cat.",
    "<inner_thoughts>plan</inner_thoughts>The cat.",
    "<think >plan</think >The cat.",
    '<details type="reasoning" done="true">\n<summary>Thought for 3 seconds</summary>\nplan\n</details>\nThe cat.',
    "Thinking...\nplan\n...done thinking.\n\nThe cat.",
    "<seed:think>plan</seed:think>The cat.",
    "<longcat_think>plan</longcat_think>The cat.",
    "[THINK]plan[/THINK]The cat.",
    "◁think▷plan◁/think▷The cat.",
    "<|START_THINKING|>plan<|END_THINKING|><|START_RESPONSE|>The cat.<|END_RESPONSE|>",
    "<|begin_of_thought|>plan<|end_of_thought|><|begin_of_solution|>The cat.<|end_of_solution|>",
    "<unused94>plan<unused95>The cat.",
    "Here is my thought process:\nplan\nHere is my response:\nThe cat.",
    "<|channel|>analysis<|message|>plan<|end|><|start|>assistant<|channel|>final<|message|>The cat.<|return|>",
    "analysis\nplan\n\nassistantfinal\nThe cat.",
    "analysis plan assistantfinalThe cat.",
    "commentaryplan assistantfinalThe cat.",
    "<|start|>assistant<|channel|>analysis<|message|>plan<|end|><|start|>assistant<|channel|>final<|message|>The cat.",
    "<|channel|>analysis<|message|>plan<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>The cat.",
    "<think>plan</think><answer>The cat.</answer>",
    "<think>plan</think>\n<response>\nThe cat.\n</response>\n",
    "<|im_start|>assistant\n<think>plan</think>The cat.<|im_end|>",
]


@pytest.mark.fault("A2")
@pytest.mark.parametrize("text", THOUGHT_OF)
def test_thinking_is_cut_off_and_kept_as_reasoning(text: str) -> None:
    assert PROMPT.extract(text, ASKED) == "The cat."
    assert reasoning_of(PROMPT, a_reply(text)) == "plan"


@pytest.mark.fault("A2")
@pytest.mark.parametrize(
    "text",
    [
        *("The cat.<|im_end|>", "The cat.</s>", "The cat.<|eot_id|>\n", "The cat.<end_of_turn>", "The cat.<|endoftext|><|endoftext|>"),
        *("The cat.<｜end▁of▁sentence｜>", "The cat.<|return|>", "<|assistant|>\nThe cat.<|user|>", "<|im_start|>assistant\nThe cat."),
        *("<|channel|>final<|message|>The cat.<|return|>", "<answer>The cat.</answer>", "<|START_RESPONSE|>The cat.<|END_RESPONSE|>"),
        *("<start_of_turn>model\nThe cat.<end_of_turn>", "The cat.<|END_OF_TURN_TOKEN|>", "The cat.<|eom_id|>", "The cat.<eos>"),
    ],
)
def test_marks_at_the_edges_are_taken_off(text: str) -> None:
    assert PROMPT.extract(text, ASKED) == "The cat."


@pytest.mark.fault("A2")
@pytest.mark.parametrize(
    "text",
    [
        "The tag </think> closes a block.",
        "Use <think> and </think> around it.",
        "It ends with `</think>` here.",
        "```\n<think>\nplan\n</think>\n```",
        "The `<|im_end|>` token ends a turn.",
        "a <| b |> c",
        "analysis of the data is easy",
        "[1] and [2] are sources.",
        "if a < b and c > d",
    ],
)
def test_mentions_of_marks_are_kept(text: str) -> None:
    assert PROMPT.extract(text, ASKED) == text
    assert PROMPT.extract("<think>plan</think>" + text, ASKED) == text


@pytest.mark.fault("A2")
def test_marks_from_the_row_are_kept() -> None:
    asked = (ChatMessage("user", "Answer in <answer></answer>, after <reasoning></reasoning>. What does <|im_end|> do?"),)
    text = "<reasoning>It ends.</reasoning><answer>The token <|im_end|> ends a turn.</answer>"
    assert PROMPT.extract(text, asked) == text


@pytest.mark.fault("A2")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<think>plan", reasons.EMPTY_ANSWER),
        ("<thinking>plan", reasons.EMPTY_ANSWER),
        ("[THINK]plan", reasons.EMPTY_ANSWER),
        ("◁think▷plan", reasons.EMPTY_ANSWER),
        ("<|channel|>analysis<|message|>plan", reasons.EMPTY_ANSWER),
        ("<think>plan</think>", reasons.EMPTY_ANSWER),
        ("<|im_end|>", reasons.EMPTY_ANSWER),
        ("<answer></answer>", reasons.EMPTY_ANSWER),
        ("The cat.<|im_end|>\n<|im_start|>user\nAnd then?", reasons.SPECIAL_TOKENS),
        ("The cat. [/INST] More", reasons.SPECIAL_TOKENS),
        ("The cat.\n<think>\nplan\n</think>\nThe dog.", reasons.SPECIAL_TOKENS),
        ("The <unk> cat", reasons.SPECIAL_TOKENS),
        ("The <|reserved_special_token_3|> cat", reasons.SPECIAL_TOKENS),
    ],
)
def test_unclear_thinking_is_rejected(text: str, reason: str) -> None:
    with pytest.raises(AnswerRejected) as caught:
        PROMPT.extract(text, ASKED)
    assert caught.value.reason == reason


def test_a_fold_in_a_text_is_not_thinking() -> None:
    text = "Look:\n<details><summary>More</summary>a cat</details>\nThat is all."
    assert PROMPT.extract(text, ASKED) == text
    assert PROMPT.extract("It ends.</details>\nThe cat.", ASKED) == "It ends.</details>\nThe cat."


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "find", "arguments": {}}\n</tool_call>',
        "<function=find>{}</function>",
        "<ctrl94>x",
        "[TOOL_CALLS][{}]",
        "<longcat_tool_call>x",
    ],
)
def test_tool_calls_in_template_marks_are_not_an_answer(text: str) -> None:
    with pytest.raises(AnswerRejected) as caught:
        PROMPT.extract(text, ASKED)
    assert caught.value.reason == reasons.SPECIAL_TOKENS
    assert PROMPT.extract(f"Use `{text.splitlines()[0]}`.", ASKED).startswith("Use")


@pytest.mark.parametrize("text", ["!" * 10, "!" * 5000, "! " * 40, "<think>" + "x" * 9 + "</think>" + "!" * 60])
def test_an_answer_of_one_mark_is_a_reject(text: str) -> None:
    with pytest.raises(AnswerRejected) as caught:
        spoken(text)
    assert caught.value.reason == reasons.REPEATS_ITSELF


@pytest.mark.parametrize("text", ["!", "!!!", "...", "0000000000", "aaaaaaaaaaaaaaa", "!!!!!!!!!!!! Stop", "-----\n=====\n-----"])
def test_marks_in_an_answer_are_text(text: str) -> None:
    assert spoken(text).text == text


def test_a_line_that_the_row_asks_for() -> None:
    assert spoken("=" * 20, (ChatMessage("user", "Write a line like ==========, twice as long."),)).text == "=" * 20
