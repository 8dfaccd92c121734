"""The answer in a reply, task by task."""

import json
import pickle

import pytest

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.elements.tasks import TaskType
from transforms.prompts.answers import number, value_of
from transforms.prompts.base import AnswerRejected
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import AnswerRules, PromptSpec

ASKED = (ChatMessage("user", "What is it?"),)
PLAIN = {task: prompt_for(PromptSpec(task, rules=AnswerRules(bare_answers="always"))) for task in TaskType}
REASONED = {task: prompt_for(PromptSpec(task, chain_of_thought=True)) for task in (TaskType.NLI, TaskType.NLU_QA, TaskType.MATH)}
DENSE = prompt_for(PromptSpec(TaskType.SUMMARIZATION, chain_of_density=True))


class Rejected(str):
    """An expected reason."""


def check(prompt, text: str, expected: str) -> None:  # type: ignore[no-untyped-def]
    if isinstance(expected, Rejected):
        with pytest.raises(AnswerRejected) as caught:
            prompt.extract(text, ASKED)
        assert caught.value.reason == expected
        assert caught.value.detail
    else:
        assert prompt.extract(text, ASKED) == expected


EMPTY = Rejected(reasons.EMPTY_ANSWER)
NO_JSON = Rejected(reasons.NO_JSON)
KEY = Rejected(reasons.KEY_MISSING)
NUMBER = Rejected(reasons.NOT_A_NUMBER)
NOT_TEXT = Rejected(reasons.ANSWER_NOT_TEXT)


@pytest.mark.parametrize("task", [TaskType.SUMMARIZATION, TaskType.CONVERSATION])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("A text.", "A text.", id="as it is"),
        pytest.param(" \n A text.\n\nMore. \n", "A text.\n\nMore.", id="space around"),
        pytest.param('"Quoted," she said.', '"Quoted," she said.', id="quotes stay"),
        pytest.param("<think>Hm.\n</think>\n\nA text.", "A text.", id="thinking"),
        pytest.param("<think></think>A text.", "A text.", id="thinking, empty"),
        pytest.param("Hm.\n</think>\nA text.", "A text.", id="thinking without its beginning"),
        pytest.param("<think>a</think><think>b</think>A text.", "A text.", id="thinking twice"),
        pytest.param("", EMPTY, id="empty"),
        pytest.param(" \n", EMPTY, id="blank"),
        pytest.param("<think>Hm.", EMPTY, id="thinking never ends"),
        pytest.param("<think>Hm.</think>\n", EMPTY, id="thinking and nothing else"),
        pytest.param("<think>a</think><think>b", EMPTY, id="thinks again and never ends"),
    ],
)
def test_text(task: TaskType, text: str, expected: str) -> None:
    check(PLAIN[task], text, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("entailment", "entailment"),
        (" Entailment.\n", "Entailment"),
        ("'neutral'", "neutral"),
        ('"neutral".', "neutral"),
        ('"neutral."', "neutral"),
        ("“neutral”", "neutral"),
        ("**neutral**", "neutral"),
        ("`neutral`", "neutral"),
        ("**'neutral'.**", "neutral"),
        ("'not entailed'", "not entailed"),
        ("'a' is not 'b'", "'a' is not 'b'"),
        ("It is neutral.", "It is neutral."),
        ("U.S.", "U.S."),
        (".", "."),
        ("''", "''"),
        ("<think>x</think>neutral", "neutral"),
        ("", EMPTY),
    ],
)
def test_plain_label(text: str, expected: str) -> None:
    check(PLAIN[TaskType.NLI], text, expected)


CHOICES = [
    ("B", "B"),
    ("(B)", "B"),
    ("B.", "B"),
    ("b.", "B"),
    ("B)", "B"),
    ("(B).", "B"),
    ("'B'", "B"),
    ("**B**", "B"),
    ("**(B)**", "B"),
    ("(B) a library", "B"),
    ("B) a library", "B"),
    ("B: populated areas", "B"),
    ("B. Brecht", "B. Brecht"),
    ("A: one, B: two", "A: one, B: two"),
    ("a library", "a library"),
    ("B or C", "B or C"),
    ("New York", "New York"),
]


@pytest.mark.parametrize(("text", "expected"), CHOICES)
def test_choices_plain_and_reasoned(text: str, expected: str) -> None:
    check(PLAIN[TaskType.NLU_QA], text, expected)
    check(REASONED[TaskType.NLU_QA], json.dumps({"reason": "so", "answer_choice": text}), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"reason": "x", "answer_choice": "neutral"}', "neutral", id="as asked"),
        pytest.param('{"reason": "x", "answer_choice": "\'neutral\'."}', "neutral", id="wrapped label"),
        pytest.param('<think>{"answer_choice": "a"}</think>{"answer_choice": "b"}', "b", id="draft while thinking"),
        pytest.param('{"answer_choice": "a"}\nNo, wait.\n{"answer_choice": "b"}', "b", id="the last of two"),
        pytest.param('{"answer_choice": "a"}\n\nQuestion: More?\nAnswer: {"answer_choice": "b"}', KEY, id="runs on to a question of its own"),
        pytest.param('{"answer_choice": "a"}\n\n**Problem 2:** More?\n{"answer_choice": "b"}', KEY, id="runs on, in bold"),
        pytest.param('[{"reason": "x", "answer_choice": "a"}, {"reason": "y", "answer_choice": "b"}]', KEY, id="a list that differs"),
        pytest.param('{"results": [{"answer_choice": "a"},\n {"answer_choice": "b"}]}', KEY, id="a list that differs, named"),
        pytest.param('{"first": {"answer_choice": "a"}, "second": {"answer_choice": "b"}}', KEY, id="an object of answers that differ"),
        pytest.param('{"answer_choice": "a"}\n{"answer_choice": "b"}', KEY, id="lines that differ"),
        pytest.param('```json\n{"answer_choice": "a"}\n```\n\n```json\n{"answer_choice": "b"}\n```', KEY, id="fences that differ"),
        pytest.param('```json\n{"answer_choice": "a"}\n```\nOn reflection:\n```json\n{"answer_choice": "b"}\n```', "b", id="fences, corrected"),
        pytest.param('[{"answer_choice": "a"}, {"answer_choice": "a"}]', "a", id="a list that agrees"),
        pytest.param('[{"reason": "x", "answer_choice": "a"}]', "a", id="a list of one object"),
        pytest.param('{"answer_choice": "a"}\nQ: More?\n{"answer_choice": "a"}', "a", id="runs on to the same"),
        pytest.param('Question: this?\n{"reason": "x", "answer_choice": "b"}', "b", id="repeats its question"),
        pytest.param('{"answer_choice": "a"} and {"note": "x"}', "a", id="other object behind"),
        pytest.param('{"answer_choice": "a"} and {"reason": "x', "a", id="unfinished object behind"),
        pytest.param('{"answer_choice": "a"} and {"answer_choice": b}', NO_JSON, id="broken object behind"),
        pytest.param('{"reason": "a, "b": "c", d" e", "answer_choice": "b"}', "b", id="broken reason, answer plain"),
        pytest.param('```json\n{"reason": "a" b" }, c": "d" "answer_choice": "b"\n}\n```', NO_JSON, id="broken all over"),
        pytest.param('{"reason": "x", "answer_choice": ["b"]}', "b", id="list of one"),
        pytest.param('{"reason": "x", "answer_choice": 2}', "2", id="number"),
        pytest.param('{"reason": "x", "answer_choice": 2.50}', "2.5", id="decimal number"),
        pytest.param('{"reason": "x", "Answer_Choice": "b"}', "b", id="other letter case"),
        pytest.param('{"reason": "x", "answer_choice": "b", "Answer_Choice": "c"}', "b", id="both spellings: the exact one"),
        pytest.param('{"Answer_Choice": "b", "ANSWER_CHOICE": "c"}', KEY, id="two other spellings"),
        pytest.param('{"answer_choice": "b", "answer_choice": "c"}', KEY, id="twice", marks=pytest.mark.fault("A10")),
        pytest.param('{"answer_choice": "b", "answer_choice": "b"}', "b", id="twice the same", marks=pytest.mark.fault("A10")),
        pytest.param('{"answer_choice": 1e999999999999999999999}', NO_JSON, id="a number that no number holds"),
        pytest.param('{"answer_choice": ' + "[" * 5000 + "]" * 5000 + "}", NO_JSON, id="a deep list"),
        pytest.param('{"reason": "x", "answer": "b"}', KEY, id="other key"),
        pytest.param('{"answer_choice": "b"', NO_JSON, id="never closed"),
        pytest.param("neutral", NO_JSON, id="bare label"),
        pytest.param('["neutral"]', NO_JSON, id="list"),
        pytest.param('{"reason": "x", "answer_choice": ""}', EMPTY, id="empty"),
        pytest.param('{"reason": "x", "answer_choice": " "}', EMPTY, id="blank"),
        pytest.param('{"reason": "x", "answer_choice": null}', EMPTY, id="null"),
        pytest.param('{"reason": "x", "answer_choice": true}', NOT_TEXT, id="true"),
        pytest.param('{"reason": "x", "answer_choice": ["a", "b"]}', NOT_TEXT, id="list of two"),
        pytest.param('{"reason": "x", "answer_choice": {"a": 1}}', NOT_TEXT, id="object"),
        pytest.param("", EMPTY, id="nothing"),
    ],
)
def test_reasoned_label(text: str, expected: str) -> None:
    check(REASONED[TaskType.NLI], text, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("42", "42"),
        ("1,234.0", "1234"),
        ("<think>40 + 2</think>42", "42"),
        ("```\n42\n```", "42"),
        ("The answer is 42.", "42"),
        ("40 + 2", NUMBER),
        ("many", NUMBER),
        ("", EMPTY),
    ],
)
def test_plain_number(text: str, expected: str) -> None:
    check(PLAIN[TaskType.MATH], text, expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("42", "42"),
        ("-3", "-3"),
        ("0", "0"),
        ("0.5", "0.5"),
        ("1234.0", "1234"),
        ("1e2", "100"),
        ("12345678901234567890123456789012345", "12345678901234567890123456789012345"),
        ('"1,234.0"', "1234"),
        ('"$42"', "42"),
        ('"42 apples"', "42"),
        ("[42]", "42"),
        ("1e999999999", NUMBER),
        ("NaN", NUMBER),
        ("-Infinity", NUMBER),
        ('"forty-two"', NUMBER),
        ('"1/2"', NUMBER),
        ("true", NUMBER),
        ("[4, 2]", NUMBER),
        ('{"x": 4}', NUMBER),
        ("null", NUMBER),
        ('""', EMPTY),
        ("42 +", NO_JSON),
    ],
)
def test_reasoned_number(value: str, expected: str) -> None:
    check(REASONED[TaskType.MATH], f'{{"reason": "so", "answer": {value}}}', expected)


def rounds(*summaries: object) -> list[dict[str, object]]:
    return [{"Missing_Entities": "a; b", "Denser_Summary": summary} for summary in summaries]


FOUR = rounds("one", "two", "three", "four")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(json.dumps(FOUR), "four", id="as asked"),
        pytest.param("```json\n" + json.dumps(FOUR, indent=2) + "\n```", "four", id="code fence"),
        pytest.param("Here:\n" + json.dumps(FOUR) + "\nDone.", "four", id="text around"),
        pytest.param(json.dumps({"summaries": FOUR}), "four", id="wrapped in an object"),
        pytest.param(json.dumps({f"round {n}": item for n, item in enumerate(FOUR)}), "four", id="round by round in an object"),
        pytest.param("\n".join(map(json.dumps, FOUR)), "four", id="an object to a line"),
        pytest.param(json.dumps(rounds("one")), "one", id="one round only"),
        pytest.param(json.dumps(FOUR).replace("Denser_Summary", "denser_summary"), "four", id="lower case"),
        pytest.param(json.dumps(FOUR)[:-1] + ",]", "four", id="trailing comma"),
        pytest.param(json.dumps(FOUR)[:-1], "four", id="list not closed behind a whole object"),
        pytest.param(json.dumps(rounds("one", "X")).replace("X", 'He said "no" to it.'), 'He said "no" to it.', id="quotes"),
        pytest.param(json.dumps(rounds("X")).replace("X", "line\nline"), "line\nline", id="raw line break"),
        pytest.param(json.dumps(FOUR) + '\n{"words": 80}', "four", id="other object behind"),
        pytest.param(json.dumps(FOUR)[:-8], NO_JSON, id="cut off in the last round"),
        pytest.param(json.dumps([*FOUR[:3], {"Missing_Entities": "x"}]), KEY, id="last round without a summary"),
        pytest.param(json.dumps(FOUR[:3])[:-1] + ', {"Denser_Summary": oops}]', NO_JSON, id="last round broken"),
        pytest.param(json.dumps(rounds("one", " ")), EMPTY, id="last summary blank"),
        pytest.param(json.dumps(rounds("one", ["two"])), NOT_TEXT, id="last summary a list"),
        pytest.param('[{"summary": "x"}]', KEY, id="other keys"),
        pytest.param(json.dumps(FOUR).replace("Denser_Summary", "Summary"), "four", id="one other name for the summary"),
        pytest.param(json.dumps([*FOUR[:3], {"Missing_Entities": "x", "Final_Summary": "last"}]), "last", id="last round under another name"),
        pytest.param(json.dumps([*FOUR[:3], {"Final_Summary": "last"}]), KEY, id="last round with other keys only"),
        pytest.param(json.dumps([*FOUR[:3], {"Missing_Entites": "x", "Denser_Sumary": "last"}]), KEY, id="last round misspelt"),
        pytest.param(json.dumps({"rounds": FOUR[:3], "final_summary": "last"}), KEY, id="last round behind the list"),
        pytest.param(json.dumps(FOUR[:2]) + "\n\nRound 3:\nMissing_Entities: x\nDenser_Summary: last", KEY, id="goes on in prose"),
        pytest.param(json.dumps(FOUR[:3]) + "\n\n**Final summary:** last", KEY, id="last round in prose"),
        pytest.param(json.dumps(FOUR[:2])[:-1] + ", ", NO_JSON, id="cut off between rounds"),
        pytest.param("```json\n" + json.dumps(FOUR[:1])[:-1], NO_JSON, id="cut off behind the first round"),
        pytest.param(json.dumps(rounds("one", "two")), "two", id="two whole rounds"),
        pytest.param(json.dumps({f"Round {4 - n}": item for n, item in enumerate(FOUR)}), KEY, id="numbered backwards"),
        pytest.param(json.dumps([{"round": n, **item} for n, item in zip((1, 2, 4, 3), FOUR, strict=True)]), KEY, id="numbers out of order"),
        pytest.param(json.dumps([{"round": n, **item} for n, item in enumerate(FOUR, start=1)]), "four", id="numbered"),
        pytest.param(json.dumps(rounds(*3 * ["word " * 20], "Same as above.")), KEY, id="a remark for a summary"),
        pytest.param(json.dumps(rounds("word " * 20, "word " * 20, "As before.", "As before.")), KEY, id="two remarks"),
        pytest.param(json.dumps(rounds("星期一河水上涨，" * 8, "同上")), KEY, id="a remark in a language without spaces"),
        pytest.param(json.dumps(rounds("word " * 40, "word " * 20 + "end")), "word " * 20 + "end", id="a shorter summary"),
        pytest.param("A summary.", NO_JSON, id="plain text"),
    ],
)
def test_dense_summary(text: str, expected: str) -> None:
    check(DENSE, text, expected)


def test_the_exception_survives_pickling() -> None:
    again = pickle.loads(pickle.dumps(AnswerRejected(reasons.NO_JSON, "why")))
    assert (again.reason, again.detail) == (reasons.NO_JSON, "why")


@pytest.mark.fault("D12")
@pytest.mark.parametrize(
    "text",
    [
        '{reason: "6*7", answer: 42}',
        '{{"reason": "6*7", "answer": 42}}',
        '{"reason": "6*7"; "answer": 42}',
        '{"reason"："6*7"，"answer"：42}',
        '{"reason": "6*7", "\\"answer\\"": 42}',
        '{"reason": "6*7", "answer:": 42}',
        '{"reason": "6*7", "**answer**": 42}',
        '"{\\"reason\\": \\"6*7\\", \\"answer\\": 42}"',
        '{\\"reason\\": \\"6*7\\",\\n \\"answer\\": 42}',
        '{"reason": "see http://x/y", "answer": 42 // apples\n}',
        '{"reason": "6*7", /* the product */ "answer": 42}',
    ],
)
def test_almost_json_with_one_meaning(text: str) -> None:
    assert number(value_of(text, "answer")) == "42"


def test_a_word_without_quotes_is_text() -> None:
    assert value_of('{"reason": "x", "answer_choice": not entailment}', "answer_choice") == "not entailment"
    for nothing in ("null", "None", "true"):
        with pytest.raises(AnswerRejected):
            number(value_of(f'{{reason: "x", "answer": {nothing}}}', "answer"))


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("\n\nWait, I should reconsider. The correct answer is neutral.", KEY),
        ("\n\nOn second thought, nothing says that he rests.", KEY),
        ("\n```\nActually, this is a mistake: neutral.", KEY),
        ("\nThe correct answer should be neutral.", KEY),
        ("\nTherefore, contradiction.", KEY),
        ("\nTherefore, entailment.", "entailment"),
        ("\nThe final answer is entailment.", "entailment"),
        ("\n```\n\nI hope this helps! Let me know if you have other questions.", "entailment"),
        ("\n\nThe premise says that a man sleeps, so he rests.", "entailment"),
    ],
)
def test_a_teacher_that_thinks_again_behind_its_json(tail: str, expected: str) -> None:
    check(REASONED[TaskType.NLI], '{"reason": "He may actually wait.", "answer_choice": "entailment"}' + tail, expected)
