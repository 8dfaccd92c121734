"""Several answers to a row: asked until enough are accepted, kept on the ledger, chosen among."""

import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from builders import chat_line, questions, read_jsonl
from jobs import Job
from ledger_records import list_segments
from small_teacher import ONE_AT_A_TIME, SmallTeacher, by_try, small_teacher

from beam_distill.cli.main import main
from transforms.ledger.avro_schema import LEDGER_SCHEMA
from transforms.ledger.segments import read_records


def a_job(folder: Path, teacher: SmallTeacher, rows: int) -> Job:
    job = Job(folder, teacher.url)
    job.train(questions(rows))
    return job


def answers(job: Job) -> list[str]:
    return [row["messages"][-1]["content"] for row in read_jsonl(job.train_output)]


def samples_on_ledger(job: Job) -> list[int]:
    segments = list_segments(str(job.work_dir / "ledger"))
    return sorted(record["sample"] for path in segments for record in read_records(path, LEDGER_SCHEMA, []))


def test_a_row_is_asked_again_until_an_answer_is_usable(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: "7" if number == 2 else "I am not sure.")
        job = a_job(tmp_path, teacher, 5)
        assert job.run("--samples=4", "--bare_answers=always", *ONE_AT_A_TIME) == 0
        assert answers(job) == ["7"] * 5
        assert samples_on_ledger(job) == sorted([0, 1, 2] * 5)
        published = job.train_output.read_bytes()
        assert job.run("--samples=4", "--bare_answers=always", *ONE_AT_A_TIME) == 0
        assert teacher.answered == 15
        assert job.train_output.read_bytes() == published


def test_a_row_whose_samples_are_all_refused_is_one_reject(tmp_path: Path) -> None:
    with small_teacher("no number") as teacher:
        job = a_job(tmp_path, teacher, 2)
        assert job.run("--samples=3", "--bare_answers=always", "--min_endpoint_success_ratio=0", *ONE_AT_A_TIME) == 0
        rejects = read_jsonl(job.work_dir / "rejects.jsonl")
        assert [reject["reason"] for reject in rejects] == ["not_a_number"] * 2
        assert rejects[0]["detail"].startswith("none of 3 samples is accepted; sample 3: ")
        assert teacher.answered == 6


def test_more_samples_ask_only_what_is_missing_and_fewer_ask_nothing(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: str(number) if number > 1 else "unsure")
        job = a_job(tmp_path, teacher, 4)
        more = ("--bare_answers=always", "--min_endpoint_success_ratio=0", *ONE_AT_A_TIME)
        assert job.run("--samples=1", *more) == 0
        assert teacher.answered == 4
        assert job.run("--samples=3", *more) == 0
        assert teacher.answered == 12
        assert answers(job) == ["2"] * 4
        assert job.run("--samples=2", *more) == 0
        assert teacher.answered == 12
        assert answers(job) == []


def test_the_majority_of_the_samples_decides(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: ["5", "#### 8", "8.0", "5", "8", "8"][number])
        job = a_job(tmp_path, teacher, 3)
        assert job.run("--samples=7", "--checks=vote", "--votes=3", *ONE_AT_A_TIME) == 0
        assert answers(job) == ["8"] * 3
        assert teacher.answered == 18  # the one that is left cannot change it


def test_without_agreement_the_row_is_a_reject_that_lists_the_votes(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: str(number % 3))
        job = a_job(tmp_path, teacher, 1)
        assert job.run("--samples=6", "--checks=vote", "--min_endpoint_success_ratio=0", *ONE_AT_A_TIME) == 3
        [reject] = read_jsonl(job.work_dir / "rejects.jsonl")
        assert reject["reason"] == "no_agreement"
        assert reject["detail"] == "of 5 samples, 4 must agree: '0' 2 votes, '1' 2 votes, '2' 1 vote"
        assert teacher.answered == 5  # four of six cannot agree any more


@pytest.mark.parametrize(("keep", "expected"), [("all", ["3", "41", "3"]), ("one_per_answer", ["3", "41"]), ("shortest", ["3"])])
def test_several_samples_of_a_row_can_be_kept(keep: str, expected: list[str], tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: ["3", "41", "3"][number])
        job = a_job(tmp_path, teacher, 4)
        assert job.run("--samples=3", f"--keep={keep}", *ONE_AT_A_TIME) == 0
        assert answers(job) == expected * 4
        assert json.loads((job.work_dir / "run.json").read_text())["verdict"]["splits"]["train"]["examples"] == 4


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--checks=vote",), "samples is 1; raise it"),
        (("--samples=3", "--checks=vote", "--votes=4"), "votes: 4 cannot agree of 3 samples"),
        (("--samples=3", "--votes=2"), "only with the check vote"),
        (("--keep=all",), "keep choose"),
    ],
)
def test_samples_that_cannot_be_chosen_among_are_refused_before_paying(
    flags: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_teacher() as teacher:
        assert a_job(tmp_path, teacher, 1).run(*flags) == 2
        assert said in capsys.readouterr().err
        assert teacher.answered == 0


def test_the_plan_counts_all_samples_that_may_be_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher() as teacher:
        job = a_job(tmp_path, teacher, 5)
        assert job.command("plan", "--samples=4") == 0
        assert "samples     at most 4 answers a row" in capsys.readouterr().out


def test_summary_run_json_and_report_say_how_right_the_teacher_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: "4" if number else "unsure")
        job = Job(tmp_path, teacher.url)
        ask = ("user", "What is 1 plus 3?")
        job.train([chat_line(("system", "Answer with a number only."), ask, ("assistant", label)) for label in ("4", "4.0", "5", "4")])
        assert job.run("--samples=3", "--bare_answers=always", "--report=true", *ONE_AT_A_TIME) == 0
    summary = capsys.readouterr().out
    assert "samples       5 of 4 rows, 1.2 for each row with an example; 80.0% accepted" in summary
    assert "agreement     75.0% of the 4 examples with a label agree with it (95 % interval 30.1% to 95.4%)" in summary
    samples = json.loads((job.work_dir / "run.json").read_text())["verdict"]["splits"]["train"]["samples"]
    assert samples["refused_by_reason"] == {"not_a_number": 1}
    page = (job.work_dir / "report.html").read_text()
    assert "How right the teacher was" in page
    assert page.index("How right the teacher was") < page.index("Datasets")
    assert "5 samples of 4 rows; the checks accepted 80.0%." in page


def test_the_report_shows_refused_samples_and_no_refused_answer_as_an_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: f"{int(question.split()[2]) + 3}" if number else "99")
        job = Job(tmp_path, teacher.url)
        rows = range(30)
        job.train([chat_line(("user", f"What is {row} plus 3?"), ("assistant", str(row + 3 if row else -1))) for row in rows])
        prices = ("--price_per_million_input_tokens=100", "--price_per_million_output_tokens=0")
        assert job.run("--samples=2", "--checks=label", "--report=true", *prices, *ONE_AT_A_TIME) == 0
    assert "60 of 30 rows, 2.1 and 0.0021 USD for each row with an example; 48.3% accepted" in capsys.readouterr().out
    page = (job.work_dir / "report.html").read_text()
    refused = page[page.index("Refused samples to read") : page.index("<h2>", page.index("Refused samples to read"))]
    assert refused.count("<details>") == 20
    assert refused.count("refused by the check label") == 20
    assert "One of each of 20 rows" in refused
    assert "the answer is &#39;99&#39;, the row&#39;s label" in refused
    examples = page[page.index("A sample of answers") : page.index("<h2>", page.index("A sample of answers") + 1)]
    assert examples.count("<details>") == 12
    assert "99" not in "".join(re.findall(r"raw answer</p><pre>(.*?)</pre>", examples))
    first = page
    assert main(["report", str(job.work_dir)]) == 0
    again = (job.work_dir / "report.html").read_text()
    assert again[again.index("How right") : again.index("How it went")] == first[first.index("How right") : first.index("How it went")]
    capsys.readouterr()
    assert main(["ledger", str(job.work_dir)]) == 0
    assert "refused     31 wrong_label in train, by the checks of the latest run" in capsys.readouterr().out
    assert main(["ledger", str(job.work_dir), "--line", "1"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("wrong_label: none of 2 samples is accepted") == 2
    assert " sample 2  wrong_label" in shown
    card = (job.train_output.with_suffix(".handoff") / "README.md").read_text()
    assert "60 samples of 30 rows, of which the checks accepted 48.3%." in card


def test_a_check_that_takes_time_is_not_made_on_the_loop_that_sends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_checks.py").write_text(
        "import threading\n"
        "seen = []\n"
        "def is_seven(row, answer):\n"
        "    seen.append((threading.current_thread().name.partition('_')[0], row['line'], answer))\n"
        "    return answer == '7'\n"
    )
    monkeypatch.chdir(tmp_path)
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: "7" if number == 2 else str(number))
        job = a_job(tmp_path, teacher, 5)
        assert job.run("--samples=4", "--checks=python", "--check_function=slow_checks:is_seven", *ONE_AT_A_TIME) == 0
        assert answers(job) == ["7"] * 5
        # of the last rows, what is still being recorded is looked at on the loop: no other request waits then
        seen = sys.modules["slow_checks"].seen
        scoring = Counter((line, answer) for thread, line, answer in seen if thread == "examiner")
        assert set(scoring.values()) == {1}, "each sample is examined once"
        assert scoring.keys() >= {(line, answer) for line in (1, 2) for answer in ("0", "1", "7")}
        assert {thread for thread, line, _ in seen if line < 3} == {"examiner", "MainThread"}  # the main thread writes the dataset


def test_changed_settings_count_all_earlier_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: str(number))
        job = a_job(tmp_path, teacher, 4)
        several = ("--samples=3", "--keep=all", *ONE_AT_A_TIME)
        assert job.run(*several) == 0
        capsys.readouterr()
        assert job.command("plan", "--teacher_model_temperature=0.9", *several) == 0
        said = capsys.readouterr().out
        assert "answers about 4 rows to other requests" in said
        assert "again: 12 requests" in said
        assert "no longer" not in said
