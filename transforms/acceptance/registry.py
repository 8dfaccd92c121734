"""The checks by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from transforms.acceptance.base import Check
from transforms.acceptance.length import BOUNDS, LengthCheck
from transforms.elements import reasons
from transforms.elements.tasks import TaskType


@dataclass(frozen=True, slots=True)
class CheckKind:
    """The facts of one check.

    ``description``: when it accepts an answer, for the help. ``make``: the check from settings by name, raises WrongSetting; None if the
    prompts do it while they take the answer out of the reply, or if it is about all samples of a row. ``reasons``: those of its rejects.
    ``settings``: the inputs that belong to it and have no effect without it. ``tasks``: those whose answers it can examine.
    """

    description: str
    make: Callable[[Mapping[str, Any]], Check] | None
    reasons: tuple[str, ...]
    settings: tuple[str, ...] = ()
    tasks: tuple[TaskType, ...] = tuple(TaskType)


CHECKS: dict[str, CheckKind] = {
    "listed": CheckKind(
        "it is one of the labels that the row lists; always on, unless other_labels",
        None,
        (reasons.LABEL_NOT_LISTED, reasons.SEVERAL_LABELS),
        tasks=(TaskType.NLI, TaskType.NLU_QA),
    ),
    "vote": CheckKind(
        "so many of the row's samples give the same answer",
        None,
        (reasons.NO_AGREEMENT,),
        ("votes",),
        tasks=(TaskType.MATH, TaskType.NLI, TaskType.NLU_QA),
    ),
    "length": CheckKind("its length is within bounds", LengthCheck.from_settings, (reasons.TOO_SHORT, reasons.TOO_LONG), BOUNDS),
}
