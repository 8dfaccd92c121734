"""Rows to requests, and answers to examples."""

import io
import itertools
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage, PromptRequest, RejectedRow, RowOrigin, Split, TrainingRow
from transforms.elements.tasks import TaskType
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import walk_rows
from transforms.prompts.base import AnswerRejected, UnusableRow
from transforms.prompts.registry import PROMPTS, prompt_for
from transforms.prompts.spec import PromptSpec

ROOT = Path(__file__).parents[3]
TASKS = {task.value.lower(): task for task in TaskType}
KEYS = {
    "NLI CoT": ('"reason"', '"answer_choice"'),
    "NLU_QA CoT": ('"reason"', '"answer_choice"'),
    "MATH CoT": ('"reason"', '"answer"'),
    "SUMMARIZATION CoD": ('"Missing_Entities"', '"Denser_Summary"', "80 words"),
}
"""The ways to ask for more than the answer, and what such a request holds."""
S, U, V, A, B = (
    ChatMessage("system", "You sort letters. Only answer 'x' or 'y', without an explanation."),
    ChatMessage("user", "first"),
    ChatMessage("user", "second"),
    ChatMessage("assistant", "old one"),
    ChatMessage("assistant", "old two"),
)


def a_row(*messages: ChatMessage) -> TrainingRow:
    return TrainingRow("key-0", RowOrigin(Split.TRAIN, "f", 1, 0), messages)


def legal_specs() -> Iterator[PromptSpec]:
    for task, thought, density in itertools.product(PROMPTS, (False, True), (False, True)):
        spec = PromptSpec(task, thought, density)
        try:
            prompt_for(spec)
        except ValueError:
            continue
        yield spec


def spec_id(spec: PromptSpec) -> str:
    return str(spec.task.value) + (" CoT" if spec.chain_of_thought else "") + (" CoD" if spec.chain_of_density else "")


LEGAL = list(legal_specs())
SINGLE = [spec for spec in LEGAL if not spec.task.has_several_turns]
PLAIN = [spec for spec in SINGLE if not spec.chain_of_thought and not spec.chain_of_density]
REASONED = [spec for spec in SINGLE if spec.chain_of_thought]


def test_legal_combinations() -> None:
    missing = {*TaskType.__members__} - {task.value for task in PROMPTS}
    assert not missing, f"add {missing} to PROMPTS in transforms/prompts/registry.py"
    missing = {*map(spec_id, LEGAL)} - {*TaskType.__members__, *KEYS}
    assert not missing, f"add {missing} to KEYS in this file, with what such a request must hold"
    assert {*map(spec_id, LEGAL)} == {*TaskType.__members__, *KEYS}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (PromptSpec(TaskType.CONVERSATION, chain_of_thought=True), "enable_chain_of_thought"),
        (PromptSpec(TaskType.SUMMARIZATION, chain_of_thought=True), "enable_chain_of_thought"),
        (PromptSpec(TaskType.MATH, chain_of_density=True), "enable_chain_of_density"),
        (PromptSpec(TaskType.NLI, max_len_summary=40), "max_len_summary"),
        (PromptSpec(TaskType.SUMMARIZATION, chain_of_density=True, max_len_summary=0), "at least one word"),
    ],
)
def test_illegal_combinations(spec: PromptSpec, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        prompt_for(spec)


@pytest.mark.parametrize("spec", LEGAL, ids=spec_id)
def test_prompts_can_be_pickled_and_hold_no_state(spec: PromptSpec) -> None:
    prompt = pickle.loads(pickle.dumps(prompt_for(spec)))
    row = a_row(S, U, A)
    assert prompt.format(row) == prompt_for(spec).format(row) == prompt.format(row)


@pytest.mark.parametrize("spec", PLAIN, ids=spec_id)
@pytest.mark.parametrize(
    ("messages", "asked", "reference"),
    [
        pytest.param((S, U), (S, U), None, id="system, user"),
        pytest.param((U,), (U,), None, id="no system message"),
        pytest.param((S, U, A), (S, U), "old one", id="with a label"),
        pytest.param((S, U, A, V), (S, U, A, V), None, id="earlier answers are context"),
        pytest.param((U, A, V, B), (U, A, V), "old two", id="only the last answer is a label"),
    ],
)
def test_plain_requests(spec: PromptSpec, messages: tuple[ChatMessage, ...], asked: tuple[ChatMessage, ...], reference: str | None) -> None:
    row = a_row(*messages)
    assert prompt_for(spec).format(row) == PromptRequest(row, (asked,), (reference,))


@pytest.mark.parametrize("spec", SINGLE, ids=spec_id)
@pytest.mark.parametrize("messages", [(S, U), (U,), (S, U, A), (S, U, A, V), (U, A, V, B)], ids=["SU", "U", "SUA", "SUAU", "UAUA"])
def test_examples_have_the_row_as_it_was_and_the_answer(spec: PromptSpec, messages: tuple[ChatMessage, ...]) -> None:
    prompt = prompt_for(spec)
    request = prompt.format(a_row(*messages))
    question = messages[:-1] if messages[-1].role == "assistant" else messages
    assert prompt.example(request, ("new",)) == (*question, ChatMessage("assistant", "new"))


@pytest.mark.parametrize("spec", [spec for spec in SINGLE if spec not in PLAIN], ids=spec_id)
@pytest.mark.parametrize("messages", [(S, U, A), (U, A)], ids=["with system message", "without"])
def test_the_system_message_is_replaced_for_the_request_alone(spec: PromptSpec, messages: tuple[ChatMessage, ...]) -> None:
    row = a_row(*messages)
    request = prompt_for(spec).format(row)
    ((system, *rest),) = request.turns
    assert system.role == "system"
    assert rest == [U]
    assert request.references == ("old one",)
    assert request.row.messages == messages
    assert S.content not in system.content
    assert ("You sort letters." in system.content) == (S in messages)
    assert "without an explanation" not in system.content
    for key in KEYS[spec_id(spec)]:
        assert key in system.content
    assert "\0" not in system.content
    assert "KEY" not in system.content


@pytest.mark.parametrize("spec", [spec for spec in REASONED if spec.task.is_labelled and not spec.task.answers_are_numbers], ids=spec_id)
def test_listed_labels_are_named_in_the_request_and_kept_in_their_spelling(spec: PromptSpec) -> None:
    labels = ChatMessage("system", "Your output should only be one of 'Yes', 'No' or 'A'.")
    prompt = prompt_for(spec)
    request = prompt.format(a_row(labels, U))
    assert 'one of these: "Yes", "No", "A".' in request.turns[0][0].content
    for given, settled in (("yes", "Yes"), ("NO", "No"), ("a", "A"), ("A. a library", "A")):
        answer = prompt.extract(json.dumps({"reason": "so", "answer_choice": given}), request.turns[0])
        assert prompt.example(request, (answer,)) == (labels, U, ChatMessage("assistant", settled))
    with pytest.raises(AnswerRejected) as caught:
        prompt.extract('{"answer_choice": "maybe"}', request.turns[0])
    assert caught.value.reason == reasons.LABEL_NOT_LISTED


@pytest.mark.parametrize("spec", REASONED, ids=spec_id)
def test_worked_examples_are_kept_and_explained(spec: PromptSpec) -> None:
    ((system, *rest),) = prompt_for(spec).format(a_row(S, U, A, V)).turns
    assert rest == [U, A, V]
    assert "worked examples" in system.content


def test_the_length_of_a_dense_summary() -> None:
    prompt = prompt_for(PromptSpec(TaskType.SUMMARIZATION, chain_of_density=True, max_len_summary=33))
    assert "at most 33 words" in prompt.format(a_row(U)).turns[0][0].content


def test_what_a_system_message_says_of_form_does_not_reach_a_reasoning_request() -> None:
    strict = ChatMessage(
        "system",
        "You are a calculator that only gives numbers. Do not include any reasoning or units in your reply. "
        "Your reply must be a whole number. Prices are in cents.",
    )
    content = prompt_for(PromptSpec(TaskType.MATH, chain_of_thought=True)).format(a_row(strict, U)).turns[0][0].content
    assert "Prices are in cents." in content
    assert '"answer" must be a whole number.' in content
    for words in ("only gives numbers", "Do not include", "Your reply must"):
        assert words not in content


@pytest.mark.parametrize(
    ("messages", "turns", "references"),
    [
        pytest.param((U,), ((U,),), (None,), id="one question"),
        pytest.param((S, U, A), ((S, U),), ("old one",), id="answered"),
        pytest.param((S, U, A, V, B), ((S, U), (V,)), ("old one", "old two"), id="two turns"),
        pytest.param((U, A, V), ((U,), (V,)), ("old one", None), id="last question open"),
    ],
)
def test_conversations(
    messages: tuple[ChatMessage, ...], turns: tuple[tuple[ChatMessage, ...], ...], references: tuple[str | None, ...]
) -> None:
    prompt = prompt_for(PromptSpec(TaskType.CONVERSATION))
    row = a_row(*messages)
    request = prompt.format(row)
    assert request == PromptRequest(row, turns, references)
    answers = tuple(f"new {number}" for number in range(len(turns)))
    assert prompt.example(request, answers) == (
        *request.messages_for_turn(len(turns) - 1, answers),
        ChatMessage("assistant", answers[-1]),
    )
    with pytest.raises(ValueError):
        prompt.example(request, (*answers, "one too many"))


@pytest.mark.parametrize("spec", LEGAL, ids=spec_id)
@pytest.mark.parametrize("messages", [(), (S,), (A,), (S, A)], ids=["nothing", "S", "A", "SA"])
def test_rows_without_a_question_are_named(spec: PromptSpec, messages: tuple[ChatMessage, ...]) -> None:
    with pytest.raises(UnusableRow) as caught:
        prompt_for(spec).format(a_row(*messages))
    assert caught.value.reason == reasons.NO_USER_MESSAGE


def rows_of(path: Path, split: Split) -> list[TrainingRow]:
    rows = list(walk_rows(lambda name: io.BytesIO(Path(name).read_bytes()), [str(path)], split, None, ReadSpec(1 << 23)))
    assert not [row for row in rows if isinstance(row, RejectedRow)]
    return [row for row in rows if isinstance(row, TrainingRow)]


def check_all(folder: Path, task: TaskType) -> dict[Split, list[TrainingRow]]:
    found = {}
    for split in Split:
        path = folder / f"{split.value}.jsonl"
        if not path.exists():
            continue
        rows = found[split] = rows_of(path, split)
        assert len({row.row_key for row in rows}) == len(rows) > 0
        for spec in LEGAL:
            if spec.task is task:
                prompt = prompt_for(spec)
                for row in rows:
                    request = prompt.format(row)
                    example = prompt.example(request, ("7",) * len(request.turns))
                    assert example[-1] == ChatMessage("assistant", "7")
                    assert example[: len(row.messages) - 1] == row.messages[:-1] or task is TaskType.CONVERSATION
                    assert len(request.references) == len(request.turns)
    return found


SHARED = ROOT.parent / "shared" / "data"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real data is not here")
@pytest.mark.parametrize("folder", TASKS)
def test_the_real_data(folder: str) -> None:
    found = check_all(SHARED / folder, TASKS[folder])
    if folder == "math":
        train = found[Split.TRAIN]
        assert (len(train), sum(not row.row_key.endswith("-0") for row in train)) == (378, 9)
        content = prompt_for(PromptSpec(TaskType.MATH, chain_of_thought=True)).format(train[0]).turns[0][0].content
        assert "Do not include" not in content
        assert "only provides" not in content
        assert "integer" in content
    if folder in ("nli", "nlu_qa"):
        own = json.dumps([message.content for message in found[Split.TRAIN][0].messages])
        content = prompt_for(PromptSpec(TASKS[folder], chain_of_thought=True)).format(found[Split.TRAIN][0]).turns[0][0].content
        listed = ["'entailment'", "'contradiction'", "'neutral'"] if folder == "nli" else ["'A'", "'B'", "'C'", "'D'", "'E'"]
        assert all(label in own and label.replace("'", '"') in content for label in listed)
        assert "Your output should only" not in content
