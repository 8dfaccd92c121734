"""Metadata beside the answers: how each was found, and the row's own columns; the same columns for the user's own check."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from builders import read_jsonl, write_rows
from jobs import Job
from ledger_records import list_segments
from small_teacher import ONE_AT_A_TIME, SmallTeacher, by_try, small_teacher

from transforms.ledger.avro_schema import LEDGER_SCHEMA
from transforms.ledger.segments import read_records


def a_job(folder: Path, teacher: SmallTeacher, rows: int = 3) -> Job:
    job = Job(folder, teacher.url)
    write_rows(folder / "train.jsonl", [json.dumps(a_line(number)) for number in range(rows)])
    return job


def a_line(number: int) -> dict[str, Any]:
    chat = [{"role": "user", "content": f"What is {number} plus 3?"}, {"role": "assistant", "content": str(number + 3)}]
    return {"id": f"row-{number}", "level": number or None, "messages": chat, "tags": ["a"] * number}


def right_at(tries: int) -> Any:
    return by_try(lambda question, number: str(int(question.split()[2]) + 3) if number >= tries else "1000")


def ledger_of(job: Job) -> list[dict[str, Any]]:
    segments = list_segments(str(job.work_dir / "ledger"))
    return [record for path in segments for record in read_records(path, LEDGER_SCHEMA, [])]


def metadata(job: Job) -> list[dict[str, Any]]:
    return [row["metadata"] for row in read_jsonl(job.train_output)]


def test_metadata_says_how_an_answer_was_found(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = right_at(2)
        job = a_job(tmp_path, teacher)
        assert job.run("--samples=4", "--checks=label", "--metadata=true", *ONE_AT_A_TIME) == 0
        found = metadata(job)
        assert [set(one) for one in found] == [{"row_key", "sample", "samples", "pass_rate", "votes", "checks"}] * 3
        assert {one["row_key"] for one in found} == {record["row_key"] for record in ledger_of(job)}
        assert [{**one, "row_key": ""} for one in found] == [
            {"row_key": "", "sample": 2, "samples": 3, "pass_rate": 0.333333, "votes": None, "checks": ["label"]}
        ] * 3


def test_metadata_counts_votes(tmp_path: Path) -> None:
    with small_teacher() as teacher:
        teacher.says = by_try(lambda question, number: ["5", "8", "8", "8", "5"][number])
        job = a_job(tmp_path, teacher, 1)
        assert job.run("--samples=5", "--checks=length,vote", "--max_answer_words=2", "--votes=2", "--metadata=true", *ONE_AT_A_TIME) == 0
        [found] = metadata(job)
        assert (found["sample"], found["samples"], found["votes"], found["checks"]) == (1, 4, 3, ["length", "vote"])


def test_kept_columns_need_no_new_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher("7") as teacher:
        job = a_job(tmp_path, teacher)
        assert job.run() == 0
        before = job.train_output.read_bytes()
        assert job.run("--keep_columns=level,id") == 0
        assert [one["columns"] for one in metadata(job)] == [{"level": number or None, "id": f"row-{number}"} for number in range(3)]
        assert job.run("--keep_columns=all", "--student_format=sharegpt") == 0
        assert metadata(job)[2]["columns"] == {"id": "row-2", "level": 2, "tags": ["a", "a"]}
        assert job.run() == 0
        assert job.train_output.read_bytes() == before
        assert teacher.answered == 3
        assert job.run("--keep_columns=id,difficulty") == 2
        assert "keep_columns names 'difficulty', which is not there; the columns are: id, level, messages, tags" in capsys.readouterr().err


def test_columns_are_text_in_a_table_so_that_all_parts_have_the_same_types(tmp_path: Path) -> None:
    with small_teacher("7") as teacher:
        job = a_job(tmp_path, teacher, 4)
        assert job.run("--keep_columns=all", "--output_format=parquet", "--output_shards=2", "--max_concurrency_per_instance=2") == 0
        tables = [pyarrow.parquet.read_table(path) for path in sorted(job.train_output.parent.glob("train-*.jsonl"))]
        assert len(tables) == 2
        assert tables[0].schema == tables[1].schema
        found = [row["metadata"] for table in tables for row in table.to_pylist()]
        assert [json.loads(one["columns"]) for one in found] == [
            {key: value for key, value in a_line(number).items() if key != "messages"} for number in range(4)
        ]
        assert (found[0]["sample"], found[0]["samples"], found[0]["pass_rate"], found[0]["checks"]) == (0, 1, 1.0, [])


def test_the_users_own_check_sees_the_other_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_levels.py").write_text("def is_easy(row, answer):\n    return int(row['columns']['level'] or 0) < 2\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with small_teacher("7") as teacher:
        job = Job(tmp_path, teacher.url)
        (tmp_path / "train.csv").write_text("question,level\nWhat is 1 plus 3?,1\nWhat is 2 plus 3?,2\nWhat is 0 plus 3?,\n")
        flags = (f"--train_file_path={tmp_path / 'train.csv'}", "--user_template={{question}}", "--checks=python")
        for more in ((), ("--max_concurrency_per_instance=2",), ("--keep_columns=level",)):
            assert job.run(*flags, "--check_function=my_levels:is_easy", "--min_endpoint_success_ratio=0", *more) == 0
            assert [row["messages"][0]["content"] for row in read_jsonl(job.train_output)] == ["What is 1 plus 3?", "What is 0 plus 3?"]
        assert [one["columns"] for one in metadata(job)] == [{"level": "1"}, {"level": None}]


def test_no_job_file_for_services_that_refuse_other_fields(tmp_path: Path) -> None:
    with small_teacher("7") as teacher:
        job = a_job(tmp_path, teacher)
        assert job.run("--metadata=true") == 0
        assert {path.name for path in job.train_output.with_suffix(".handoff").glob("[!.]*")} == {"README.md", "trl_sft.yaml"}
