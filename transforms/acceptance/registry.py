"""The checks by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from transforms.acceptance.base import Check
from transforms.acceptance.judge import JudgeCheck
from transforms.acceptance.language import LanguageCheck
from transforms.acceptance.length import BOUNDS, LengthCheck
from transforms.acceptance.python_function import PythonCheck
from transforms.acceptance.refusal import RefusalCheck
from transforms.acceptance.schema import SchemaCheck
from transforms.elements import reasons
from transforms.elements.tasks import CHOOSING, LABELLED, TaskType

JUDGE, VOTE = "judge", "vote"
"""The checks that a job asks by name for their scores and votes."""


@dataclass(frozen=True, slots=True)
class CheckKind:
    """The facts of one check.

    ``description``: when it accepts an answer, for the help. ``make``: the check from settings by name, raises WrongSetting; None if the
    prompts do it while they take the answer out of the reply, or if it is about all samples of a row. ``reasons``: those of its rejects.
    ``settings``: the inputs that belong to it and have no effect without it; ``contradicts`` is the flag that turns it off. ``tasks``: those
    whose answers it can examine. ``needs_labels``: whether it refuses rows without a label; ``sees_all_columns``: whether it gets the rows'
    other columns too.
    """

    description: str
    make: Callable[[Mapping[str, Any]], Check] | None
    reasons: tuple[str, ...]
    settings: tuple[str, ...] = ()
    tasks: tuple[TaskType, ...] = tuple(TaskType)
    needs_labels: bool = False
    sees_all_columns: bool = False
    contradicts: str | None = None


def _label_check(settings: Mapping[str, Any]) -> Check:
    """Loaded late: compiling the patterns of labels takes longer than all else that a command's start loads of our own."""
    check: Check = import_module("transforms.acceptance.label").LabelCheck.from_settings(settings)
    return check


CHECKS: dict[str, CheckKind] = {
    "listed": CheckKind(
        "it is one of the labels that the row lists; always on, without other_labels",
        None,
        (reasons.LABEL_NOT_LISTED, reasons.SEVERAL_LABELS),
        tasks=CHOOSING,
        contradicts="other_labels",
    ),
    "label": CheckKind(
        "it equals the row's label",
        _label_check,
        (reasons.WRONG_LABEL, reasons.NO_LABEL),
        ("label_similarity",),
        LABELLED,
        needs_labels=True,
    ),
    VOTE: CheckKind(
        "enough of the row's samples give the same answer",
        None,
        (reasons.NO_AGREEMENT,),
        ("votes",),
        LABELLED,
    ),
    "length": CheckKind("its length is within bounds", LengthCheck.from_settings, (reasons.TOO_SHORT, reasons.TOO_LONG), BOUNDS),
    "refusal": CheckKind("it does not decline to answer", lambda _: RefusalCheck(), (reasons.REFUSES_TO_ANSWER,)),
    "language": CheckKind(
        "it is in the question's language, or a named one", LanguageCheck.from_settings, (reasons.OTHER_LANGUAGE,), ("answer_language",)
    ),
    "schema": CheckKind("it is JSON that fits a JSON Schema", SchemaCheck.from_settings, (reasons.SCHEMA_MISMATCH,), ("answer_schema",)),
    JUDGE: CheckKind(
        "a judge model gives it a score that is high enough; asked only about answers that the checks before it accept",
        JudgeCheck.from_settings,
        (reasons.LOW_SCORE, reasons.NO_VERDICT, reasons.JUDGE_FAILED),
        (
            "judge_model_endpoint_url",
            "judge_model_endpoint_name",
            "judge_connection_name",
            "judge_authentication_type",
            "judge_endpoint_kind",
            "judge_extra_body",
            "judge_model",
            "judge_api_key_env",
            "judge_api_key_file",
            "judge_rubric",
            "judge_min_score",
        ),
    ),
    "python": CheckKind(
        "a function of yours says so",
        PythonCheck.from_settings,
        (reasons.FUNCTION_REFUSED, reasons.FUNCTION_FAILED),
        ("check_function",),
        sees_all_columns=True,
    ),
}
