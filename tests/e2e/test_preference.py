"""Pairs of an accepted and a refused answer, written beside the dataset."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from builders import chat_line, read_jsonl
from jobs import Job
from small_teacher import ONE_AT_A_TIME, SmallTeacher, by_try, small_teacher

SYSTEM = ("system", "Give the numerical answer, an integer, only.")


def a_job(folder: Path, teacher: SmallTeacher, rows: int = 4) -> Job:
    job = Job(folder, teacher.url)
    job.train([labelled(number) for number in range(rows)])
    return job


def labelled(number: int) -> str:
    return chat_line(SYSTEM, ("user", f"What is {number} plus 3?"), ("assistant", str(number + 3)))


def pairs_in(job: Job) -> Path:
    return job.folder / "out" / "pairs.jsonl"


def wanted(job: Job, *more: str) -> tuple[str, ...]:
    return ("--samples=4", "--checks=label", f"--preference_train_file_path={pairs_in(job)}", *ONE_AT_A_TIME, *more)


def right_from(question: str, number: int) -> str:
    """Row 0 is right at once, row 1 at the second try, row 2 at the third; row 3 never is."""
    row = int(question.split()[2])
    return str(row + 3) if row < 3 and number >= row else str(100 + number)


def asked(number: int) -> list[dict[str, str]]:
    return [{"role": "system", "content": SYSTEM[1]}, {"role": "user", "content": f"What is {number} plus 3?"}]


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def test_rows_with_an_accepted_and_a_refused_sample_make_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(right_from)
        job = a_job(tmp_path, teacher)
        assert job.run(*wanted(job)) == 0
        assert read_jsonl(pairs_in(job)) == [
            {"prompt": asked(1), "chosen": said("4"), "rejected": said("100")},
            {"prompt": asked(2), "chosen": said("5"), "rejected": said("100")},
        ]
        assert len(read_jsonl(job.train_output)) == 3
        printed = capsys.readouterr().out
        assert "    pairs         2 rows with an accepted and a refused answer\n" in printed
        assert "train pairs " in printed
        recorded = json.loads((job.work_dir / "run.json").read_text())
        assert recorded["verdict"]["splits"]["train"]["preference_pairs"] == 2
        assert recorded["datasets"]["train pairs"] == str(pairs_in(job))


def test_a_rerun_writes_the_same_pairs_and_asks_nothing(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(right_from)
        job = a_job(tmp_path, teacher)
        assert job.run(*wanted(job)[:2], *ONE_AT_A_TIME) == 0
        answered = teacher.answered
        assert not pairs_in(job).exists()
        assert job.run(*wanted(job)) == 0
        first = pairs_in(job).read_bytes()
        assert job.run(*wanted(job, "--max_concurrency_per_instance=2")) == 0
        assert (teacher.answered, pairs_in(job).read_bytes()) == (answered, first)


def test_shards_and_tables_hold_the_same_pairs(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(right_from)
        job = a_job(tmp_path, teacher)
        assert job.run(*wanted(job, "--metadata=true")) == 0
        lines = read_jsonl(pairs_in(job))
        assert [(row["metadata"]["rejected_sample"], row["metadata"]["rejected_because"]) for row in lines] == [(0, "wrong_label")] * 2
        assert [(row["metadata"]["sample"], row["metadata"]["pass_rate"]) for row in lines] == [(1, 0.5), (2, 0.333333)]
        table = job.folder / "out" / "pairs.parquet"
        more = ("--metadata=true", "--output_shards=2", "--max_concurrency_per_instance=2", f"--preference_train_file_path={table}")
        assert job.run(*wanted(job, *more)) == 0
        shards = sorted(table.parent.glob("pairs-0*.parquet"))
        assert [path.name for path in shards] == ["pairs-00000-of-00002.parquet", "pairs-00001-of-00002.parquet"]
        assert [row for path in shards for row in pyarrow.parquet.read_table(path).to_pylist()] == lines
        assert not pairs_in(job).exists() or job.run(*wanted(job)) == 0


def test_the_loser_of_a_vote_is_rejected(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: ["5", "8", "8", "8"][number])
        job = a_job(tmp_path, teacher, 1)
        assert job.run(*wanted(job, "--checks=vote", "--votes=3", "--metadata=true")) == 0
        [pair] = read_jsonl(pairs_in(job))
        assert (pair["chosen"], pair["rejected"]) == (said("8"), said("5"))
        assert (pair["metadata"]["votes"], pair["metadata"]["rejected_because"]) == (3, "no_agreement")


def test_conversations_differ_from_some_answer_on(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: "Hello." if question == "Hi" else "a b c" if number == 0 else "yes")
        job = Job(tmp_path, teacher.url, task="CONVERSATION")
        job.train([chat_line(("user", "Hi"), ("assistant", "old"), ("user", "Sure?"))])
        assert job.run(*wanted(job, "--checks=length", "--max_answer_words=2")) == 0
        assert read_jsonl(pairs_in(job)) == [
            {
                "prompt": [{"role": "user", "content": "Hi"}, *said("Hello."), {"role": "user", "content": "Sure?"}],
                "chosen": said("yes"),
                "rejected": said("a b c"),
            }
        ]


def test_reasoning_and_merged_system_messages_are_as_in_the_dataset(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: f"<think>thought {number}</think>{right_from(question, number)}")
        job = a_job(tmp_path, teacher, 2)
        assert job.run(*wanted(job, "--reasoning=think", "--student_format=merged_system")) == 0
        assert read_jsonl(pairs_in(job)) == [
            {
                "prompt": [{"role": "user", "content": f"{SYSTEM[1]}\n\nWhat is 1 plus 3?"}],
                "chosen": said("<think>\nthought 1\n</think>\n\n4"),
                "rejected": said("<think>\nthought 0\n</think>\n\n100"),
            }
        ]


def test_nothing_is_published_below_the_minimum(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(right_from)
        job = a_job(tmp_path, teacher)
        assert job.run(*wanted(job, "--min_accepted_ratio=0.9")) == 3
        assert not pairs_in(job).exists()
        assert job.run(*wanted(job)) == 0
        assert len(read_jsonl(pairs_in(job))) == 2
        assert job.run(*wanted(job, "--min_accepted_ratio=0.9")) == 3
        assert not pairs_in(job).exists(), "pairs of an earlier run would be taken for this one's"


def test_validation_has_pairs_of_its_own(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(right_from)
        job = a_job(tmp_path, teacher, 1)
        job.validation([labelled(1)])
        other = job.folder / "out" / "other_pairs.jsonl"
        assert job.run(*wanted(job, f"--preference_validation_file_path={other}")) == 0
        assert read_jsonl(pairs_in(job)) == []
        assert [pair["prompt"] for pair in read_jsonl(other)] == [asked(1)]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--samples=1"], "preference_train_file_path: a pair needs two answers to a row, and samples is 1; raise it"),
        (["--checks="], "preference_train_file_path: a pair needs an answer that a check refused, and checks names none"),
        (["--student_format=preference"], "name their file with preference_train_file_path"),
        (["--preference_validation_file_path=v.jsonl"], "preference_validation_file_path: needs validation_file_path"),
    ],
)
def test_contradictions_are_refused_before_paying(flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher() as teacher:
        job = a_job(tmp_path, teacher)
        assert job.run(*wanted(job, *flags)) == 2
        assert message in capsys.readouterr().err
        same: Any = job.run(*wanted(job, f"--preference_train_file_path={job.train_output}"))
        assert same == 2
        assert "is the same file as generated_batch_train_file_path" in capsys.readouterr().err
        assert teacher.answered == 0
