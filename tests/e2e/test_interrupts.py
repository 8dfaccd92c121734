"""A closed terminal, and the command's messages while and after it stops."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders import ROOT, questions, read_jsonl
from forked_python import Popen
from jobs import Job

from beam_distill.after_run.result import shown_path
from beam_distill.cli.main import main
from beam_distill.job.prices import Prices
from beam_distill.run.progress.displays import keeps_the_last_frame_only
from beam_distill.run.progress.tracker import Tracker
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings
from beam_distill.work_dir.reading import Reading
from transforms.elements.usage import TokenPrices, Usage

SLOW = SimulatorSettings(latency=Latency("fixed", mean_ms=1500), capacity=Capacity(slots=5))


@pytest.mark.slow
@pytest.mark.fault("A7", "X-C13", "N22", "N30")
def test_a_closed_terminal_drains_as_sigterm_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path)
    job.train(questions(40))
    with start_simulator(SLOW) as simulator:
        job.url = simulator.base_url
        process = job.start("--max_worker_count=5")
        while simulator.stats()["in_flight"] < 5:
            time.sleep(0.02)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
        process.send_signal(signal.SIGHUP)  # kernel and shell both send one
        output, _ = process.communicate(timeout=60)
        answered = simulator.stats()["answered"]
    assert process.returncode == 130, output
    assert "interrupted by SIGHUP" in output, output
    assert "Traceback" not in output, output
    assert job.record()["metrics"]["requests_answered"] == answered >= 5
    assert "of the 40 rows asked or still to ask" in output
    assert "NOT FINISHED (exit code 130)" in output
    assert main(["ledger", str(job.work_dir)]) == 0
    assert f"answers     {answered} in" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.fault("A7")
def test_a_run_that_ignores_hang_ups_goes_on(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.train(questions(10))
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=500), capacity=Capacity(slots=5))) as simulator:
        job.url = simulator.base_url
        text = "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); from beam_distill.cli.main import main; sys.exit(main())"
        command = [sys.executable, "-c", text, *job.arguments()]
        process = Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while simulator.stats()["in_flight"] < 1:
            time.sleep(0.02)
        process.send_signal(signal.SIGHUP)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert len(read_jsonl(job.train_output)) == 10


@pytest.mark.fault("N28")
def test_a_run_that_stops_predicts_nothing() -> None:
    tracker = Tracker(("train",), Prices(TokenPrices(1.0, 1.0)))
    reading = Reading(rows_done={"train": 100}, rows_scored=100, usage=Usage(1000, 1000))
    going_on = tracker.view(10.0, reading, {"train": 1000})
    stopping = tracker.view(10.5, reading, {"train": 1000}, stopping=True)
    assert going_on.left_s is not None
    assert going_on.expected_cost is not None
    assert stopping.left_s is None
    assert stopping.expected_cost is None
    assert stopping.cost is not None


@pytest.mark.fault("N33")
@pytest.mark.parametrize(
    ("environment", "live"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-color", "JPY_PARENT_PID": "7"}, False),
        ({"TERM": "xterm-color", "CLICOLOR_FORCE": "1", "GIT_PAGER": "cat"}, False),
        ({"TERM": "xterm-256color", "GIT_PAGER": "cat"}, True),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_environments_that_keep_only_the_last_frame(environment: dict[str, str], live: bool) -> None:
    assert keeps_the_last_frame_only(environment) is live


@pytest.mark.fault("N30")
def test_paths_are_shown_one_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_path(str(tmp_path / "out" / "train.jsonl")) == shown_path("out/train.jsonl") == "out/train.jsonl"
    assert shown_path("/somewhere/else.jsonl") == shown_path("../../../../../../../somewhere/else.jsonl") == "/somewhere/else.jsonl"
    assert shown_path("azfs://account/container/train.jsonl") == "azfs://account/container/train.jsonl"


@pytest.mark.fault("N23")
def test_a_run_below_the_minimum_did_finish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path)
    job.train(questions(5))
    with start_simulator(SimulatorSettings(faults={"null_content": 1.0})) as simulator:
        job.url = simulator.base_url
        assert job.run() == 3
    shown = capsys.readouterr().out
    assert "NOT PUBLISHED (exit code 3): train: 0 of 5 rows asked gave an example" in shown
    assert "NOT FINISHED" not in shown


@pytest.mark.fault("N20")
def test_tests_read_nothing_outside_the_clone_by_default() -> None:
    text = "import builders; print(builders.SHARED_DATA.exists())"
    ended = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout == "False\n", ended.stderr


@pytest.mark.slow
def test_a_removed_working_directory_does_not_end_the_run(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.train(questions(10))
    gone = tmp_path / "gone"
    gone.mkdir()
    with start_simulator() as simulator:
        job.url = simulator.base_url
        line = f'cd "{gone}" && rmdir "{gone}" && exec "$0" -m beam_distill "$@"'
        command = ["bash", "-c", line, sys.executable, *job.arguments()]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert ended.returncode == 0, ended.stderr
    assert str(job.train_output) in ended.stdout
