"""Killed at any moment and run again: the same bytes, and few requests paid for twice."""

import itertools
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from builders import ROOT, questions, read_jsonl
from forked_python import run
from jobs import Job
from small_teacher import small_teacher

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings
from transforms.elements.tasks import TaskType

TEACHER = SimulatorSettings(latency=Latency("lognormal", mean_ms=100), capacity=Capacity(slots=40))
# one second gives only a small part of the answers
SLOW_TEACHER = SimulatorSettings(latency=Latency("lognormal", mean_ms=100), capacity=Capacity(slots=8))
ROWS = 460


def a_job(folder: Path) -> Job:
    job = Job(folder)
    job.train(questions(400))
    job.validation(questions(60, 1000))
    return job


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, ...]:
    """The datasets of a run that nothing disturbs."""
    job = a_job(tmp_path_factory.mktemp("undisturbed"))
    with start_simulator(TEACHER) as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
    return job.datasets()


@pytest.mark.slow
@pytest.mark.parametrize("kill_after", [1, 60, 200])
def test_kill_9_during_scoring(tmp_path: Path, undisturbed: tuple[bytes, ...], kill_after: int) -> None:
    disturbed = a_job(tmp_path)
    with start_simulator(SLOW_TEACHER) as simulator:
        disturbed.url = simulator.base_url
        process = disturbed.start("--max_worker_count=12")
        while disturbed.answers_kept() < kill_after:
            time.sleep(random.random() * 0.01)
        process.kill()
        process.communicate()
        assert disturbed.datasets() == ()
        kept = disturbed.answers_kept()
        assert disturbed.run() == 0
        assert disturbed.answered() == ROWS - kept
    assert disturbed.datasets() == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("kill_after", [1, 90, 300])
def test_kill_9_of_a_run_with_samples_and_votes(tmp_path: Path, kill_after: int) -> None:
    chance, slips = random.Random(kill_after), itertools.count(1000)

    def says(payload: dict[str, Any]) -> tuple[str, str, dict[str, int]]:
        """Right in 60 % of the tries, and never wrong in the same way twice, so that a vote gives the right answer."""
        time.sleep(0.02)  # the run is in its middle when it is killed
        found = re.search(r"What is (\d+) plus 3", payload["messages"][-1]["content"])
        assert found is not None
        text = str(int(found[1]) + 3) if chance.random() < 0.6 else str(next(slips))
        return text, "stop", {"prompt_tokens": 10, "completion_tokens": 2}

    job = Job(tmp_path)
    job.train(questions(60))
    flags = ("--samples=20", "--checks=vote", "--votes=3", "--max_worker_count=12")
    with small_teacher() as teacher:
        teacher.says = says
        job.url = teacher.url
        process = job.start(*flags)
        while job.answers_kept() < kill_after:
            time.sleep(chance.random() * 0.01)
        process.kill()
        process.communicate()
        assert job.datasets() == ()
        kept = job.answers_kept()
        assert job.run(*flags) == 0
        assert job.answered() == job.answers_kept() - kept
        # paid and lost: at most what was on the wire at the kill, and what had come and was not on disk yet
        assert teacher.answered - job.answers_kept() <= 2 * 12
    assert [row["messages"][-1]["content"] for row in read_jsonl(job.train_output)] == [str(number + 3) for number in range(60)]
    published = job.datasets()
    # the teacher is gone: nothing is sent
    assert job.run(*flags, "--min_accepted_ratio=1") == 0
    assert job.datasets() == published


@pytest.mark.slow
@pytest.mark.timeout(1200)  # twenty processes, on a machine that may be very busy
def test_kill_9_at_twenty_moments_of_a_run_with_samples_votes_and_a_judge(tmp_path: Path) -> None:
    """One job, killed again and again: each try is killed after 1 to 60 requests of its own."""
    chance, slips = random.Random(16), itertools.count(1000)
    usage = {"prompt_tokens": 10, "completion_tokens": 2}

    def says(payload: dict[str, Any]) -> tuple[str, str, dict[str, int]]:
        """Right in 60 % of the tries, and never wrong in the same way twice, so that a vote gives the right answer."""
        time.sleep(0.01)
        found = re.search(r"What is (\d+) plus 3", payload["messages"][-1]["content"])
        assert found is not None
        return str(int(found[1]) + 3) if chance.random() < 0.6 else str(next(slips)), "stop", usage

    def judges(payload: dict[str, Any]) -> tuple[str, str, dict[str, int]]:
        """Right about most wrong answers, and about all that are right."""
        time.sleep(0.01)
        shown = re.search(r"What is (\d+) plus 3.*<answer>\n(.+)\n</answer>", payload["messages"][-1]["content"], re.DOTALL)
        assert shown is not None
        accepts = int(shown[2]) == int(shown[1]) + 3 or chance.random() < 0.2
        return f'{{"reason": "so", "score": {9 if accepts else 2}}}', "stop", usage

    job = Job(tmp_path)
    job.train(questions(100))
    with small_teacher() as teacher, small_teacher() as judge:
        teacher.says, judge.says = says, judges
        job.url = teacher.url
        judged = ("--checks=judge,vote", f"--judge_model_endpoint_url={judge.url}", "--judge_model=j", "--judge_max_worker_count=8")
        flags = ("--samples=24", "--votes=3", "--max_worker_count=8", *judged)
        for _ in range(20):
            moment = teacher.answered + judge.answered + chance.randint(1, 60)
            process = job.start(*flags)
            while teacher.answered + judge.answered < moment:
                assert process.poll() is None, "the run ended before it was to be killed"
                time.sleep(chance.random() * 0.01)
            process.kill()
            process.communicate()
            assert job.datasets() == ()
        kept = job.answers_kept(), job.verdicts_kept()
        assert job.run(*flags) == 0
        assert job.answered() == job.answers_kept() - kept[0]
        # paid and lost: at most what was on the wire at each kill, and what had come and was not on disk yet
        assert teacher.answered - job.answers_kept() <= 20 * 2 * 8
        assert judge.answered - job.verdicts_kept() <= 20 * 2 * 8
    assert [row["messages"][-1]["content"] for row in read_jsonl(job.train_output)] == [str(number + 3) for number in range(100)]
    published = job.datasets()
    # both are gone: nothing is sent
    assert job.run(*flags, "--min_accepted_ratio=1") == 0
    assert job.datasets() == published


@pytest.mark.slow
def test_conversations_resume_in_the_middle(tmp_path: Path) -> None:
    lines = (ROOT / "examples" / "conversation" / "train.jsonl").read_bytes().splitlines() * 5
    undisturbed, disturbed = Job(tmp_path / "a", task="CONVERSATION"), Job(tmp_path / "b", task="CONVERSATION")
    for job in (undisturbed, disturbed):
        job.train(lines)
    with start_simulator(TEACHER) as simulator:
        undisturbed.url = simulator.base_url
        assert undisturbed.run() == 0
        total = simulator.stats()["answered"]
    with start_simulator(TEACHER) as simulator:
        disturbed.url = simulator.base_url
        process = disturbed.start()
        while disturbed.answers_kept() < 60:
            time.sleep(0.005)
        process.kill()
        process.communicate()
        kept = disturbed.answers_kept()
        assert disturbed.run() == 0
        assert disturbed.answered() == total - kept
    assert disturbed.datasets() == undisturbed.datasets()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["a scoring process killed", "Ctrl-C in a terminal", "SIGTERM to the whole group"])
def test_several_scoring_processes_end_cleanly_and_a_rerun_goes_on(tmp_path: Path, undisturbed: tuple[bytes, ...], how: str) -> None:
    disturbed = a_job(tmp_path)
    with start_simulator(SLOW_TEACHER) as simulator:
        disturbed.url = simulator.base_url
        command = disturbed.start("--max_concurrency_per_instance=2", "--drain_timeout=60")
        while simulator.stats()["answered"] < 100:
            time.sleep(0.02)
        workers = psutil.Process(command.pid).children(recursive=True)
        assert len(workers) == 2
        if how == "a scoring process killed":
            workers[0].kill()
        else:  # a terminal, or Slurm and systemd
            for process in (*workers, psutil.Process(command.pid)):
                process.send_signal(signal.SIGINT if how == "Ctrl-C in a terminal" else signal.SIGTERM)
        output, _ = command.communicate(timeout=300)
        assert command.returncode == 130, output
        assert ("a scoring process died" in output) == (how == "a scoring process killed")
        assert "Traceback" not in output
        assert disturbed.datasets() in ((), undisturbed[:1])  # on a busy machine train may be complete before the stop is seen
        kept = disturbed.answers_kept()
        assert disturbed.run() == 0
        assert disturbed.answered() == ROWS - kept
        if how != "a scoring process killed":
            assert simulator.stats()["repeats"] == 0
    assert disturbed.datasets() == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("example", ["own_pipeline.py", "from_python.py"])
def test_the_examples_run(tmp_path: Path, example: str) -> None:
    with start_simulator() as simulator:
        ended = run(
            [sys.executable, str(ROOT / "examples" / example), simulator.base_url, str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert ended.returncode == 0, ended.stderr
    assert "example: " in ended.stdout or "PUBLISHED" in ended.stdout


@pytest.mark.fault("N7")
@pytest.mark.parametrize("example", ["own_pipeline.py", "from_python.py"])
def test_an_example_without_arguments_says_how_it_is_called(example: str) -> None:
    ended = run([sys.executable, str(ROOT / "examples" / example)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert f"usage: python examples/{example} TEACHER_URL " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_demo_says_how_it_is_called(tmp_path: Path) -> None:
    ended = run([sys.executable, str(ROOT / "examples" / "demo.py"), "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0
    assert "[FOLDER]" in ended.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.fault("N31")
def test_the_demo_runs(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py"), str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("published: train") == len(TaskType)
    assert ended.stderr == ""
    assert "SIMULATED" in ended.stdout
    assert "on purpose" in ended.stdout
    assert "1 rejects" not in ended.stdout
    for named in ("report.html", "train.handoff", "rejects.jsonl"):
        assert named in ended.stdout
    for task in ("math", "nli", "nlu_qa", "summarization"):
        right = {messages[-2]["content"]: messages[-1]["content"] for messages in chats(ROOT / "examples" / task / "train.jsonl")}
        published = chats(tmp_path / task / "train.jsonl")
        assert published
        assert all(messages[-1]["content"] == right[messages[-2]["content"]] for messages in published)
        assert (tmp_path / task / "work" / "report.html").is_file()
        assert (tmp_path / task / "train.handoff").is_dir()


def chats(path: Path) -> list[list[dict[str, str]]]:
    return [row["messages"] for row in read_jsonl(path)]


@pytest.mark.fault("N15")
def test_the_guide_says_which_task_suits_ordinary_prompts() -> None:
    page = (ROOT / "docs" / "guides" / "tasks.md").read_text(encoding="utf-8")
    assert "For ordinary prompts, whose answer is any text, use\nCONVERSATION" in page


@pytest.mark.slow
def test_the_first_run_in_the_readme_works_as_pasted(tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## A first run")[1].split("\n## ")[0]
    pasted = section.split("```")[1].strip()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    command = tmp_path / "bin" / "beam-distill"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m beam_distill "$@"\n')
    command.chmod(0o755)
    ended = subprocess.run(
        ["bash", "-c", f"set -e\n{pasted.replace('8000', port)}\nwait"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{command.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    shown = [line for line in section.split("```")[3].strip().splitlines() if not line.startswith("time ")]
    assert [line for line in shown if line not in ended.stdout.splitlines()] == []
    assert "Traceback" not in ended.stderr
