"""Only judged data is published, also if input or ledger change during the run."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from builders import questions, read_jsonl, write_rows
from jobs import Job
from processes import wait_for
from small_teacher import small_teacher

from transforms.elements.failures import EarlyStop
from transforms.teacher.dispatch import Dispatcher

ROWS = 60


def _other_rows(path: Path) -> None:
    write_rows(path, questions(ROWS, start=5000))


def _one_other_row(path: Path) -> None:
    lines = path.read_bytes().splitlines()
    write_rows(path, [*lines[:-1], questions(1, start=9000)[0]])


def _replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


INPUT_CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "deleted": (lambda path: path.unlink(), "is gone"),
    "emptied": (lambda path: os.truncate(path, 0), "and has 0"),
    "cut": (lambda path: write_rows(path, questions(ROWS // 2)), "writer found 30"),
    "appended": (lambda path: write_rows(path, questions(ROWS + 20)), "writer found 80"),
    "replaced": (_other_rows, "train.jsonl"),
    "one row replaced": (_one_other_row, "train.jsonl"),
    "swapped order": (lambda path: write_rows(path, questions(ROWS)[::-1]), "written to or replaced"),
    "a folder": (_replaced_by_a_folder, "train.jsonl"),
}


@pytest.mark.fault("X-E1")
@pytest.mark.parametrize("how", INPUT_CHANGES)
def test_an_input_that_changes_is_not_published(tmp_path: Path, how: str, capfd: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path)
    job.train(questions(ROWS))
    change, said = INPUT_CHANGES[how]
    with small_teacher() as teacher:
        job.url = teacher.url
        # at the 40th request all rows have been read, and writing has not started
        teacher.at_request[40] = partial(change, tmp_path / "train.jsonl")
        assert job.run("--model=m") == 5
        shown = capfd.readouterr()
        assert job.datasets() == ()
        assert said in shown.out
        assert "Traceback" not in shown.out + shown.err
        assert "train.jsonl" in shown.out
        assert "the same command again" in shown.out
        # restored, it is published without another request
        if (tmp_path / "train.jsonl").is_dir():
            (tmp_path / "train.jsonl").rmdir()
        job.train(questions(ROWS))
        assert job.run("--model=m") == 0
        assert teacher.answered == ROWS
    assert len(read_jsonl(job.train_output)) == ROWS


@pytest.mark.fault("X-E1")
@pytest.mark.parametrize("what", ["ledger", "work_dir"])
@pytest.mark.parametrize("how", ["removed", "renamed"])
def test_a_ledger_that_disappears_stops_the_run_and_nothing_is_published(
    tmp_path: Path, what: str, how: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(tmp_path)
    job.train(questions(ROWS))
    folder = job.work_dir / "ledger" if what == "ledger" else job.work_dir

    def change() -> None:
        # before that, the recorder would make the folder again and notice nothing
        wait_for("an answer on the ledger", lambda: any((job.work_dir / "ledger").glob("*.avro")))
        if how == "removed":
            shutil.rmtree(folder, ignore_errors=True)  # answers are written at the same time
        else:
            folder.rename(tmp_path / "elsewhere")

    stopping = Event()
    stop = Dispatcher.stop

    def stop_and_say(self: Dispatcher, cause: EarlyStop) -> None:
        stop(self, cause)
        stopping.set()

    monkeypatch.setattr(Dispatcher, "stop", stop_and_say)
    with small_teacher() as teacher:
        answer = teacher.says

        def answer_few_before_the_engine_stops(payload: dict[str, Any]) -> tuple[str | None, str | None, dict[str, int] | None]:
            return answer(payload) if teacher.answered <= 24 or stopping.wait(60) else (None, None, None)

        job.url = teacher.url
        teacher.at_request[20] = change
        teacher.says = answer_few_before_the_engine_stops
        assert job.run("--model=m", "--max_worker_count=4") == 5
        shown = capfd.readouterr()
        assert job.datasets() == ()
        assert "Traceback" not in shown.out + shown.err
        assert "moved or removed" in shown.out
        assert teacher.answered <= 28  # it stops instead of paying for answers that it cannot keep: four were in flight
        if how == "renamed":
            shutil.rmtree(folder, ignore_errors=True)
            (tmp_path / "elsewhere").rename(folder)
        kept = job.answers_kept()
        assert (kept > 0) is (how == "renamed")
        assert job.run("--model=m") == 0
        assert job.answered() == ROWS - kept


@pytest.mark.fault("X-E1")
def test_a_ledger_that_loses_answers_before_the_writing_is_not_published(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The last request is answered only after the segment of an earlier run was removed."""
    job = Job(tmp_path)
    with small_teacher() as teacher:
        job.url = teacher.url
        job.train(questions(ROWS // 2))
        assert job.run("--model=m") == 0
        [segment] = (job.work_dir / "ledger").glob("*.avro")
        job.train(questions(ROWS))
        teacher.at_request[ROWS] = segment.unlink
        assert job.run("--model=m") == 5
        shown = capfd.readouterr().out
        assert job.datasets() == ()
        assert "ledger has changed: 60 rows had an example" in shown
        assert "30 have one" in shown
        assert job.record()["exit_code"] == 5
        assert job.split("train")["published"] is False
        assert job.run("--model=m") == 0
        assert teacher.answered == ROWS + ROWS // 2


@pytest.mark.fault("D17", "X-A8")
def test_a_damaged_record_is_requested_again_and_reported(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path)
    job.train(questions(ROWS))
    with small_teacher() as teacher:
        job.url = teacher.url
        assert job.run("--model=m") == 0
        published = job.datasets()
        [segment] = (job.work_dir / "ledger").glob("*.avro")
        content = segment.read_bytes()
        place = content.rindex(b'"content": "4"') + 12
        segment.write_bytes(content[:place] + b"7" + content[place + 1 :])
        (job.work_dir / "ledger" / "other.avro").mkdir()
        capfd.readouterr()
        assert job.run("--model=m") == 0
        assert teacher.answered == ROWS + 1
        assert job.datasets() == published
        shown = capfd.readouterr().out
        assert f"{segment}: 59 records can be read; 1 damaged record" in shown
        assert "other.avro" in shown
