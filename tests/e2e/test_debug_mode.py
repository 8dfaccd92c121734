"""debug_mode: a log line per request, with the endpoint's message for a refusal."""

from pathlib import Path

import pytest
from builders import questions
from jobs import Job

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings


@pytest.mark.fault("G20")
def test_a_refusals_words_are_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(faults={"content_filter_400": 1.0})) as simulator:
        job = Job(tmp_path, simulator.base_url)
        job.train(questions(2))
        assert job.run("--debug_mode", "true", "--min_endpoint_success_ratio", "0") == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "attempt 1" in line]
    assert len(lines) == 2
    assert all("content_filtered (" in line and "content management policy" in line and "What is" not in line for line in lines), lines
