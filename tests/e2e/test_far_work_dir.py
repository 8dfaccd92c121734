"""Every command works with a work_dir on object storage as with a local one."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import questions
from jobs import Job
from object_storage import OBJECTS

from beam_distill.cli.main import main
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings
from beam_distill.work_dir.reading import Reading
from beam_distill.work_dir.timeline import WHOLE_EVERY_S, Timeline, read_timeline

PLACE = "objects://bucket/job"
ROWS = 12


@pytest.fixture(autouse=True)
def _empty_storage() -> Iterator[None]:
    OBJECTS.clear()
    yield
    OBJECTS.clear()


class FarJob(Job):
    """Rows on this machine; ledger, report and datasets on object storage."""

    def arguments(self, *extra: str) -> list[str]:
        arguments = [argument for argument in super().arguments(*extra) if not argument.startswith("--generated_batch_train_file_path")]
        return [*arguments, f"--generated_batch_train_file_path={PLACE}/train.jsonl", "--ledger_segment_seconds=0.2", "--report=false"]


def text(name: str) -> str:
    return OBJECTS[f"{PLACE}/{name}"].decode()


def test_a_remote_work_dir_works_like_a_local_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job, far = FarJob(tmp_path), f"{PLACE}/train.beam_distill"
    job.train([*questions(ROWS), "not json"])
    with start_simulator(SimulatorSettings(faults={"null_content": 1.0})) as simulator:
        job.url = simulator.base_url
        assert job.run("--model=simulated-teacher") == 3
    capsys.readouterr()

    assert main(["report", far, "--price_per_million_input_tokens=3"]) == 0
    assert capsys.readouterr().out.strip() == f"{far}/report.html"
    page = text("train.beam_distill/report.html")
    assert "empty_answer" in page
    assert "invalid_json" in page
    assert ">Latency<" in page
    assert "cost" in page

    assert main(["ledger", far]) == 0
    shown = capsys.readouterr().out
    assert f"answers     {ROWS} in" in shown
    assert "empty_answer" in shown
    assert main(["ledger", far, "--reason=empty_answer", "--line=3", "--export=-"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["line"] == 3

    arguments = job.arguments("--model=simulated-teacher")[1:]
    assert main(["plan", *arguments]) == 0
    assert f"train: 0 to send, {ROWS} answered on the ledger; 1 reject" in capsys.readouterr().out
    with start_simulator() as simulator:
        job.url = simulator.base_url
        at_simulator = f"--teacher_model_endpoint_url={job.url}"
        assert job.command("check", "--model=simulated-teacher") == 0
        assert f"{ROWS:,} answered on the ledger" in capsys.readouterr().out
        assert main(["status", *arguments]) == 3
        assert "has ended" in capsys.readouterr().out

        assert main(["retry", far, "--reason=empty_answer", at_simulator, "--report=false"]) == 0
        assert simulator.stats()["requests"] == ROWS
    assert len(text("train.jsonl").splitlines()) == ROWS
    assert not [name for name in OBJECTS if "/staging/" in name or name.endswith("lock.json")]


def test_a_change_of_settings_is_reported_though_a_remote_ledger_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = FarJob(tmp_path)
    job.train(questions(ROWS))
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
        assert job.run() == 0
        assert "other settings" not in capsys.readouterr().err
        assert job.run("--teacher_model_max_new_tokens=600") == 0
        said = capsys.readouterr().err
        assert "other settings: teacher_model_max_new_tokens 512 -> 600. Rows that were cut off by the lower limit may be sent" in said
        assert job.command("plan", "--teacher_model_temperature=0.7") == 0
        assert f"answers about {ROWS} rows to other requests" in capsys.readouterr().out
        assert simulator.stats()["requests"] == ROWS
        assert job.run("--teacher_model_temperature=0.7") == 0
        said = capsys.readouterr().err
        assert "other settings: teacher_model_max_new_tokens 600 -> 512; teacher_model_temperature 0.2 -> 0.7. Rows that were answered" in said


def test_bad_lines_are_listed_in_a_remote_work_dir(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    job = FarJob(tmp_path)
    job.train([*questions(40), *(f"bad {number}" for number in range(30))])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.command("check") == 0
    assert "rejects     all 30 are listed in objects://bucket/job/train.beam_distill/bad_lines.jsonl" in capsys.readouterr().out
    assert len(text("train.beam_distill/bad_lines.jsonl").splitlines()) == 30
    assert not list(tmp_path.glob("bad_lines*"))
    assert not (tmp_path / "objects:").exists()
    job.train(questions(2))
    assert job.command("check", "--first_answer_patience=0.1") == 4
    assert not [name for name in OBJECTS if "bad_lines" in name]


def test_a_report_of_a_running_remote_job(capsys: pytest.CaptureFixture[str]) -> None:
    far = f"{PLACE}/work"
    timeline = Timeline(f"{far}/timeline/run-1.jsonl")
    for second in (0.0, 1.0, WHOLE_EVERY_S, WHOLE_EVERY_S + 1):
        timeline.add(second, Reading({"train": int(second)}, in_flight=3, limit=9))
    assert [sample["t_s"] for sample in read_timeline(f"{far}/timeline/run-1.jsonl")] == [0.0, 1.0, WHOLE_EVERY_S]
    OBJECTS[f"{far}/started.json"] = json.dumps({"run_id": "run-1", "settings": {"data_generation_task_type": "MATH"}}).encode()
    OBJECTS[f"{far}/lock.json"] = json.dumps({"holder": "process 1 on there", "at_s": time.time()}).encode()
    assert main(["report", far]) == 0
    assert ">Running<" in text("work/report.html")
    assert f">{int(WHOLE_EVERY_S)}<" in text("work/report.html")
    timeline.close()
    assert len(read_timeline(f"{far}/timeline/run-1.jsonl")) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "objects://bucket/nothing"], "neither run.json nor a ledger"),
        (["ledger", "objects://bucket/nothing"], "neither run.json nor a ledger"),
        (["retry", "objects://bucket/nothing", "--reason=no_json"], "neither run.json nor started.json"),
        (["report", "nosuch://bucket/job"], "no installed package reads nosuch://"),
    ],
)
def test_a_remote_folder_without_a_run_is_reported(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_an_unreadable_storage_names_the_variable_for_its_account(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("azure.storage.blob")
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)
    assert main(["ledger", "azfs://account/container/job"]) == 5
    said = capsys.readouterr().err
    assert "work_dir: azfs://account/container/job cannot be read" in said
    assert "AZURE_STORAGE_CONNECTION_STRING" in said


def test_a_budget_is_kept_in_a_remote_work_dir(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = FarJob(tmp_path)
    job.train(questions(ROWS))
    with start_simulator(SimulatorSettings(faults={"truncated_body": 0.3}, seed=3)) as simulator:
        job.url = simulator.base_url
        assert job.run("--max_requests=5") == 7
        assert simulator.stats()["requests"] == 5
        assert job.run("--max_requests=5") == 7
        assert simulator.stats()["requests"] == 5
        capsys.readouterr()
        assert main(["plan", *job.arguments("--max_requests=5")[1:]]) == 0
        assert re.search(r"limit       max_requests: 5 of 5 requests spent( \(.*\))?, 0 requests left", capsys.readouterr().out)
        assert job.run() == 0
    assert [name for name in OBJECTS if "/spending/" in name]
