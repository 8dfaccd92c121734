"""A mostly unreadable input: nothing is published, and check says so before anything is paid."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import questions, read_jsonl
from jobs import Job

from beam_distill.cli.main import main
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    with start_simulator(SimulatorSettings(seed=5)) as simulator:
        yield Job(tmp_path, simulator.base_url, task="CONVERSATION")


def lines(good: int, bad: int) -> list[str | bytes]:
    return [*questions(good), *['{"messages": ['] * bad]


@pytest.mark.fault("N4", "G9")
def test_a_split_of_mostly_unreadable_rows_is_not_published(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train(lines(good=10, bad=90))
    assert job.run() == 3
    shown = capsys.readouterr().out
    assert "only 10 of 100 rows could be read and sent (10.0%), below the minimum of 50.0% (min_readable_ratio)" in shown
    assert "warning     train: 90 of 100 rows (90.0%) cannot be read or sent" in shown
    assert len(job.record()["warnings"]) == 2
    assert not job.train_output.exists()
    assert job.run("--min_readable_ratio=0.1") == 0  # the answers are there


@pytest.mark.fault("N4")
def test_check_refuses_what_a_run_would_not_publish(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train(lines(good=10, bad=90))
    assert main(["check", *job.arguments()[1:]]) == 2
    assert "only 10 of the 100 rows of" in capsys.readouterr().err


def test_the_advice_names_the_bound_that_was_missed(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train(lines(2, 8))
    assert job.run() == 3
    said = capsys.readouterr().out
    assert "A lower --min_readable_ratio with --send false publishes the current examples without sending anything." in said
    assert job.run("--min_readable_ratio=0.1", "--send=false") == 0
    assert len(read_jsonl(job.train_output)) == 2


def test_where_nothing_can_be_sent_the_summary_says_what_is_wrong_with_the_first_row(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train(['{"messages": {"0": [{"role": "user", "content": "a"}], "1": []}, "id": {"0": 1, "1": 2}}'])
    assert job.run() == 2
    said = capsys.readouterr().out
    assert f"The first one: {job.folder / 'train.jsonl'}, line 1: the object is a whole table" in said
