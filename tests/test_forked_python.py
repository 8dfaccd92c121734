"""A forked process is to a test what a started one is."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from builders import ROOT
from forked_python import Popen, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are started, not forked")

STATE = """
import json, os, sys, time
from process_state import process_state
by_imports = ("warnings", "at exit", "Beam's filesystems", "logging", "threads", "streams")  # what imports change, and objects
state = {name: value for name, value in process_state().items() if name not in by_imports}
state["garbage"] = state["garbage"][:2]
for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
    state[number] = (stream.name, stream.encoding, stream.errors, stream.line_buffering, stream.write_through, stream.isatty())
state["original streams"] = (sys.stdin, sys.stdout, sys.stderr) == (sys.__stdin__, sys.__stdout__, sys.__stderr__)
state["root logger"] = process_state()["logging"]["root"]
state["input"] = sys.stdin.read()
state["module"] = (__name__, sys.modules["__main__"].__name__)
state["family"] = (os.getppid(), os.getpgid(0) == os.getpid(), os.getsid(0) == os.getpid())
state["threads"] = len(os.listdir("/proc/self/task"))
state["descriptors"] = sorted(os.listdir("/proc/self/fd"))
state["time zone"] = time.tzname
print(json.dumps({str(name): repr(value).split(" at 0x")[0] for name, value in state.items()}))
print("é", file=sys.stderr)
"""
KINDS = {"text": ("-c", STATE), "script": ("state.py",), "module": ("-m", "state")}


@pytest.mark.parametrize("new_session", [False, True], ids=["session of the tests", "new session"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_process_finds_the_same_state_forked_or_started(tmp_path: Path, kind: str, new_session: bool) -> None:
    (tmp_path / "state.py").write_text(STATE, encoding="utf-8")
    command = [sys.executable, *KINDS[kind], "a", "b c"]
    path = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    options: dict[str, Any] = {
        "cwd": tmp_path,
        "env": {**os.environ, "PYTHONPATH": path, "TZ": "Asia/Tokyo", "OWN": "ö", "PYTHONIOENCODING": "latin-1"},
        "input": "é",
        "capture_output": True,
        "encoding": "latin-1",
        "start_new_session": new_session,
    }
    started, forked = subprocess.run(command, **options), run(command, **options)
    assert started.stderr == "é\n"
    assert (forked.stderr, forked.returncode) == (started.stderr, started.returncode)
    found, expected = json.loads(forked.stdout), json.loads(started.stdout)
    assert {name: (found.get(name), text) for name, text in expected.items() if found.get(name) != text} == {}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("pass", 0, ""),
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit('seven')", 1, "seven"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
        ("import atexit, sys; atexit.register(print, 'at exit', file=sys.stderr); sys.exit(2)", 2, "at exit"),
        ("import threading; threading.Timer(0.1, lambda: __import__('os').write(2, b'a thread')).start()", 0, "a thread"),
        ("import sys; sys.exit(-1)", 255, ""),
        ("import sys; sys.exit(300)", 44, ""),
        ("import sys; sys.exit([7])", 1, "[7]"),
        ("import os; os._exit(9)", 9, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV, ""),
    ],
)
def test_a_process_ends_as_a_started_one(text: str, code: int, said: str) -> None:
    ended = run([sys.executable, "-c", text], capture_output=True, text=True)
    assert ended.returncode == code
    assert (ended.stderr.splitlines() or [""])[-1] == said


@pytest.mark.parametrize("last", ["pass", "sys.exit(3)"])
def test_output_that_nobody_reads_ends_a_process_as_a_started_one(last: str) -> None:
    text = f"import sys; sys.stdout = open(1, 'w'); print('lost'); {last}"  # buffered, whatever the environment says
    for start in (subprocess.run, run):
        reading, writing = os.pipe()
        os.close(reading)
        ended = start([sys.executable, "-c", text], stdout=writing, stderr=subprocess.PIPE, text=True)
        os.close(writing)
        assert ended.returncode == 120
        assert ended.stderr.splitlines()[-1] == "BrokenPipeError: [Errno 32] Broken pipe"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_process_gets_signals_from_its_first_moment_on(number: signal.Signals) -> None:
    process = Popen([sys.executable, "-c", "import time; time.sleep(100)"], stderr=subprocess.PIPE, text=True)
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == -number
    assert ("KeyboardInterrupt" in said) == (number is signal.SIGINT)


def test_a_process_can_be_stopped_and_is_a_child_of_the_test() -> None:
    process = Popen([sys.executable, "-c", "import time; time.sleep(100)"], start_new_session=True)
    found = psutil.Process(process.pid)
    assert found.parent() == psutil.Process()
    assert process.poll() is None
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    assert found.status() == psutil.STATUS_STOPPED
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not psutil.pid_exists(process.pid)


def test_what_only_an_interpreter_reads_at_its_start_is_refused() -> None:
    for option in ("-S", "-Ximporttime"):
        with pytest.raises(ValueError, match="use subprocess"):
            Popen([sys.executable, option, "-c", "pass"])
    with pytest.raises(ValueError, match="use subprocess"):
        Popen(["bash", "-c", "true"])
    with pytest.raises(ValueError, match="reads LC_ALL, PYTHONUTF8$"):
        Popen([sys.executable, "-c", "pass"], env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"})


def test_a_folder_that_does_not_exist_is_reported_as_by_subprocess(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Popen([sys.executable, "-c", "pass"], cwd=tmp_path / "none")


def test_a_process_is_a_child_of_the_test_from_its_first_moment_on() -> None:
    text = "import os, time; first = os.getppid(); time.sleep(0.2); print(first, os.getppid())"
    for _ in range(5):
        ended = run([sys.executable, "-c", text], capture_output=True, text=True)
        assert ended.stdout.split() == [str(os.getpid())] * 2
