"""Each sign: which answers have it, and which only look like it."""

import json

import pytest
from builders import a_reply, a_request

from transforms.elements.replies import TeacherReply
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.signs.invented_turns import MARKS, stop_text
from transforms.teacher.signs.watch import SignWatch

ENGLISH = "The quick brown fox jumps over the lazy dog near the river bank. "


def a_row(prompt: str, request_hash: str = "") -> RowInProgress:
    request = a_request(("user", prompt))
    body = json.dumps({"messages": [{"role": "user", "content": prompt}]}, ensure_ascii=False).encode()
    return RowInProgress(request, lambda _: None, (), body=body, request_hash=request_hash or prompt)


def counted(*answers: tuple[RowInProgress, TeacherReply], endpoint: str = "a") -> dict[str, int]:
    watch = SignWatch(["a", "b"])
    for row, reply in answers:
        watch.answered(endpoint, row, reply)
    return watch.counts


# models


def named(*models: str | None) -> list[tuple[RowInProgress, TeacherReply]]:
    return [(a_row(str(number)), a_reply()._replace(model=model)) for number, model in enumerate(models)]


def test_answers_are_counted_by_the_model_that_they_name(caplog: pytest.LogCaptureFixture) -> None:
    assert counted(*named("big", "mini", "big", None, "mini")) == {"answered_as_1_big": 2, "answered_as_1_mini": 2}
    assert [record.getMessage() for record in caplog.records] == ["an answer says that it is from mini, earlier ones from big"]


@pytest.mark.parametrize("models", [("alias", "alias"), ("Meta-Llama/Llama-3", "llama-3"), (None, None)])
def test_one_model_is_not_logged(models: tuple[str | None, ...], caplog: pytest.LogCaptureFixture) -> None:
    counted(*named(*models))
    assert not caplog.records


def test_each_endpoint_may_have_its_own_name_for_the_model(caplog: pytest.LogCaptureFixture) -> None:
    watch = SignWatch(["a", "b"])
    for endpoint, (row, reply) in zip("ab", named("of-a", "of-b"), strict=True):
        watch.answered(endpoint, row, reply)
    assert watch.counts == {"answered_as_1_of-a": 1, "answered_as_2_of-b": 1}
    assert not caplog.records


def test_an_endpoint_with_a_new_name_for_every_answer_fills_no_memory() -> None:
    counts = counted(*named(*(f"model-{number}" for number in range(100))))
    assert len(counts) == 17
    assert counts["answered_as_1_further models"] == 84


# prompts


def with_tokens(prompt: str, tokens: int | None, cached: int = 0) -> tuple[RowInProgress, TeacherReply]:
    return a_row(prompt), a_reply()._replace(prompt_tokens=tokens, cached_tokens=cached)


CUT = with_tokens(ENGLISH * 923, 2051)


def test_a_prompt_with_more_text_than_its_tokens_hold_was_cut(caplog: pytest.LogCaptureFixture) -> None:
    assert counted(CUT, CUT) == {"prompts_cut": 2}
    assert [record.getMessage() for record in caplog.records] == [
        "the server reports 2051 tokens for a prompt of 59995 characters: it seems to cut long prompts"
    ]


@pytest.mark.parametrize(
    "answer",
    [
        with_tokens(ENGLISH * 923, 13_000),
        with_tokens(ENGLISH * 923, 8_000),  # a vocabulary with tokens of several words
        with_tokens(ENGLISH * 923, 0),
        with_tokens(ENGLISH * 923, None),
        with_tokens(ENGLISH * 923, 10),  # not a real count
        with_tokens(ENGLISH * 923, 600, cached=600),  # what is cached is counted apart
        with_tokens("敏捷的棕色狐狸跳过了懒狗" * 2_000, 15_000),
        with_tokens(("cell" + " " * 200) * 500, 1_000),
        with_tokens(("=" * 90 + "\n" + "-" * 90 + "\n") * 300, 1_300),
        with_tokens("    if x:\n        return y\n" * 1_000, 9_000),
        with_tokens("a" * 20_000, 1_250),
    ],
)
def test_a_whole_prompt_is_not_called_cut(answer: tuple[RowInProgress, TeacherReply]) -> None:
    assert counted(answer) == {}


def test_a_server_that_does_not_count_what_it_has_cached_does_not_cut() -> None:
    first = with_tokens(ENGLISH * 923, 13_000)
    assert counted(first, *[with_tokens(ENGLISH * 923, 300)] * 5) == {}


# responses


def with_id(question: str, response_id: str | None, text: str) -> tuple[RowInProgress, TeacherReply]:
    return a_row(question), a_reply(text)._replace(response_id=response_id)


def test_one_response_to_several_requests_is_from_a_cache(caplog: pytest.LogCaptureFixture) -> None:
    own = [with_id(f"q{number}", f"id-{number}", f"answer {number}") for number in range(3)]
    repeated = [with_id(f"other {number}", "id-1", "answer 1") for number in range(4)]
    assert counted(*own, *repeated) == {"answers_cached": 4}
    assert len(caplog.records) == 1
    assert counted(*repeated, own[0]) == {"answers_cached": 3}


def sample(row: str, number: int, response_id: str, text: str) -> tuple[RowInProgress, TeacherReply]:
    asked, reply = with_id(row, response_id, text)
    asked.sample = number
    return asked, reply


def test_one_response_as_several_samples_of_a_row_is_from_a_cache() -> None:
    repeated = [sample(f"q{row}", number, f"id-{row}", "B") for row in range(2) for number in range(3)]
    assert counted(*repeated) == {"answers_cached": 4}


def test_samples_that_say_the_same_in_their_own_responses_are_not_from_a_cache() -> None:
    assert counted(*[sample("q", number, f"id-{number}", "B") for number in range(5)]) == {}


@pytest.mark.parametrize(
    "answers",
    [
        [with_id("same", "id-1", "4"), with_id("same", "id-1", "4"), with_id("q", "id-2", "5")],
        [with_id(f"q{number}", "chatcmpl-123", "4") for number in range(9)],
        [with_id(f"q{number}", None, "4") for number in range(9)],
        [with_id(f"q{number}", "", "4") for number in range(9)],
        [with_id(f"q{number}", f"id-{number}", "4") for number in range(9)],
    ],
)
def test_these_are_not_from_a_cache(answers: list[tuple[RowInProgress, TeacherReply]]) -> None:
    assert counted(*answers) == {}


def test_ids_that_are_not_unique_say_nothing() -> None:
    by_the_second = [with_id(f"q{number}", f"id-{number // 4}", "A" if number % 4 else "B") for number in range(12)]
    assert counted(*by_the_second) == {"ids_not_unique": 1}


def test_only_the_latest_ids_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.teacher.signs.cached_answers.IDS_KEPT", 3)
    own = [with_id(f"q{number}", f"id-{number}", "4") for number in range(5)]
    assert counted(*own, with_id("other", "id-4", "4"), with_id("another", "id-0", "4")) == {"answers_cached": 1}


# turns


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("It is 4.\n\nHuman: What is 3 + 3?\n\nAssistant: 6", "human"),
        ("It is 4.\nUser: thanks", "user"),
        ("4\n\n### Instruction:\nName a colour.\n\n### Response:\nRed", "alpaca"),
        ("4\n<human>: and 5?", "tagged_human"),
        ("4\n<|im_start|>user\nand 5?", "chatml"),
        ("A: 4\nQ: What is 3 + 3?\nA: 6", "question"),
    ],
)
def test_an_answer_that_goes_on_with_the_users_turn(text: str, name: str) -> None:
    assert counted((a_row("What is 2 + 2?"), a_reply(text))) == {f"turns_invented_{name}": 1}


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("What is 2 + 2?", "It is 4."),
        ("What is 2 + 2?", "Human: What is 2 + 2?"),  # the answer begins with it
        ("What is 2 + 2?", "The line ends in User: root"),
        ("What is 2 + 2?", "## Steps\n### Instructions for use\nAdd."),
        ("Go on: Human: hello", "Fine.\nHuman: good"),  # as the prompt does
        ("Write questions with answers.", "Here they are:\nQ: Why?\nA: So."),
        ("What is 2 + 2?", None),
    ],
)
def test_an_answer_without_an_invented_turn(prompt: str, text: str | None) -> None:
    assert counted((a_row(prompt), a_reply(text))) == {}


@pytest.mark.parametrize("name", MARKS)
def test_every_mark_is_found_and_ended_by_its_stop_text(name: str) -> None:
    text = f"A: four\n{MARKS[name]} and five?"
    assert counted((a_row("What is 2 + 2?"), a_reply(text))) == {f"turns_invented_{name}": 1}
    assert stop_text(name) in text


# texts that answer different prompts


ERROR = "An error occurred while processing your request. Please try again later."


def test_one_text_for_different_prompts(caplog: pytest.LogCaptureFixture) -> None:
    assert counted(*[(a_row(f"Tell me about {number}."), a_reply(ERROR)) for number in range(6)]) == {"answers_alike": 6}
    assert [record.getMessage() for record in caplog.records] == [f"5 different prompts got the same answer, word for word: {ERROR!r}"]


def test_the_most_frequent_text_counts() -> None:
    texts = [*[ERROR] * 4, *["You are welcome! Is there anything else that I can do?"] * 2, "A text of its own, longer than a label."]
    assert counted(*[(a_row(f"Tell me about {number}."), a_reply(text)) for number, text in enumerate(texts)]) == {"answers_alike": 4}


@pytest.mark.parametrize(
    "answers",
    [
        [(a_row("the same request"), a_reply(ERROR))] * 5,
        [(a_row(f"question {number}"), a_reply("entailment")) for number in range(5)],
        [(a_row(f"Label: {ERROR} or other? {number}"), a_reply(ERROR)) for number in range(5)],  # a label that the row lists
    ],
)
def test_what_is_rightly_the_same(answers: list[tuple[RowInProgress, TeacherReply]]) -> None:
    assert counted(*answers) == {}


# prompts in answers

QUESTION = "What is the capital of France, and since when?"


@pytest.mark.parametrize("text", [f"{QUESTION} Paris.", f"{QUESTION}\n\nParis", f"user\n{QUESTION}\nassistant\nParis", f"Q: {QUESTION}\nParis"])
def test_an_answer_that_begins_with_its_prompt(text: str) -> None:
    assert counted((a_row(QUESTION), a_reply(text))) == {"prompts_echoed": 1}


@pytest.mark.parametrize(
    "text", ["Paris.", QUESTION, f"{QUESTION}\n", "x" * 100 + QUESTION + " Paris", QUESTION[:-10] + " Paris, for many years"]
)
def test_an_answer_with_less_of_its_prompt(text: str) -> None:
    assert counted((a_row(QUESTION), a_reply(text))) == {}


# words around an answer

SUMMARY = "The council approved the budget after a long debate."


@pytest.mark.parametrize(
    "text",
    [
        f"Here is a concise summary of the article:\n\n{SUMMARY}",
        f"Sure! Here's a summary:\n- {SUMMARY}",
        f"Certainly, here\u2019s the summary you asked for:\n{SUMMARY}",
        f"**Summary:**\n\n{SUMMARY}",
        f"Concise summary:\n{SUMMARY}",
        f"{SUMMARY}\n\nLet me know if you need anything else!",
        f"{SUMMARY}\nI hope this helps.",
        f"{SUMMARY}\n\nIf you'd like, I can shorten it.",
    ],
)
def test_an_answer_with_words_to_its_reader(text: str) -> None:
    """glance pull request 47."""
    assert counted((a_row("q"), a_reply(text))) == {"answers_framed": 1}


@pytest.mark.parametrize(
    "text",
    [
        SUMMARY,
        f"Here is where the council met: {SUMMARY}",
        f"{SUMMARY}\nThe mayor: let me know what you think.",
        "Let me know if you need anything else!",
        f"Summary judgement was given.\n{SUMMARY}",
        '[{"Missing_Entities": "a", "Denser_Summary": "b"}]',
        "",
    ],
)
def test_an_answer_without_words_to_its_reader(text: str) -> None:
    assert counted((a_row("q"), a_reply(text))) == {}


# ends at the limit


def at_limit(tokens: int | None, finish_reason: str | None, limit: int) -> dict[str, int]:
    watch = SignWatch(["a"], limit)
    watch.answered("a", a_row("q"), a_reply()._replace(completion_tokens=tokens, finish_reason=finish_reason))
    return watch.counts


def test_a_stop_with_as_many_tokens_as_allowed() -> None:
    assert at_limit(512, "stop", 512) == {"stopped_at_limit": 1}
    assert at_limit(512, None, 512) == {"stopped_at_limit": 1}


@pytest.mark.parametrize(("tokens", "finish_reason", "limit"), [(511, "stop", 512), (512, "length", 512), (None, "stop", 512), (16, "stop", 16)])
def test_other_ends(tokens: int | None, finish_reason: str | None, limit: int) -> None:
    assert at_limit(tokens, finish_reason, limit) == {}
