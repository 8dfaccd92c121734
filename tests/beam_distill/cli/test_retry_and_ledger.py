"""``retry`` and ``ledger`` as a user runs them."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import ROOT, questions, read_jsonl
from jobs import Job

from beam_distill.cli.commands.retry import retried_line
from beam_distill.cli.earlier_run import earlier_settings
from beam_distill.cli.main import main
from beam_distill.config.settings import PATHS
from beam_distill.simulator.server import RunningSimulator, start_simulator
from beam_distill.simulator.settings import SimulatorSettings


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Job:
    job = Job(tmp_path_factory.mktemp("rejected"))
    job.train([*questions(12), "not json"])
    with start_simulator(SimulatorSettings(faults={"null_content": 1.0})) as simulator:
        job.url = simulator.base_url
        assert job.run("--model=m") == 3
    assert job.split("train")["rejected_by_reason"] == {"empty_answer": 12, "invalid_json": 1}
    job.keep()
    return job


@pytest.fixture
def rejected(run_once: Job) -> Job:
    """A job of twelve rows whose answers are all empty, ended below the minimum."""
    return run_once.as_kept()


def retry(job: Job, simulator: RunningSimulator, *arguments: str) -> int:
    return main(["retry", str(job.work_dir), f"--teacher_model_endpoint_url={simulator.base_url}", "--report=false", *arguments])


def test_the_summary_names_the_command_that_asks_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path / "of a week")
    job.folder.mkdir()
    job.train([*questions(12), "not json"])
    with start_simulator(SimulatorSettings(faults={"null_content": 1.0})) as simulator:
        job.url = simulator.base_url
        assert job.run("--model=m") == 3
    command = capsys.readouterr().out.rpartition("unusable answer again: ")[2].strip()
    assert shlex.split(command) == ["beam-distill", "retry", str(job.work_dir), "--reason", "empty_answer"]
    with start_simulator() as simulator:
        given = [f"--teacher_model_endpoint_url={simulator.base_url}", "--report=false"]
        assert main([*shlex.split(command)[1:], *given]) == 0
        assert simulator.stats()["requests"] == 12
    assert "once more" not in capsys.readouterr().out


@pytest.mark.parametrize("command", ["ledger", "report", "status"])
def test_looking_at_a_run_on_this_machine_does_not_wait_for_beam(rejected: Job, command: str) -> None:
    code = (
        f"import sys\nfrom beam_distill.cli.main import main\nmain([{command!r}, {str(rejected.work_dir)!r}])\n"
        "sys.exit('apache_beam' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.fault("N32")
def test_the_result_of_the_rows_sent_again_is_reported() -> None:
    before: list[dict[str, Any]] = [{"split": "train", "file": "a.jsonl", "line": line} for line in (1, 2, 3)]
    after = [{**before[1], "reason": "no_json"}, {"split": "train", "file": "a.jsonl", "line": 9, "reason": "invalid_json"}]
    places = {(row["split"], os.path.abspath(str(row["file"])), row["line"]) for row in before}  # that run was started elsewhere
    assert retried_line(places, after) == "retried     3 rows rejected before: now 2 examples, 1 reject (1 no_json)"
    assert retried_line(set(), after) == "retried     0 rows rejected before: now 0 examples, 0 rejects"


@pytest.mark.fault("N32")
def test_files_that_were_named_from_another_folder_are_found() -> None:
    given = {**dict.fromkeys(PATHS, "here/file"), "train_file_path": "azfs://account/rows.jsonl", "work_dir": "/out"}
    reported, _ = earlier_settings({"settings": given, "origins": dict.fromkeys(given, "flag"), "working_directory": "/elsewhere"}, {})
    assert (reported.pop("train_file_path"), reported.pop("work_dir")) == ("azfs://account/rows.jsonl", "/out")
    assert set(reported.values()) == {"/elsewhere/here/file"}


def test_chosen_rejects_are_sent_again_and_the_new_answer_wins(rejected: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator() as simulator:
        assert retry(rejected, simulator, "--reason", "no_json") == 3
        assert simulator.stats()["requests"] == 0
        assert retry(rejected, simulator, "--reason", "no_json", "empty_answer") == 0
        assert capsys.readouterr().out.endswith("retried     12 rows rejected before: now 12 examples, 0 rejects\n")
        assert simulator.stats()["requests"] == 12
        assert len(read_jsonl(rejected.train_output)) == 12
        published = rejected.datasets()
        # an ordinary rerun uses the new answers and sends nothing
        rejected.url = simulator.base_url
        assert rejected.run("--model=m") == 0
        assert simulator.stats()["requests"] == 12
    assert rejected.datasets() == published


def test_the_old_answers_stay_on_the_ledger(rejected: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator() as simulator:
        assert retry(rejected, simulator, "--reason=empty_answer") == 0
    capsys.readouterr()
    assert main(["ledger", str(rejected.work_dir)]) == 0
    shown = capsys.readouterr().out
    assert "answers     24 in 2 segments" in shown
    assert shown.count("12 answers in") == 2
    assert "superseded  12 by later answers" in shown
    assert "usable      12\n" in shown
    assert "empty_answer" not in shown
    assert main(["ledger", str(rejected.work_dir), "--reason=empty_answer"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == 12
    assert all("(superseded by a later answer) empty_answer" in line for line in listed)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--reason=emty_answer"], "did you mean empty_answer?"),
        (["--reason=invalid_json"], "could not be sent"),
        (["--reason=invalid_jsn"], "did you mean invalid_json?"),
        (["--reason=empty_answer", "--teacher_model_temperature=0.9"], "changes the request of every row"),
        (["--reason=empty_answer", "--no_such=1"], "no such flag"),
        ([], "--reason"),
    ],
)
def test_impossible_arguments_send_nothing(rejected: Job, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator() as simulator:
        assert retry(rejected, simulator, *arguments) == 2
        assert simulator.stats()["requests"] == 0
    assert said in capsys.readouterr().err


def test_secrets_that_the_record_lacks_are_asked_for(rejected: Job, capsys: pytest.CaptureFixture[str]) -> None:
    path = rejected.work_dir / "run.json"
    record = json.loads(path.read_text())
    record["settings"]["additional_headers"] = {"X-Team": "***"}
    record["origins"]["additional_headers"] = "flag"
    path.write_text(json.dumps(record))
    with start_simulator() as simulator:
        assert retry(rejected, simulator, "--reason=empty_answer") == 2
        assert "X-Team" in capsys.readouterr().err
        assert retry(rejected, simulator, "--reason=empty_answer", '--additional_headers={"X-Team": "again"}') == 0


@pytest.mark.fault("X-F5")
def test_a_masked_body_must_be_given_again(rejected: Job, capsys: pytest.CaptureFixture[str]) -> None:
    path = rejected.work_dir / "run.json"
    record = json.loads(path.read_text())
    record["settings"]["extra_body"] = {"data_sources": [{"key": "***"}]}
    record["origins"]["extra_body"] = "flag"
    path.write_text(json.dumps(record))
    with start_simulator() as simulator:
        assert retry(rejected, simulator, "--reason=empty_answer") == 2
        assert "extra_body: a secret in it is not in run.json; give --extra_body again" in capsys.readouterr().err


def test_a_folder_without_a_run_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retry", str(tmp_path), "--reason=no_json"]) == 2
    assert "has neither run.json nor started.json" in capsys.readouterr().err
    assert main(["ledger", str(tmp_path)]) == 2
    assert "neither run.json nor a ledger" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (["--reason", "emty_answer"], "did you mean empty_answer?"),
        (["--reason", "empty_answer", "no_jsn"], "'no_jsn' is not a reason; did you mean no_json?"),
        (["--reason", "invalid_json"], "rejects.jsonl"),
        (["--reason", "not_sent", "--export=-"], "they were not sent"),
    ],
)
def test_a_reason_that_no_record_can_have_is_reported(rejected: Job, chosen: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["ledger", str(rejected.work_dir), *chosen]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


@pytest.mark.parametrize(
    "chosen",
    [["--reason", "no_json", "empty_answer"], ["--reason=no_json,empty_answer"], ["--reason=empty_answer", "--reason=no_json"]],
)
def test_several_reasons_may_be_given_in_any_style(rejected: Job, chosen: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["ledger", str(rejected.work_dir), *chosen]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 12
    with start_simulator() as simulator:
        assert retry(rejected, simulator, *chosen) == 0
        assert simulator.stats()["requests"] == 12


def test_records_are_found_and_exported(rejected: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work_dir = str(rejected.work_dir)
    capsys.readouterr()
    assert main(["ledger", work_dir, "--line=3", "--line=4"]) == 0
    shown = [line.split("  ")[0].split(" ")[-2:] for line in capsys.readouterr().out.splitlines()]
    assert sorted(shown) == [["line", "3"], ["line", "4"]]  # on the ledger they are in the order of their answers
    target = tmp_path / "out.jsonl"
    assert main(["ledger", work_dir, "--reason=empty_answer", f"--export={target}"]) == 0
    found = read_jsonl(target)
    assert len(found) == 12
    assert {record["reason"] for record in found} == {"empty_answer"}
    assert found[0]["payload"]["messages"][-1]["role"] == "user"
    assert found[0]["response"]["choices"]
    capsys.readouterr()
    assert main(["ledger", work_dir, f"--row={found[5]['row_key']}", "--export=-"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == found[5]
    assert main(["ledger", work_dir, "--split=validation", "--export=-"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["ledger", work_dir, f"--export={tmp_path / 'no' / 'such' / 'file'}"]) == 5
