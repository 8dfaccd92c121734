"""What the command draws on a terminal."""

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

import pytest
from builders import ROOT, questions
from forked_python import Popen
from jobs import Job

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings

_STYLE = re.compile(rb"\x1b\[([0-9;]*)m")
SLOW = SimulatorSettings(latency=Latency("fixed", mean_ms=100), capacity=Capacity(slots=2))


def on_a_terminal(arguments: list[str], environment: Mapping[str, str], columns: int) -> tuple[int, bytes]:
    """The exit code and the output of the command on a terminal of this width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    unset = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
    inherited = {name: value for name, value in os.environ.items() if name not in unset}
    process = Popen(
        [sys.executable, "-m", "beam_distill", *arguments],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**inherited, "TERM": "xterm-256color", **environment},
        start_new_session=True,
    )
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:  # Linux reports a closed other side like this
        pass
    finally:
        os.close(ours)
    return process.wait(), written


def colours(written: bytes) -> set[int]:
    """The numbers of all used colours, without bold and the like."""
    numbers = {int(number or 0) for style in _STYLE.findall(written) for number in style.split(b";")}
    return {number for number in numbers if 30 <= number <= 38 or 40 <= number <= 48 or 90 <= number <= 107}


@pytest.mark.slow
@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)], ids=["as it is", "NO_COLOR"])
def test_no_color_keeps_the_progress_and_takes_its_colours(tmp_path: Path, environment: dict[str, str], coloured: bool) -> None:
    job = Job(tmp_path)
    job.train(questions(30))
    with start_simulator(SLOW) as simulator:
        job.url = simulator.base_url
        prices = ("--price_per_million_input_tokens=1", "--price_per_million_output_tokens=10")
        code, written = on_a_terminal(job.arguments(*prices), environment, columns=60)
    assert code == 0, written.decode()
    assert "in flight of" in written.decode()
    assert "USD so far" in written.decode()
    assert b"\x1b[?25h" in written  # the live view was there
    assert bool(colours(written)) is coloured
