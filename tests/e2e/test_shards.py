"""A dataset in several files, as a user asks for it."""

import json
from pathlib import Path

from builders import questions
from jobs import Job
from small_teacher import small_teacher

ROWS = 40


def test_a_dataset_in_shards_is_the_dataset_and_the_other_kind_of_an_earlier_run_is_kept_aside(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.train(questions(ROWS))
    out = job.train_output.parent
    shards = [out / f"train-{number:05d}-of-00003.jsonl" for number in range(3)]
    with small_teacher() as teacher:
        job.url = teacher.url
        assert job.run("--model=m") == 0
        whole = job.train_output.read_bytes()
        assert job.run("--model=m", "--output_shards=3") == 0
        assert b"".join(path.read_bytes() for path in shards) == whole
        assert [path.read_bytes().count(b"\n") for path in shards] == [14, 13, 13]
        assert not job.train_output.exists()
        record = json.loads((job.work_dir / "run.json").read_text())
        assert record["datasets"] == {"train": str(out / "train-*-of-00003.jsonl")}
        assert job.run("--model=m", "--output_shards=100") == 0
        assert len(list(out.glob("train-*-of-00040.jsonl"))) == ROWS
        assert not any(path.exists() for path in shards)
        assert job.run("--model=m") == 0
        assert job.train_output.read_bytes() == whole
        assert list(out.glob("train-*-of-*.jsonl")) == []
        assert teacher.answered == ROWS


def test_what_takes_one_file_only_is_not_made_for_shards(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.train(questions(ROWS))
    with small_teacher() as teacher:
        job.url = teacher.url
        assert job.run("--model=m", "--output_shards=2") == 0
    handoff = {path.name for path in (job.train_output.parent / "train.handoff").iterdir()}
    assert {"README.md", "trl_sft.yaml"} <= handoff
    assert not handoff & {"azureml_finetuning.yaml", "openai_finetuning.json"}


def test_an_input_that_is_a_shard_of_the_output_is_refused(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.train(questions(ROWS))
    job.train_output.parent.mkdir()
    assert job.run("--model=m", f"--train_file_path={job.train_output.parent}/train-*.jsonl", "--output_shards=2") == 2
