"""Datasets for a student: formats, reasoning and Parquet, all from the same paid answers."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from builders import ROOT, questions, read_jsonl
from jobs import Job

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings

COT = ("--enable_chain_of_thought", "--teacher_model_max_new_tokens=1024")


@pytest.mark.slow
def test_nothing_is_sent_again_when_only_the_files_change(tmp_path: Path) -> None:
    job = Job(tmp_path, task="math")
    job.train((ROOT / "examples" / "math" / "train.jsonl").read_bytes().splitlines())
    with start_simulator(SimulatorSettings()) as simulator:
        job.url = simulator.base_url
        assert job.run(*COT) == 0
        plain = job.train_output.read_bytes()
        sent = simulator.stats()["requests"]

        def again(*flags: str, output: str = "train.jsonl") -> Path:
            path = job.train_output.with_name(output)
            assert job.run(*COT, *flags, f"--generated_batch_train_file_path={path}", f"--work_dir={job.work_dir}") == 0
            return path

        thinking = read_jsonl(again("--reasoning=think"))
        assert all(row["messages"][-1]["content"].startswith("<think>\n") for row in thinking)
        shared = read_jsonl(again("--student_format=sharegpt", "--reasoning=field"))
        assert all(row["conversations"][-1]["reasoning_content"] for row in shared)
        table = pq.read_table(again("--student_format=prompt_completion", output="train.parquet"))
        assert table.num_rows == len(thinking)
        assert table.column_names == ["prompt", "completion"]
        assert [row["completion"][0]["content"] for row in table.to_pylist()] == [row["conversations"][-1]["value"] for row in shared]
        packed = again(output="train.jsonl.gz")
        assert gzip.decompress(packed.read_bytes()) == plain
        assert again().read_bytes() == plain
        assert simulator.stats()["requests"] == sent


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "Azure ML job, OpenAI request, TRL configuration, dataset card"),
        (("--student_format=prompt_completion",), "TRL configuration, dataset card"),
        (("--student_format=alpaca",), "dataset card only: alpaca rows are for other trainers"),
        (("--student_format=sharegpt",), "dataset card only: sharegpt rows are for other trainers"),
    ],
)
def test_the_summary_names_the_files_for_the_training_that_are_there(
    tmp_path: Path, flags: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(tmp_path)
    job.train(questions(2))
    with start_simulator(SimulatorSettings()) as simulator:
        job.url = simulator.base_url
        assert job.run(*flags) == 0
    assert f"training    {job.folder / 'out' / 'train.handoff'} ({said})" in capsys.readouterr().out
    assert said.count(",") + 1 == len([path for path in (job.folder / "out" / "train.handoff").iterdir() if path.name[0] != "."])


def test_parquet_is_published_whole_or_not_at_all_and_empty_without_input(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.train([*questions(5), "not json"])
    train, validation = job.folder / "out" / "t.parquet", job.folder / "out" / "v.parquet"
    flags = (f"--generated_batch_train_file_path={train}", f"--generated_batch_validation_file_path={validation}", f"--work_dir={job.work_dir}")
    with start_simulator(SimulatorSettings()) as simulator:
        job.url = simulator.base_url
        assert job.run(*flags) == 0
        assert pq.read_table(train).num_rows == 5
        assert pq.read_table(validation).num_rows == 0
        assert pq.read_schema(validation).names == ["messages"]
    job.train(questions(5, start=100))
    with start_simulator(SimulatorSettings(faults={"null_content": 1.0})) as simulator:
        job.url = simulator.base_url
        assert job.run(*flags) == 3
    assert not train.exists()


@pytest.mark.parametrize("where", ["think", "field"])
def test_the_reasoning_of_a_reasoning_teacher(where: Any, tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.train(questions(5))
    with start_simulator(SimulatorSettings(reasoning=where)) as simulator:
        job.url = simulator.base_url
        assert job.run("--reasoning=field") == 0
    rows = [row["messages"][-1] for row in read_jsonl(job.train_output)]
    assert len(rows) == 5
    assert all(row["reasoning_content"] and "<think>" not in row["content"] for row in rows)
