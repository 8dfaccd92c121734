"""What launch and status say without a cluster. With one: tests/clusters/test_launch.py."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from builders import ROOT, questions
from forked_python import Popen
from jobs import Job
from rendering import a_config, rendered

from beam_distill.cli.main import main
from beam_distill.config.sources import resolve
from beam_distill.exit_codes import RunRefused
from beam_distill.job.beam_options import BeamGiven
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings
from beam_distill.submit.portable_jar import copy_file, jar_plan
from beam_distill.work_dir.submission import Submission, submitted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["flink-kubernetes"], "is not submitted from here"),
        (["flink-rst"], "did you mean flink-rest"),
        (["job-server", "--set", "modle=x"], "did you mean model"),
        (["job-server"], "master: missing"),
        (["job-server", "--set", "master=localhost:9"], "no Beam job server answers at localhost:9"),
        (["flink-rest", "--set", "master=localhost:9"], "no Flink JobManager answers"),
    ],
)
def test_an_impossible_launch_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    a_config(tmp_path)
    assert main(["launch", *arguments, "--config", "job.yaml"]) == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    made.train(['{"messages": [{"role": "user", "content": "What is 2 plus 3?"}]}'])
    return made


def status(job: Job, *extra: str) -> int:
    return main(["status", *job.arguments()[1:], *extra])


def test_status_of_nothing_is_refused(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = "http://localhost:1"
    assert status(job) == 2
    assert "no job was submitted" in capsys.readouterr().err


def test_status_shows_a_run_that_was_killed(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = "http://localhost:1"
    job.work_dir.mkdir(parents=True)
    (job.work_dir / "started.json").write_text('{"run_id": "run-1"}')
    assert status(job) == 2
    assert "Run the same command again: it continues from the ledger" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.fault("N18")
def test_status_takes_a_work_dir_and_distinguishes_a_running_from_a_killed_run(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train(questions(400))
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=500), capacity=Capacity(slots=2))) as simulator:
        job.url = simulator.base_url
        process = job.start()
        while simulator.stats()["answered"] < 4:
            time.sleep(0.05)
        assert main(["status", str(job.work_dir)]) == 6
        said = capsys.readouterr().out
        while "done so far" not in said and process.poll() is None:  # the run notes its progress every few seconds
            time.sleep(0.1)
            assert main(["status", str(job.work_dir)]) == 6
            said = capsys.readouterr().out
        assert re.search(r"is running; done so far: train \d+ rows?", said)
        process.kill()
        process.communicate()
        assert main(["status", str(job.work_dir)]) == 2
        assert "was killed" in capsys.readouterr().err
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
    capsys.readouterr()
    assert main(["status", str(job.work_dir)]) == 0
    assert "has ended: every dataset is published (exit code 0)" in capsys.readouterr().out
    assert main(["status", str(job.folder)]) == 2
    assert "name the work_dir of a run" in capsys.readouterr().err


def test_status_shows_how_the_last_run_ended(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(faults={"length": 1.0})) as simulator:
        job.url = simulator.base_url
        assert job.run() == 3
        assert status(job) == 3
    assert "has ended" in capsys.readouterr().out


def test_a_jar_without_a_verdict_has_not_ended(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = "http://localhost:1"
    job.work_dir.mkdir(parents=True)
    submitted(Submission("spark", "", "", "run-1", str(job.work_dir), "2026-01-01T00:00:00+00:00", {}))
    assert status(job) == 6
    assert "no verdict yet" in capsys.readouterr().out
    assert json.loads((job.work_dir / "submission.json").read_text())["run_id"] == "run-1"


def test_a_jar_that_its_runner_failed_has_ended(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = "http://localhost:1"
    job.work_dir.mkdir(parents=True)
    submitted(Submission("spark", "", "", "run-1", str(job.work_dir), "2026-01-01T00:00:00+00:00", {}))
    assert status(job, "--ended=SUBMISSION_FAILED") == 1
    assert "the job of run run-1 ended as FAILED without a verdict" in capsys.readouterr().out
    assert job.record()["exit_code"] == 1
    assert status(job) == 1


def test_a_jar_is_refused_where_none_can_run(tmp_path: Path) -> None:
    for inputs, said in (
        ({"runner": "direct"}, "not for direct"),
        ({"runner": "flink", "worker_environment": "loopback"}, "loopback workers run in the command"),
    ):
        settings = resolve(inputs, str(a_config(tmp_path)), {}).settings
        with pytest.raises(RunRefused, match=said):
            jar_plan(settings, BeamGiven())


def test_a_jar_is_for_any_cluster(tmp_path: Path) -> None:
    inputs = {"runner": "flink", "worker_environment": "external:localhost:50000", "instance_count": 2, "max_concurrency_per_instance": 3}
    plan = jar_plan(resolve(inputs, str(a_config(tmp_path)), {}).settings, BeamGiven())
    assert {"--flink_master=[auto]", "--parallelism=6", "--sdk_worker_parallelism=3", "--environment_type=EXTERNAL"} <= set(plan.argv)
    assert not plan.same_machine


def test_a_file_is_copied_whole(tmp_path: Path) -> None:
    (tmp_path / "job.jar").write_bytes(bytes(range(256)) * 10_000)
    copy_file(str(tmp_path / "job.jar"), str(tmp_path / "deep" / "copy.jar"))
    assert (tmp_path / "deep" / "copy.jar").read_bytes() == (tmp_path / "job.jar").read_bytes()
    with pytest.raises(RunRefused, match="cannot be copied"):
        copy_file(str(tmp_path / "absent.jar"), str(tmp_path / "copy.jar"))


# ends on SIGINT as a Java program does, with a code of its own
SPARK_SUBMIT = f"""#!{sys.executable}
import signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
print("spark-submit runs", flush=True)
signal.pause()
"""


def test_ctrl_c_ends_the_rendered_script_and_asks_for_no_verdict(tmp_path: Path) -> None:
    script = rendered("spark-submit", a_config(tmp_path)) / "submit.sh"
    (tmp_path / "bin").mkdir()
    for name, text in {"spark-submit": SPARK_SUBMIT, "beam-distill": '#!/usr/bin/env bash\necho "asked for $1"\n'}.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        ["bash", str(script)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "asked for jar\n"
    assert process.stdout.readline() == "spark-submit runs\n"
    os.killpg(process.pid, signal.SIGINT)
    output, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert output == ""
    assert "the driver has ended" in said
    assert "ended with code" not in said


@pytest.mark.parametrize("whom", ["the command", "all in the terminal"])
def test_ctrl_c_on_a_launched_script_says_what_ended_and_leaves_nothing_running(tmp_path: Path, whom: str) -> None:
    script = tmp_path / "submit.sh"
    script.write_text("echo $$\nsleep 600\necho went on\n")
    program = (
        "import sys; from pathlib import Path; from beam_distill.cli.commands.launch import run_script\n"
        f"sys.exit(run_script(Path({str(script)!r})))"
    )
    process = Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    started = psutil.Process(int(process.stdout.readline()))
    if whom == "the command":
        process.send_signal(signal.SIGINT)
    else:
        os.killpg(process.pid, signal.SIGINT)
    output, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "went on" not in output
    assert "Traceback" not in said
    assert "Every received answer is on the ledger" in said
    assert "run the same command again" in said
    _, alive = psutil.wait_procs([started], timeout=60)
    assert not alive
