"""A warning from one per cent of unreadable rows, and below the component's minimum number of rows."""

import pytest

from beam_distill.before_run.input_warnings import input_warnings
from transforms.elements.rows import Split
from transforms.elements.tally import GateSpec, SuccessTally, verdict_of
from transforms.elements.tasks import TaskType


def warned(rows: int, asked: int, task: TaskType = TaskType.NLI, limited: bool = False) -> list[str]:
    return input_warnings("train", rows, asked, asked, task, limited, 0.5)


@pytest.mark.fault("N4", "G9")
@pytest.mark.parametrize(
    ("rows", "asked", "loud"), [(100, 99, True), (1000, 990, True), (1000, 991, False), (121, 120, False), (200, 200, False)]
)
def test_unreadable_rows_are_loud_from_the_first_per_cent_on(rows: int, asked: int, loud: bool) -> None:
    assert any("cannot be read or sent" in warning for warning in warned(rows, asked)) is loud


@pytest.mark.fault("G9")
@pytest.mark.parametrize(
    ("asked", "task", "loud"), [(64, TaskType.NLI, True), (65, TaskType.NLI, False), (39, TaskType.MATH, True), (40, TaskType.MATH, False)]
)
def test_fewer_rows_than_the_component_asks_for(asked: int, task: TaskType, loud: bool) -> None:
    assert any("fewer than" in warning for warning in warned(asked, asked, task)) is loud
    assert warned(asked, asked, task, limited=True) == []


@pytest.mark.fault("N4")
@pytest.mark.parametrize(("unreadable", "published"), [(50, True), (51, False)])
def test_the_gate_weighs_readable_rows(unreadable: int, published: bool) -> None:
    tally = SuccessTally(100, 100 - unreadable, {"invalid_json": unreadable})
    (part,) = verdict_of({Split.TRAIN: tally}, GateSpec(0.7, 0.5)).splits
    assert part.published is published
