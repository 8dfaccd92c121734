"""Only an answer that says it is complete is one."""

import logging

import pytest
from builders import a_reply, a_request, a_scored_row

from transforms.acceptance.row_result import RowRules
from transforms.elements import reasons
from transforms.elements.replies import TeacherReply
from transforms.elements.rows import DistilledExample, RejectedRow
from transforms.elements.tasks import TaskType
from transforms.prompts.progress import replies_on_ledger
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec

PROMPT = prompt_for(PromptSpec(TaskType.SUMMARIZATION))


@pytest.mark.fault("D1", "R2")
@pytest.mark.parametrize("word", ["stop", "STOP", "eos", "eos_token", "end_turn", "endTurn", "stop_sequence", "COMPLETE", "", None])
def test_complete(word: str | None) -> None:
    reply = a_reply("A summary.")._replace(finish_reason=word)
    assert isinstance(RowRules(PROMPT).example_or_reject(a_scored_row(reply)), DistilledExample)


@pytest.mark.fault("D1", "R2")
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("length", "max_tokens", "MAX_TOKENS", "model_length", "maxTokens", "model_context_window_exceeded"), reasons.CUT_OFF_BY_LENGTH),
        (("content_filter", "SAFETY", "content_filter: SAFETY", "RECITATION", "sensitive", "refusal"), reasons.CONTENT_FILTERED),
        (("tool_calls", "function_call", "tool_use"), reasons.WANTS_TOOL),
        (("repetition",), reasons.REPEATS_ITSELF),
        (("error", "abort", "network_error", "insufficient_system_resource", "cancelled", "timeout"), "broken_off"),
        (("OTHER", "{'type': 'stop'}", "stop: but why", "finish_reason_unspecified", "?"), reasons.UNKNOWN_FINISH_REASON),
    ],
)
def test_not_complete(words: tuple[str, ...], reason: str) -> None:
    for word in words:
        ended = RowRules(PROMPT).example_or_reject(a_scored_row(a_reply("A summ", finish_reason=word)))
        assert isinstance(ended, RejectedRow)
        assert (ended.reason, ended.raw_answer) == (reason, "A summ")
        assert word in ended.detail or reason == reasons.CUT_OFF_BY_LENGTH


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("\n \n" * 300, "only space and line ends"),
        ("\n" * 128, "only space and line ends"),
        (" lock" * 100, "'lock' again and again"),
        ("!" * 500, "'!' again and again"),
        ("The river rose. It fell. " * 20, "The river rose. It fell."),
    ],
)
def test_an_answer_that_loops_to_the_limit_is_not_worth_a_higher_one(end: str, said: str) -> None:
    """vllm issues 53717, 7668: line ends or one sentence up to max_tokens."""
    ended = RowRules(PROMPT).example_or_reject(a_scored_row(a_reply("A short summary." + end, finish_reason="length")))
    assert isinstance(ended, RejectedRow)
    assert ended.reason == reasons.REPEATS_ITSELF
    assert said in ended.detail
    assert "raise" not in ended.detail


@pytest.mark.parametrize("end", ["", "\n" * 20, "| a | b |\n" * 5, "".join(f"{number}, " for number in range(400)), "0, " * 30, " so" * 8])
def test_a_whole_text_cut_off_does_not_loop(end: str) -> None:
    ended = RowRules(PROMPT).example_or_reject(a_scored_row(a_reply("A long summary" + end, finish_reason="length")))
    assert isinstance(ended, RejectedRow)
    assert ended.reason == reasons.CUT_OFF_BY_LENGTH


def test_what_is_whole_may_repeat_itself() -> None:
    reply = a_reply("la " * 400, finish_reason="stop")
    assert isinstance(RowRules(PROMPT).example_or_reject(a_scored_row(reply)), DistilledExample)


@pytest.mark.parametrize("content", [None, "", "I'm sorry, but I cannot help with that.", "Here is"])
def test_a_refusal_is_not_an_answer_whatever_text_comes_with_it(content: str | None) -> None:
    """OpenAI's refusal field; some gateways repeat its words as the content (pydantic-ai issue 4310)."""
    ended = RowRules(PROMPT).example_or_reject(a_scored_row(a_reply("x")._replace(content=content, refusal="I'm sorry, I can't.")))
    assert isinstance(ended, RejectedRow)
    assert ended.reason == reasons.CONTENT_FILTERED
    assert ended.detail == "the teacher refused to answer: \"I'm sorry, I can't.\""


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_a_reply_that_is_all_thinking_says_so_and_how_it_ends(content: str | None) -> None:
    thought = "The teacher weighs it up. " * 40 + "So the answer is forty-two."
    ended = RowRules(PROMPT).example_or_reject(a_scored_row(a_reply("x")._replace(content=content, reasoning=thought)))
    assert isinstance(ended, RejectedRow)
    assert ended.reason == reasons.EMPTY_ANSWER
    assert "thinking" in ended.detail
    assert ended.detail.endswith("So the answer is forty-two.'")
    assert "reasoning parser" in ended.detail
    assert len(ended.detail) < 500
    silent = RowRules(PROMPT).example_or_reject(a_scored_row(a_reply("x")._replace(content=content, reasoning=" ")))
    assert isinstance(silent, RejectedRow)
    assert "thinking" not in silent.detail


@pytest.mark.fault("D1")
def test_an_unknown_word_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            RowRules(PROMPT).example_or_reject(a_scored_row(a_reply("A summ", finish_reason="gave_up_here")))
    assert [record.getMessage() for record in caplog.records if "gave_up_here" in record.getMessage()] == [
        "the endpoint ends answers with finish_reason 'gave_up_here', which is not a known word for a complete answer: they are left out "
        "(unknown_finish_reason)"
    ]


@pytest.mark.fault("D1")
def test_a_broken_off_answer_on_the_ledger_is_requested_again() -> None:
    request = a_request()
    broken, whole = a_reply("A summ", finish_reason="abort"), a_reply("A summary.")

    def ledger(*replies: TeacherReply):  # type: ignore[no-untyped-def]
        return lambda _request, _turn, _answers: replies

    assert replies_on_ledger(PROMPT, request, ledger(broken)) == ((), False)
    assert replies_on_ledger(PROMPT, request, ledger(broken, whole)) == ((whole,), True)
