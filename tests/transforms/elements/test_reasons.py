"""The facts of reasons and failures are in their entries, and everything else is derived from them."""

import pickle

import pytest

from beam_distill.cli.reason_flag import reason_problem
from transforms.elements import reasons
from transforms.elements.failures import FailureKind, Then
from transforms.elements.reasons import ANSWER_REASONS, NEVER_ASKED, REASONS, Stage


def test_every_reason_has_an_entry_with_a_stage_and_an_explanation() -> None:
    codes = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    assert codes | {kind.value for kind in FailureKind} == set(REASONS)
    assert all(reason.explanation.endswith(".") for reason in REASONS.values())
    assert {reason.stage for reason in REASONS.values()} == set(Stage)


def test_each_reason_has_one_stage() -> None:
    assert not NEVER_ASKED & set(ANSWER_REASONS)
    rest = set(REASONS) - NEVER_ASKED - set(ANSWER_REASONS)
    assert rest == {kind.value for kind in FailureKind if kind is not FailureKind.CONTENT_FILTERED} | {reasons.NOT_SENT}


@pytest.mark.parametrize("code", [code for code in REASONS if f"--reason {code}" in REASONS[code].explanation])
def test_a_reason_that_says_how_to_ask_again_is_taken_by_that_command(code: str) -> None:
    assert reason_problem(code, "have no record", NEVER_ASKED) is None


@pytest.mark.parametrize("kind", FailureKind, ids=lambda kind: kind.value)
def test_a_kind_has_a_budget_if_it_is_sent_again_and_only_then(kind: FailureKind) -> None:
    assert (kind.budget is not None) == (kind.then is Then.SENT_AGAIN)
    assert kind.weight >= 1
    assert kind.explanation


@pytest.mark.parametrize("kind", FailureKind, ids=lambda kind: kind.value)
def test_a_kind_is_its_code_in_every_file_and_process(kind: FailureKind) -> None:
    assert kind == kind.value
    assert FailureKind(kind.value) is kind
    assert pickle.loads(pickle.dumps(kind)) is kind
