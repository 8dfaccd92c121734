"""``distill()`` as a library function: in scripts, threads and event loops, with progress, warnings and Ctrl-C."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from builders import ROOT, questions, write_rows
from forked_python import Popen

from beam_distill import ExitCode, ProgressView, RunRefused, RunResult, SettingsError, distill
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings


def inputs(folder: Path, url: str, **more: Any) -> dict[str, Any]:
    """The inputs of a small job with its files in ``folder``."""
    rows = folder / "rows.jsonl"
    if not rows.exists():
        write_rows(rows, questions(12))
    return {
        "data_generation_task_type": "MATH",
        "train_file_path": rows,  # a pathlib.Path, as many have it
        "generated_batch_train_file_path": folder / "out" / "train.jsonl",
        "teacher_model_endpoint_url": url,
        "teacher_model_max_new_tokens": 64,
        "report": False,
        **more,
    }


@pytest.mark.fault("N1", "D7")
def test_it_works_inside_a_running_event_loop_and_beside_one(tmp_path: Path) -> None:
    async def program(url: str) -> tuple[RunResult, RunResult]:
        here = distill(**inputs(tmp_path / "here", url))
        return here, await asyncio.to_thread(distill, **inputs(tmp_path / "beside", url))

    with start_simulator() as simulator:
        for result in asyncio.run(program(simulator.base_url)):
            assert result.ok
            assert result.verdict is not None
            assert result.verdict.splits[0].tally.examples == 12


@pytest.mark.fault("N7")
def test_what_is_returned_says_what_happened_in_a_line_a_page_and_a_cell(tmp_path: Path) -> None:
    with start_simulator() as simulator:
        result = distill(**inputs(tmp_path, simulator.base_url, report=True))
    dataset = str(tmp_path / "out" / "train.jsonl")
    assert isinstance(result, RunResult)
    assert result.exit_code is ExitCode.PUBLISHED
    assert dataset in repr(result)
    assert "train 12 examples" in repr(result)
    assert len(repr(result)) < 400
    assert "train: 12 rows in = 12 examples + 0 rejects" in str(result)
    assert dataset in str(result)
    assert "12 rows in" in result._repr_html_()
    assert "<script" not in result._repr_html_()
    assert result.report_path is not None
    assert Path(result.report_path).is_file()


@pytest.mark.fault("N7")
def test_warnings_belong_to_the_command_and_name_keywords_without_dashes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = inputs(tmp_path, "http://127.0.0.1:9")
    del given["teacher_model_max_new_tokens"]
    logging.getLogger("beam_distill").propagate = True
    with caplog.at_level(logging.WARNING, logger="beam_distill"), pytest.raises(RunRefused, match="cannot be reached"):
        distill(**given, first_answer_patience=0.2)
    assert "teacher_model_max_new_tokens is unset" in caplog.text
    with pytest.raises(SettingsError, match=r"teacher_model_endpont_url \(keyword argument\): no such setting; did you mean"):
        distill(**given, teacher_model_endpont_url="x")
    with pytest.raises(SettingsError, match="detach"):
        distill(**given, detach=True)


@pytest.mark.fault("N7")
def test_a_program_can_show_progress_itself(tmp_path: Path) -> None:
    seen: list[ProgressView] = []
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=300), capacity=Capacity(slots=4))) as simulator:
        distill(**inputs(tmp_path, simulator.base_url), progress=seen.append)
    assert len(seen) >= 3
    assert seen[-1].splits[0].done == 12
    assert seen[-1].left_s is None
    assert [view.splits[0].done for view in seen] == sorted(view.splits[0].done for view in seen)


@pytest.mark.fault("N7")
def test_progress_that_fails_is_reported_and_the_run_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def broken(view: ProgressView) -> None:
        raise ValueError("my own mistake")

    logging.getLogger("beam_distill").propagate = True
    with start_simulator() as simulator, caplog.at_level(logging.WARNING, logger="beam_distill"):
        assert distill(**inputs(tmp_path, simulator.base_url), progress=broken).ok
    assert "my own mistake" in caplog.text


@pytest.mark.fault("N6", "X-C11")
def test_two_runs_in_threads_of_one_process_both_succeed(tmp_path: Path) -> None:
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=150), capacity=Capacity(slots=6))) as simulator:
        write_rows(tmp_path / "long" / "rows.jsonl", questions(60))
        with ThreadPoolExecutor(2) as pool:
            long = pool.submit(distill, **inputs(tmp_path / "long", simulator.base_url))
            short = pool.submit(distill, **inputs(tmp_path / "short", simulator.base_url))
            counts = [len(Path(job.result(120).datasets["train"]).read_text().splitlines()) for job in (long, short)]
        assert counts == [60, 12]
        assert simulator.stats()["answered"] == 72


def run_script(folder: Path, text: str, *before: str, start: type["subprocess.Popen[str]"] = subprocess.Popen) -> "subprocess.Popen[str]":
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "script.py").write_text(text, encoding="utf-8")
    command = [sys.executable, *before, str(folder / "script.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return start(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def call(folder: Path, url: str, **more: Any) -> str:
    """A call of distill() with these inputs, as text."""
    return f"distill(**{ {name: str(value) if isinstance(value, Path) else value for name, value in inputs(folder, url, **more).items()}!r})"


@pytest.mark.slow
@pytest.mark.fault("N7")
def test_a_script_that_calls_it_prints_nothing_more(tmp_path: Path) -> None:
    with start_simulator() as simulator:
        text = f"from beam_distill import distill\nresult = {call(tmp_path, simulator.base_url)}\nprint(result.ok)\n"
        out, errors = run_script(tmp_path, text).communicate(timeout=120)
    assert (out, errors) == ("True\n", "")


@pytest.mark.slow
@pytest.mark.fault("N1")
def test_it_works_in_an_ipython_shell_without_pandas(tmp_path: Path) -> None:
    with start_simulator() as simulator:
        text = (
            "import sys\nsys.modules['pandas'] = None\nfrom IPython import get_ipython\nassert get_ipython() is not None\n"
            f"from beam_distill import distill\nprint({call(tmp_path, simulator.base_url)}.ok)\n"
            "print('apache_beam.runners.interactive' in sys.modules)\n"
        )
        process = run_script(tmp_path, text, "-m", "IPython", "--quick", "--colors=NoColor")
        out, errors = process.communicate(timeout=120)
    assert out.split() == ["True", "False"], out + errors


STOPPED = """
import sys
from beam_distill import distill
try:
    result = {call}
    print("went on", result.exit_code)
except KeyboardInterrupt:
    print("KeyboardInterrupt")
"""


@pytest.mark.slow
@pytest.mark.fault("N7")
def test_a_second_ctrl_c_waits_for_nothing(tmp_path: Path) -> None:
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=200_000))) as simulator:
        process = run_script(tmp_path, STOPPED.format(call=call(tmp_path, simulator.base_url, drain_timeout=200)), start=Popen)
        while simulator.stats()["in_flight"] < 5:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert any("for answers in flight" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=150)
    assert (out, process.returncode) == ("KeyboardInterrupt\n", 0), errors  # the program may filter Beam's log messages about it


@pytest.mark.slow
@pytest.mark.fault("N7")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_drains_and_then_does_what_it_does_to_any_program(tmp_path: Path, number: signal.Signals) -> None:
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=1500), capacity=Capacity(slots=5))) as simulator:
        write_rows(tmp_path / "rows.jsonl", questions(40))
        process = run_script(tmp_path, STOPPED.format(call=call(tmp_path, simulator.base_url, max_worker_count=5)), start=Popen)
        while simulator.stats()["in_flight"] < 5:
            time.sleep(0.02)
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
        answered = simulator.stats()["answered"]
    if number == signal.SIGINT:
        assert (out, process.returncode) == ("KeyboardInterrupt\n", 0), errors
    else:
        assert (out, process.returncode) == ("", -signal.SIGTERM), errors
    record = json.loads((tmp_path / "out" / "train.beam_distill" / "run.json").read_text())
    assert record["outcome"] == "interrupted"
    assert 5 <= answered == record["metrics"]["requests_answered"]
    assert "for answers in flight" in errors
    assert "Traceback" not in errors
