"""The result of a run does not depend on its output: closed pipes, full devices, encodings without a character."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from builders import ROOT, chat_line, questions
from forked_python import run
from jobs import Job

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings, mixed_faults

ALL_PROSE = SimulatorSettings(faults={"prose": 1.0})


def command(arguments: list[str], environment: Mapping[str, str], **streams: Any) -> "subprocess.CompletedProcess[str]":
    """The command without a shell; ``streams`` are those that are not captured."""
    started = [sys.executable, "-m", "beam_distill", *arguments]
    captured = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return run(started, cwd=ROOT, env={**os.environ, **environment}, text=True, errors="replace", timeout=120, **(captured | streams))


def shell(line: str, arguments: list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    """``line`` in bash, where "$@" is the command with its arguments; a failing part fails the line."""
    command = [sys.executable, "-m", "beam_distill", *arguments]
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}", "bash", *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )


def spoilt_run(folder: Path, start: Callable[[list[str]], "subprocess.CompletedProcess[str]"]) -> "subprocess.CompletedProcess[str]":
    """A run below the minimum, and what does not depend on its output."""
    job = Job(folder)
    job.train(questions(20))
    with start_simulator(ALL_PROSE) as simulator:
        job.url = simulator.base_url
        ended = start(job.arguments("--enable_chain_of_thought"))
        assert simulator.stats()["answered"] == 20
    assert ended.returncode == 3, ended.stderr
    assert job.record()["exit_code"] == 3
    assert "defect" not in (ended.stdout or "") + (ended.stderr or "")
    return ended


@pytest.mark.slow
@pytest.mark.fault("X-C9", "A14")
@pytest.mark.parametrize("line", ['"$@" | true', '"$@" >&-', '"$@" 2>&-', '"$@" <&- >&- 2>&-'])
def test_a_run_is_done_and_its_exit_code_is_its_own(tmp_path: Path, line: str) -> None:
    ended = spoilt_run(tmp_path, lambda arguments: shell(line, arguments))
    assert "standard output cannot be written" not in ended.stderr


@pytest.mark.fault("X-C9", "A14")
@pytest.mark.parametrize("lost", [("stdout",), ("stderr",), ("stdout", "stderr")], ids=" and ".join)
def test_a_run_without_room_for_its_output_is_done(tmp_path: Path, lost: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        ended = spoilt_run(tmp_path, lambda arguments: command(arguments, {}, **dict.fromkeys(lost, full)))
    assert ("standard output cannot be written: No space left" in (ended.stderr or "")) == (lost == ("stdout",))


@pytest.mark.fault("X-C9", "A14")
def test_a_run_whose_reader_has_gone_is_done(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        spoilt_run(tmp_path, lambda arguments: command(arguments, {}, stdout=write, stderr=write))
    finally:
        os.close(write)


@pytest.mark.slow
@pytest.mark.fault("A14")
def test_a_closed_standard_error_is_not_the_next_file_that_is_opened(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.train(questions(20))
    with start_simulator(SimulatorSettings(faults=mixed_faults(0.3))) as simulator:
        job.url = simulator.base_url
        ended = shell('"$@" 2>&-', job.arguments("--min_endpoint_success_ratio=0", "--debug_mode", "--report=true"))
    assert ended.returncode == 0, ended.stdout
    assert (job.work_dir / "report.html").is_file()
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--min_endpoint_success_ratio=0") == 0  # the ledger can be read


@pytest.mark.slow
@pytest.mark.fault("D23", "M5")
@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii"}], ids=["cp1252", "ascii"])
def test_characters_that_the_terminal_lacks_are_escaped(tmp_path: Path, environment: dict[str, str]) -> None:
    job = Job(tmp_path / "köln 😀", task="CONVERSATION")
    job.train([chat_line(("user", "Wie heißt 東京 auf Deutsch? 😀")) for _ in range(3)])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        check = command(["check", *job.arguments("--sample_request")[1:]], environment)
        assert check.returncode == 0, check.stderr
        assert "\\u6771" in check.stdout, check.stderr
        assert "Traceback" not in check.stderr, check.stderr
        prices = ("--currency=€", "--price_per_million_output_tokens=1", "--price_per_million_input_tokens=1")
        ended = command(job.arguments(*prices, "--report=true"), environment)
    assert ended.returncode == 0, ended.stderr
    assert "\\U0001f600" in ended.stdout, ended.stderr
    assert job.record()["exit_code"] == 0
    assert (job.work_dir / "report.html").is_file()
    assert "report  " in ended.stdout
    exported = run(
        [sys.executable, "-m", "beam_distill", "ledger", str(job.work_dir), "--export", "-"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=60,
    )
    records: list[dict[str, Any]] = [json.loads(line) for line in exported.stdout.decode("utf-8").splitlines()]
    assert len(records) == 3
    assert "東京" in json.dumps(records, ensure_ascii=False)


@pytest.mark.fault("X-C9")
def test_the_reader_of_an_export_may_stop_and_a_full_disk_is_reported(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.train(questions(200))
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
    export = ["ledger", str(job.work_dir), "--export", "-"]
    assert shell('"$@" | head -n 1', export).returncode == 0
    full = shell('"$@" > /dev/full', export)
    assert full.returncode == 5
    assert "No space left" in full.stderr
    assert "Traceback" not in full.stderr


@pytest.mark.fault("X-D")
def test_ctrl_c_while_python_tidies_up_leaves_no_traceback() -> None:
    text = (
        "import atexit, os, signal, sys\nfrom beam_distill.cli.main import main\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\nsys.argv[1:] = ['--version']\nsys.exit(main())"
    )
    ended = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
