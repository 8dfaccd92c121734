"""What the replies to a row come to when checks examine its answers."""

import pickle

import pytest
from builders import a_reply, a_row, a_scored_row

from transforms.acceptance import row_result
from transforms.acceptance.examined import Refused
from transforms.acceptance.label import LabelCheck
from transforms.acceptance.length import LengthCheck
from transforms.acceptance.row_result import RowRules, rules_for
from transforms.acceptance.selection import SelectionSpec
from transforms.acceptance.spec import AcceptanceSpec
from transforms.elements.replies import TeacherReply
from transforms.elements.rows import ChatMessage, DistilledExample, PromptRequest, RejectedRow, Tries
from transforms.elements.tasks import TaskType
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import AnswerRules, PromptSpec

LONG_SOLUTION = "First 3 + 4 = 7. " * 40 + "The answer is 84."
CHAT = PromptSpec(TaskType.CONVERSATION)
SHORT = AcceptanceSpec((LengthCheck(max_words=2), LengthCheck(min_words=2)))


def test_a_refused_answer_is_a_reject_with_the_finding_and_the_reply() -> None:
    ended = rules_for(CHAT, SHORT).example_or_reject(a_scored_row(a_reply("<think>hm</think>one two three")))
    assert isinstance(ended, RejectedRow)
    assert (ended.reason, ended.detail) == ("too_long", "the answer has 3 words; max_answer_words is 2")
    assert ended.raw_answer == "<think>hm</think>one two three"  # the answer alone is examined
    assert (ended.row_key, ended.attempts) == ("row-0", 1)


def test_an_accepted_answer_is_the_example_that_it_is_without_checks() -> None:
    scored = a_scored_row(a_reply("one two"))
    ended = rules_for(CHAT, SHORT).example_or_reject(scored)
    assert isinstance(ended, DistilledExample)
    assert ended == rules_for(CHAT, AcceptanceSpec()).example_or_reject(scored)


def test_the_first_check_that_refuses_gives_the_reason() -> None:
    both = a_scored_row(a_reply("one"))
    assert reason(RowRules(prompt_for(CHAT), (LengthCheck(min_words=2), LengthCheck(max_characters=1))), both) == "too_short"
    assert reason(RowRules(prompt_for(CHAT), (LengthCheck(max_characters=1), LengthCheck(min_words=2))), both) == "too_long"


def reason(rules: RowRules, scored) -> str:  # type: ignore[no-untyped-def]
    ended = rules.example_or_reject(scored)
    assert isinstance(ended, RejectedRow)
    return ended.reason


def test_a_conversation_names_the_refused_turn_and_keeps_its_reply() -> None:
    rules = rules_for(CHAT, SHORT)
    request = rules.prompt.format(a_row(("user", "u1"), ("assistant", "x"), ("user", "u2"), ("assistant", "y"), ("user", "u3")))
    replies = (a_reply("a b"), a_reply("only", 1), a_reply("c d", 2))
    ended = rules.example_or_reject(a_scored_row(*replies, request=request))
    assert isinstance(ended, RejectedRow)
    assert (ended.reason, ended.raw_answer) == ("too_short", "only")
    assert ended.detail.startswith("turn 2: ")
    assert rules.examine(request, replies) == Refused(1, "too_short", "the answer has 1 word; min_answer_words is 2", ("a b", "only", "c d"))


def test_a_row_that_is_not_finished_is_not_checked() -> None:
    rules = rules_for(CHAT, SHORT)
    request = rules.prompt.format(a_row(("user", "u1"), ("assistant", "x"), ("user", "u2")))
    assert rules.examine(request, (a_reply("far too many words"),)) == ("far too many words",)


def test_an_unusable_answer_is_not_checked() -> None:
    rules = rules_for(PromptSpec(TaskType.MATH, rules=AnswerRules("always")), AcceptanceSpec((LengthCheck(max_characters=1),)))
    assert reason(rules, a_scored_row(a_reply("no idea at all"))) == "not_a_number"


def test_checks_travel_to_workers() -> None:
    assert pickle.loads(pickle.dumps(SHORT)) == SHORT


@pytest.mark.parametrize(
    ("check", "accepted", "refused"),
    [
        (LengthCheck(min_words=2), ("two words", "a\nb", " a b  c "), ("", "one", " one ")),
        (LengthCheck(max_words=2), ("", "two words"), ("one two three",)),
        (LengthCheck(min_characters=3), ("abc", "日本語"), ("", "ab", "日本")),
        (LengthCheck(max_characters=3), ("", "abc"), ("abcd",)),
        (LengthCheck(1, 2, 2, 4), ("ab", "a bc"), ("a", "abcde", "a b c")),
    ],
)
def test_length(check: LengthCheck, accepted: tuple[str, ...], refused: tuple[str, ...]) -> None:
    rules = RowRules(AsSaid(), (check,))  # type: ignore[arg-type]
    for text in accepted:
        assert isinstance(rules.examine(a_scored_row().request, (a_reply(text),)), tuple)
        assert not isinstance(rules.examine(a_scored_row().request, (a_reply(text),)), Refused), text
    for text in refused:
        assert isinstance(rules.examine(a_scored_row().request, (a_reply(text),)), Refused), text


class AsSaid:
    """The text of a reply is the answer, an empty one too."""

    rules = AnswerRules()

    def extract(self, text: str, asked: tuple[ChatMessage, ...]) -> str:
        return text


def test_a_single_answer_is_not_compared_with_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def comparable(task: TaskType, text: str) -> str:
        raise AssertionError("compared")

    monkeypatch.setattr(row_result, "comparable", comparable)
    rules = rules_for(PromptSpec(TaskType.MATH), AcceptanceSpec())
    assert isinstance(rules.example_or_reject(a_scored_row(a_reply(LONG_SOLUTION))), DistilledExample)


def test_looking_answers_up_examines_none_where_no_other_can_be_needed() -> None:
    class Fails:
        def examine(self, sample: object) -> None:
            raise AssertionError("examined")

    class Finds:
        def __call__(self, request: PromptRequest, turn: int, answers: tuple[str, ...], sample: int = 0) -> list[TeacherReply]:
            return [a_reply("fine")]

        def verdicts(self, question: PromptRequest, sample: int) -> list[TeacherReply]:
            raise AssertionError("there is no judge")

    rules = RowRules(prompt_for(CHAT), (Fails(),))
    request = a_scored_row().request
    assert rules.replies_on_ledger(request, Finds()) == ((a_reply("fine"),), True)


def test_what_the_label_check_accepts_agrees_with_the_label() -> None:
    rules = RowRules(prompt_for(PromptSpec(TaskType.MATH)), (LabelCheck(TaskType.MATH),), task=TaskType.MATH)
    request = rules.prompt.format(a_row(("user", "Find x and y."), ("assistant", "0,1")))
    result = rules.result(a_scored_row(a_reply("(0,1)"), request=request))
    assert result.samples is not None
    assert result.samples.agrees is True


SAID = ("one two three", "four", "one two", "five", "six seven")


@pytest.mark.parametrize("asked_ahead", range(3))
def test_what_was_asked_ahead_changes_neither_pair_nor_counts(asked_ahead: int) -> None:
    acceptance = AcceptanceSpec(SHORT.checks, SelectionSpec(samples=len(SAID)))
    rules = rules_for(CHAT, acceptance)
    replies = tuple(a_reply(text)._replace(sample=number) for number, text in enumerate(SAID[: 3 + asked_ahead]))
    scored = a_scored_row(*replies)
    kept = rules.kept_or_reject(scored)
    assert not isinstance(kept, RejectedRow)
    assert (kept[0].answers, kept[0].tries) == (("one two",), Tries(2, 3, 1))
    samples = rules.result(scored).samples
    assert samples is not None
    assert (samples.samples, samples.refused) == (3, ("too_long", "too_short"))
    refused = rules.refused_beside(scored.request, replies, kept[0])
    assert refused is not None
    assert (refused.sample.answers, refused.sample.tries.sample, refused.reason) == (("one two three",), 0, "too_long")


def test_an_unusable_answer_is_never_the_rejected_one() -> None:
    spec = PromptSpec(TaskType.MATH, rules=AnswerRules("always"))
    rules = rules_for(spec, AcceptanceSpec((LengthCheck(max_characters=1),), SelectionSpec(samples=3)))
    replies = tuple(a_reply(text)._replace(sample=number) for number, text in enumerate(("no idea at all", "12", "7")))
    scored = a_scored_row(*replies)
    kept = rules.kept_or_reject(scored)
    assert not isinstance(kept, RejectedRow)
    refused = rules.refused_beside(scored.request, replies, kept[0])
    assert refused is not None
    assert refused.sample.answers == ("12",)
    assert rules.refused_beside(scored.request, (replies[0], replies[2]), kept[0]) is None


def test_only_short_answers_are_compared_with_old_ones() -> None:
    chat = ("user", "How are you?"), ("assistant", "Fine.")
    for task, expected in ((TaskType.CONVERSATION, None), (TaskType.SUMMARIZATION, None), (TaskType.NLU_QA, False)):
        rules = rules_for(PromptSpec(task), SHORT)
        result = rules.result(a_scored_row(a_reply("Quite well"), request=rules.prompt.format(a_row(*chat))))
        assert result.samples is not None
        assert result.samples.agrees is expected
