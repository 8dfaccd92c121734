"""Objects in what a teacher wrote."""

import contextlib
import time

import pytest

from transforms.elements.rows import ChatMessage
from transforms.elements.tasks import TaskType
from transforms.prompts.base import AnswerRejected, Prompt
from transforms.prompts.embedded_json import read_objects
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec

KEY = "answer_choice"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        pytest.param('{"answer_choice": "B"}', ["B"], id="bare"),
        pytest.param('```json\n{"answer_choice": "B"}\n```', ["B"], id="code fence"),
        pytest.param('Here {it} is: {"answer_choice": "B"}. Bye {now}!', ["B"], id="text with braces around"),
        pytest.param('Use { to begin. {"answer_choice": "B"}', ["B"], id="a stray brace before"),
        pytest.param('5" by {3, 4} {"answer_choice": "B"}', ["B"], id="a stray quote before"),
        pytest.param('{"answer_choice": "B",}', ["B"], id="trailing comma"),
        pytest.param('{"reason": ["a", "b",], "answer_choice": "B" , \n}', ["B"], id="trailing commas, nested"),
        pytest.param('{"reason": "a, }", "answer_choice": "B",}', ["B"], id="comma and brace in a string"),
        pytest.param('{"reason": "one\ntwo\tthree", "answer_choice": "B"}', ["B"], id="raw line break"),
        pytest.param('{"reason": "\\(x\\) and \\sqrt{2}", "answer_choice": "B"}', ["B"], id="LaTeX"),
        pytest.param('{"reason": "\\u12 \\x", "answer_choice": "B"}', ["B"], id="broken escapes"),
        pytest.param('{"reason": "he said "no" twice", "answer_choice": "B"}', ["B"], id="unescaped quotes"),
        pytest.param('{"reason": "a " is a quote", "answer_choice": "B"}', ["B"], id="one unescaped quote"),
        pytest.param("{'reason': 'It''s', 'answer_choice': 'B'}", ["B"], id="single quotes, doubled inside"),
        pytest.param("{'reason': \"It's\", 'answer_choice': 'B'}", ["B"], id="as Python prints it"),
        pytest.param("{'reason': 'It's so', 'answer_choice': 'B'}", ["B"], id="an apostrophe in single quotes"),
        pytest.param("{'reason': None, 'answer_choice': True}", [True], id="words of Python"),
        pytest.param("{“reason”: “so”, “answer_choice”: “B”}", ["B"], id="typographic quotes"),
        # baml issue 1074, graphify issue 2286
        pytest.param('{"reason": "so.”, "answer_choice": "B”}', ["B"], id="typographic quotes at the end only"),
        pytest.param('{“reason": “so.", “answer_choice": “B"}', ["B"], id="typographic quotes at the beginning only"),
        pytest.param("{“reason”：“因为……”，“answer_choice”：“B”}", ["B"], id="full-width colons and commas"),
        pytest.param('{"reason"："so, he said", "answer_choice"："B"}', ["B"], id="full-width colons"),
        pytest.param("{„reason“: „Es folgt, „klar“ so.“, „answer_choice“: „B“}", ["B"], id="German quotes"),
        pytest.param("{«reason»: «Oui», «answer_choice»: «B»}", ["B"], id="French quotes"),
        pytest.param('{"reason": "He said “no”, then：“yes”", "answer_choice": "B”}', [], id="quotes that may end the text, mixed"),
        pytest.param('{"reason": "He said “no”, then：“yes”", "answer_choice": "B"}', ["B"], id="quotes of the text itself"),
        pytest.param('{"ANSWER_CHOICE": "B"}', ["B"], id="upper case"),
        pytest.param('{"Answer Choice": "B"}', ["B"], id="a space for the underscore"),
        pytest.param('{"answerChoice": "B"}', ["B"], id="camel case"),
        pytest.param('[{"answer_choice": "B"}]', ["B"], id="in a list"),
        pytest.param('{"result": {"reason": "x", "answer_choice": "B"}}', ["B"], id="in an object"),
        pytest.param('{"answer_choice": "A"} or {"answer_choice": "B"}', ["A", "B"], id="two objects"),
        pytest.param('{"answer_choice": "A"}\n{"answer_choice": "B"}\n', ["A", "B"], id="an object to a line"),
        pytest.param('{"answer_choice": {"answer_choice": "B"}}', [{"answer_choice": "B"}], id="key in key: the outer one"),
        pytest.param('{"answer_choice": "}{"}', ["}{"], id="braces in the value"),
        pytest.param('{"answer_choice": "it\'s"}', ["it's"], id="apostrophe in the value"),
        pytest.param('{"answer_choice": "a\\"b"}', ['a"b'], id="escaped quote in the value"),
        pytest.param('{"answer_choice": "é \\u00e9 😀"}', ["é é 😀"], id="beyond ASCII"),
    ],
)
def test_found(text: str, values: list[object]) -> None:
    reading = read_objects(text, (KEY,))
    assert [next(value for key, value in found.items() if key.lower().startswith("answer")) for found in reading.objects] == values
    assert not reading.broken


@pytest.mark.parametrize(
    ("text", "objects", "broken", "unfinished", "other"),
    [
        pytest.param("", 0, False, False, False, id="empty"),
        pytest.param("the answer is B", 0, False, False, False, id="no JSON"),
        pytest.param('{"reason": "x", "answer_choice": "B', 0, False, True, False, id="cut off in a string"),
        pytest.param('{"reason": "x", "answer_choice": 4', 0, False, True, False, id="cut off after a number"),
        pytest.param('{"reason": "x"}', 0, False, False, True, id="other keys"),
        pytest.param("{}", 0, False, False, False, id="nothing in it"),
        pytest.param('{"answer_choice": B}', 0, True, False, False, id="a bare word"),
        pytest.param('{"answer_choice": "A"} {"answer_choice": B}', 1, True, False, False, id="the last one broken"),
        pytest.param('{"answer_choice": A} {"answer_choice": "B"}', 1, False, False, False, id="the first one broken"),
        pytest.param('{"answer_choice": "A"} {"reason": "x', 1, False, True, False, id="the last one cut off"),
    ],
)
def test_not_found(text: str, objects: int, broken: bool, unfinished: bool, other: bool) -> None:
    reading = read_objects(text, (KEY,))
    assert (len(reading.objects), reading.broken, reading.unfinished, reading.other) == (objects, broken, unfinished, other)


ASKED = (ChatMessage("system", "Answer with the number only, or with one of 'A', 'B' or 'C'."), ChatMessage("user", "What is it?"))
HOSTILE = {
    "open braces": "{",
    "open braces and quotes": '{"',
    "empty objects": "{}",
    "keys": '{"answer_choice":1}',
    "keys, broken": '{"answer_choice":x}',
    "nested keys": '{"answer_choice":',
    "lists in objects": '{"a":[',
    "quotes": '"',
    "escaped quotes": '{"\\"',
    "backslashes": '{"' + "\\" * 1000,
    "single quotes": "{'",
    "commas": "{,",
    "commas and spaces": "{, ' ",
    "spaces": "{" + " " * 1000,
    "typographic quotes": "{“”",
    "German quotes": "{„“：“，",
    "quotes and spaces": "{" + " " * 100 + "„" + " " * 100 + "“",
    "fences": "```json\n",
    "thinking": "<think>",
    "words of Python": "{None True ",
    "digits": "1",
    "dots": "1.",
    "number and comma": "1,",
    "boxes": "\\boxed{",
    "answers": "answer is ",
    "stars": "*",
    "parentheses": "(A",
}


@pytest.mark.parametrize(
    ("head", "size"),
    [
        pytest.param("", 220_000, id="220 KB, read strictly"),
        pytest.param("", 95_000, id="95 KB, read leniently"),
        pytest.param('{"Denser_Summary": "a", "answer_choice": "', 95_000, id="95 KB in a string"),
    ],
)
@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_costs_time_in_proportion_to_its_length(piece: str, head: str, size: int) -> None:
    for task, reasoned, dense in (
        (TaskType.MATH, False, False),
        (TaskType.MATH, True, False),
        (TaskType.NLU_QA, False, False),
        (TaskType.NLU_QA, True, False),
        (TaskType.SUMMARIZATION, False, True),
    ):
        prompt = prompt_for(PromptSpec(task, chain_of_thought=reasoned, chain_of_density=dense))
        whole_s = extraction_s(prompt, head + piece * (size // len(piece)))
        # half a second is beyond what a linear reading takes on any machine but a slow one, and there the growth decides:
        # a text of four times the length costs a quadratic reading sixteen times as much
        if whole_s > 0.5:
            quarter_s = extraction_s(prompt, head + piece * (size // 4 // len(piece)))
            assert whole_s < 9 * quarter_s, f"{task.value}: {quarter_s:.2f} s for a quarter, {whole_s:.2f} s for the whole"


def extraction_s(prompt: Prompt, text: str) -> float:
    began = time.process_time()
    with contextlib.suppress(AnswerRejected):
        prompt.extract(text, ASKED)
    return time.process_time() - began
