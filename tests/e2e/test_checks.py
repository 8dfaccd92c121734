"""Whole jobs whose answers must pass checks."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from builders import chat_line, read_jsonl
from jobs import Job
from small_teacher import SmallTeacher, small_teacher

SYSTEM = ("system", "Give the numerical answer, an integer, only.")


def a_job(folder: Path, teacher: SmallTeacher, labels: list[str | None]) -> Job:
    """Rows that ask for a number plus 3, with these labels."""
    job = Job(folder, teacher.url)
    rows = [(SYSTEM, ("user", f"What is {number} plus 3?"), label) for number, label in enumerate(labels)]
    job.train([chat_line(*row[:2], *([("assistant", row[2])] if row[2] is not None else [])) for row in rows])
    return job


def rejects(job: Job) -> list[dict[str, object]]:
    return read_jsonl(job.work_dir / "rejects.jsonl")


def test_wrong_answers_are_rejects_with_the_finding_and_are_not_asked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher("7") as teacher:
        job = a_job(tmp_path, teacher, ["7", "8", "7", "8"])
        assert job.run("--checks=label") == 0
        assert [row["messages"][-1]["content"] for row in read_jsonl(job.train_output)] == ["7", "7"]
        assert [(reject["line"], reject["reason"], reject["detail"], reject["raw_answer"]) for reject in rejects(job)] == [
            (2, "wrong_label", "the answer is '7', the row's label '8'", "7"),
            (4, "wrong_label", "the answer is '7', the row's label '8'", "7"),
        ]
        said = capsys.readouterr().out
        assert "success ratio 100.0% of the 4 rows asked (minimum 70.0%): published" in said
        assert "accepted      50.0% of the 4 rows asked (minimum 0.0%): checks refused 2 rows" in said
        published = job.train_output.read_bytes()
        assert job.run("--checks=label") == 0
        assert (teacher.answered, job.train_output.read_bytes()) == (4, published)


def test_other_checks_need_no_new_answers(tmp_path: Path) -> None:
    with small_teacher("7") as teacher:
        job = a_job(tmp_path, teacher, ["7", "8"])
        assert job.run() == 0
        assert len(read_jsonl(job.train_output)) == 2
        assert job.run("--checks=length,label", "--max_answer_characters=1") == 0
        assert len(read_jsonl(job.train_output)) == 1
        assert job.run("--checks=length", "--min_answer_characters=2") == 3
        assert teacher.answered == 2


def test_retry_asks_for_the_refused_answers_and_no_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher("7") as teacher:
        job = a_job(tmp_path, teacher, ["7", "8", "9"])
        assert job.run("--checks=label") == 0
        teacher.says = lambda payload: ("8", "stop", {"prompt_tokens": 10, "completion_tokens": 2})
        assert job.command("retry", str(job.work_dir), "--reason", "wrong_label") == 0
        assert teacher.answered == 5
        assert [row["messages"][-1]["content"] for row in read_jsonl(job.train_output)] == ["7", "8"]
        assert "2 rows rejected before: now 1 example, 1 reject (1 wrong_label)" in capsys.readouterr().out


def test_a_wrong_teacher_and_a_failing_endpoint_are_two_messages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher("7") as teacher:
        job = a_job(tmp_path, teacher, ["7", "8", "8", "8"])
        assert job.run("--checks=label", "--min_accepted_ratio=0.5") == 3
        said = capsys.readouterr().out
        assert "below the minimum of 50.0% (min_accepted_ratio); checks refused the usable answers of 3 rows" in said
        assert "--reason wrong_label" in said
        assert "A lower --min_accepted_ratio with --send false publishes the current examples" in said
        assert not job.train_output.exists()
        assert job.run("--checks=label", "--min_accepted_ratio=0.2", "--send=false") == 0
        assert len(read_jsonl(job.train_output)) == 1
        recorded = json.loads((job.work_dir / "run.json").read_text())["verdict"]["splits"]["train"]
        assert (recorded["success_ratio"], recorded["accepted_ratio"], recorded["minimum_accepted_ratio"]) == (1.0, 0.25, 0.2)


def test_an_empty_dataset_is_not_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher("7") as teacher:
        job = a_job(tmp_path, teacher, ["7", "8"])
        assert job.run("--checks=length", "--min_answer_words=2") == 3
        assert not job.train_output.exists()
        assert "none of 2 rows asked gave an example; checks refused the usable answers of 2 rows" in capsys.readouterr().out


def test_a_pilot_says_what_the_checks_refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher("7") as teacher:
        job = a_job(tmp_path, teacher, ["7", "8", "8", "8"])
        job.command("check", "--pilot=4", "--checks=label", "--min_accepted_ratio=0.5")
        said = capsys.readouterr().out
        assert "pilot       4 rows sent: 1 example, 3 wrong_label" in said
        assert "1 of the pilot's 4 rows gave an example, below min_accepted_ratio (50%): checks refused 3 usable answers" in said
        assert "min_endpoint_success_ratio (" not in said
        job.command("plan", "--checks=label", "--min_accepted_ratio=0.5")
        said = capsys.readouterr().out
        assert "checks      label" in said
        assert "gate        at least 70% of each split's rows asked with a usable answer, and 50% accepted" in said


def test_rows_without_any_label_are_refused_before_anything_is_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher("7") as teacher:
        job = a_job(tmp_path, teacher, [None, None])
        assert job.run("--checks=label") == 2
        assert "compares answers with the rows' labels, and none of the first 2 rows of" in capsys.readouterr().err
        job.train([chat_line(SYSTEM, ("user", "4 plus 3?"), ("assistant", "7")), chat_line(SYSTEM, ("user", "2 plus 3?"))])
        assert job.run("--checks=label") == 0
        assert [reject["reason"] for reject in rejects(job)] == ["no_label"]


LISTED = "--system_template=Answer with one of: entailment, neutral, contradiction."
LABELLED = (LISTED, "--user_template={{premise}}", "--label_column=label", "--checks=label")


def test_the_classes_of_a_hugging_face_file_are_labels_by_name(job: Job) -> None:
    feature = {"names": ["entailment", "neutral", "contradiction"], "_type": "ClassLabel"}
    rows = pa.table({"premise": ["a", "b", "c"], "label": [1, 2, -1]})
    stored = rows.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": {"label": feature}}})})
    pyarrow.parquet.write_table(stored, job.folder / "rows.parquet")
    job.task = "NLI"
    with small_teacher("neutral") as teacher:
        job.url = teacher.url
        assert job.run(f"--train_file_path={job.folder / 'rows.parquet'}", *LABELLED) == 0
    assert [row["messages"][-1]["content"] for row in read_jsonl(job.train_output)] == ["neutral"]
    assert [(reject["reason"], reject["detail"]) for reject in job.rejects()] == [
        ("wrong_label", "the answer is 'neutral', the row's label 'contradiction'"),
        ("no_label", "the row has no label that the answer can be compared with"),
    ]


def test_labels_that_the_rows_do_not_list_are_refused_before_anything_is_sent(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.task = "NLI"
    with small_teacher("neutral") as teacher:
        job.url = teacher.url
        job.train([json.dumps({"premise": f"p{number}", "label": number % 3}) for number in range(3)])
        assert job.command("check", *LABELLED) == 2
        assert job.run(*LABELLED) == 2
        assert (
            "is the label ('0', '1', '2') one that the row's instructions list ('entailment', 'neutral', 'contradiction'), "
            "so no answer would be right. Write the labels in the file as the instructions name them"
        ) in capsys.readouterr().err
        assert teacher.answered == 0
        job.train([json.dumps({"premise": f"p{number}", "label": label}) for number, label in enumerate((0, "neutral", ""))])
        assert job.run(*LABELLED) == 0
        assert [reject["reason"] for reject in rejects(job)] == ["wrong_label", "no_label"]


def test_rows_that_no_answer_can_satisfy_are_named_before_they_are_paid_for(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    """SNLI's gold_label is - where the annotators did not agree (MatchZoo issue 645)."""
    job.task = "NLI"
    job.train([json.dumps({"premise": f"p{number}", "label": label}) for number, label in enumerate(("neutral", "-", "neutral", "other"))])
    with small_teacher("neutral") as teacher:
        job.url = teacher.url
        assert job.command("check", *LABELLED) == 0
        warned = (
            f"checks: label will refuse every answer to 2 of the first 4 rows of {job.folder / 'train.jsonl'}, and each answer is paid for: "
            "1 has no label; 1 has a label ('other') that its instructions do not list. Correct these labels, or leave the rows out"
        )
        assert warned in capsys.readouterr().err
        assert teacher.answered == 0
        assert job.run(*LABELLED) == 0
        assert warned in capsys.readouterr().err
    assert [reject["reason"] for reject in rejects(job)] == ["no_label", "wrong_label"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--checks=lable",), "'lable' is not a check; did you mean label?"),
        (("--checks=schema",), "checks: schema needs answer_schema"),
        (("--checks=python", "--check_function=nothing_here:f"), "the module nothing_here is neither installed nor a file in"),
        (("--max_answer_words=3",), "max_answer_words: only with the check length; add it with --checks length"),
    ],
)
def test_a_mistake_in_the_checks_costs_nothing(flags: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher("7") as teacher:
        job = a_job(tmp_path, teacher, ["7"])
        assert job.run(*flags) == 2
        assert said in capsys.readouterr().err
        assert teacher.answered == 0
