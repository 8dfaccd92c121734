"""A split asks no more when it has as many accepted rows as were asked for."""

import json
from pathlib import Path
from typing import Any

import pytest
from builders import questions, read_jsonl
from jobs import Job
from small_teacher import SmallTeacher, small_teacher

from beam_distill.exit_codes import ExitCode

FEW_AT_A_TIME = ("--initial_worker_count=4", "--max_worker_count=4")


def a_job(folder: Path, teacher: SmallTeacher, rows: int, validation: int = 0) -> Job:
    job = Job(folder, teacher.url)
    job.train(questions(rows))
    if validation:
        job.validation(questions(validation, 5000))
    return job


def split_of(job: Job, name: str = "train") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((job.work_dir / "run.json").read_text())["verdict"]["splits"][name]
    return found


def test_asking_stops_and_what_was_asked_is_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher() as teacher:
        job = a_job(tmp_path, teacher, 600)
        assert job.run("--until_accepted=50", *FEW_AT_A_TIME) == 0
        split = split_of(job)
        # what is on the wire or being recorded when the last one is counted is finished
        assert 50 <= split["examples"] <= 50 + 200
        assert split["examples"] + split["rejected_by_reason"]["not_needed"] == 600
        assert (split["asked"], split["success_ratio"], split["published"]) == (split["examples"], 1.0, True)
        assert teacher.answered == split["examples"]
        said = capsys.readouterr().out
        assert (
            f"    enough        until_accepted is reached: {split['rejected_by_reason']['not_needed']} rows not asked, or not to the end" in said
        )
        assert f"success ratio 100.0% of the {split['examples']} rows asked" in said
        published = job.train_output.read_bytes()
        assert job.run("--until_accepted=50") == 0
        assert teacher.answered == split["examples"]
        assert job.train_output.read_bytes() == published


def test_rows_on_the_ledger_count_behind_many_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that read parts of a large input leave answered rows far behind rows that nobody asked."""
    monkeypatch.setattr("beam_distill.before_run.rows_to_send.NEW_ROWS_IN_SUCCESSION", 5)
    with small_teacher() as teacher:
        job = a_job(tmp_path, teacher, 30)
        assert job.run() == 0
        job.train([*questions(40, 1000), *questions(30)])
        assert job.run("--until_accepted=30") == 0
        assert (split_of(job)["examples"], teacher.answered) == (30, 30)


def test_a_higher_number_goes_on_and_none_asks_the_rest(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        job = a_job(tmp_path, teacher, 900)
        assert job.run("--until_accepted=20", *FEW_AT_A_TIME) == 0
        first = split_of(job)["examples"]
        assert first < 300
        assert job.run("--until_accepted=400", *FEW_AT_A_TIME) == 0
        second = split_of(job)
        assert 400 <= second["examples"] < 700
        assert (second["answers_reused"], teacher.answered) == (first, second["examples"])
        assert job.run() == 0
        assert (split_of(job)["examples"], teacher.answered) == (900, 900)


def test_only_accepted_rows_count_and_each_split_has_its_own_number(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        answers = iter(range(1, 100_000))
        teacher.says = lambda _: ("word " * (next(answers) % 2 + 1), "stop", None)
        job = a_job(tmp_path, teacher, 800, validation=30)
        job.task = "CONVERSATION"
        assert job.run("--until_accepted=40", "--checks=length", "--max_answer_words=1", *FEW_AT_A_TIME) == 0
        train, validation = split_of(job), split_of(job, "validation")
        assert 40 <= train["examples"] < 300
        assert train["rejected_by_reason"]["too_long"] > 20
        assert train["rejected_by_reason"]["not_needed"] > 200
        assert "not_needed" not in validation["rejected_by_reason"]
        warnings = json.loads((job.work_dir / "run.json").read_text())["warnings"]
        assert [warning for warning in warnings if "until_accepted" in warning] == [
            f"validation: {validation['examples']} accepted rows, and until_accepted is 40: the input has no more rows"
        ]


def test_samples_and_a_judge_count_only_what_is_accepted_in_the_end(tmp_path: Path) -> None:
    with small_teacher() as teacher, small_teacher() as judge:
        answers = iter(range(1, 100_000))
        teacher.says = lambda _: (str(next(answers)), "stop", None)
        judge.says = lambda payload: (json.dumps({"score": 9 if "0\n</answer>" in payload["messages"][-1]["content"] else 2}), "stop", None)
        job = a_job(tmp_path, teacher, 400)
        flags = ("--checks=judge", f"--judge_model_endpoint_url={judge.url}", "--judge_model=j", "--samples=3", "--until_accepted=10")
        assert job.run(*flags, *FEW_AT_A_TIME) == 0
        split = split_of(job)
        assert split["examples"] >= 10
        assert split["rejected_by_reason"]["not_needed"] > 0
        assert split["success_ratio"] == 1.0
        assert all(row["messages"][-1]["content"].endswith("0") for row in read_jsonl(job.train_output))
        asked = teacher.answered, judge.answered
        assert job.run(*flags) == 0
        assert (teacher.answered, judge.answered) == asked


def test_the_gate_judges_what_was_asked(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        answers = iter(range(1, 100_000))
        teacher.says = lambda _: ("7" if next(answers) % 4 == 0 else "unsure", "stop", None)
        job = a_job(tmp_path, teacher, 1000)
        assert job.run("--until_accepted=30", "--bare_answers=always", *FEW_AT_A_TIME) == ExitCode.BELOW_MINIMUM
        split = split_of(job)
        assert split["success_ratio"] == pytest.approx(0.25, abs=0.1)
        assert split["rejected_by_reason"]["not_needed"] > 300


def test_a_rerun_by_several_processes_asks_nothing_again(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        answers = iter(range(1, 100_000))
        teacher.says = lambda _: ("word " * (next(answers) % 2 + 1), "stop", None)
        job = a_job(tmp_path, teacher, 600)
        job.task = "CONVERSATION"
        flags = ("--until_accepted=60", "--checks=length", "--max_answer_words=1", "--samples=2", "--max_concurrency_per_instance=2")
        assert job.run(*flags, *FEW_AT_A_TIME) == 0
        split, asked, published = split_of(job), teacher.answered, job.train_output.read_bytes()
        assert split["examples"] >= 60
        assert split["rejected_by_reason"]["not_needed"] > 0
        assert job.run(*flags) == 0
        assert (teacher.answered, job.train_output.read_bytes()) == (asked, published)
