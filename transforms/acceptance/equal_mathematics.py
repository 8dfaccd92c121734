"""Whether two texts state the same mathematics: math-verify, in a process of its own.

It bounds its time by a signal, which is nothing off the main thread, and some expressions take it minutes and all memory. Here the system
ends the process that takes more CPU than it may, and the next comparison starts another one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import threading
from functools import lru_cache

CPU_S = 5.0
"""For one comparison; nearly all take less than a tenth. CPU and not time, so that a busy machine decides no differently."""
MEMORY_BYTES = 2 << 30
_HANGS_S = 600.0
_LONGEST = 10_000
"""Characters of a text that are read, from its end: there a worked solution has its result."""


@lru_cache(maxsize=4096)
def difference(answer: str, label: str) -> str | None:
    """Why an answer is not known to state what a label does; None if it does. Rows are compared when counted and again when written."""
    return _OWN.compare(answer[-_LONGEST:], label[-_LONGEST:])


class _Comparer:
    """Starts the process with the first comparison."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def compare(self, answer: str, label: str) -> str | None:
        with self._lock:
            if self._process is None or self._owner != os.getpid():  # a forked child has its parent's object and not its process
                self._process, self._owner = _start(), os.getpid()
            said = _ask(self._process, answer, label)
            if said is not None:
                return said or None
            self._process.kill()
            code = self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # what the process did not read
                        pipe.close()
            self._process = None
        if code == -signal.SIGPROF:
            return f"comparing them takes more than {CPU_S:g} s"
        return f"they could not be compared (the process for it ended with {code})"


_OWN = _Comparer()


def _start() -> subprocess.Popen[bytes]:
    code = f"from {__name__} import serve; serve()"
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )


def _ask(process: subprocess.Popen[bytes], answer: str, label: str) -> str | None:
    """The process's finding, empty if both are the same; None if it ended or hangs."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError), selectors.DefaultSelector() as waiting:
        process.stdin.write(json.dumps([answer, label]).encode() + b"\n")
        process.stdin.flush()
        waiting.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if waiting.select(_HANGS_S) else b""
        if line:
            return str(json.loads(line))
        process.wait(1.0) if process.poll() is None and not line else None
    return None


# In the process


def serve() -> None:
    """Compare the pairs on standard input, a JSON list a line, until it ends; a finding as JSON for each, empty if they are the same."""
    # late: keeps math-verify out of the start
    from math_verify import parse, verify

    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print
    _bound_memory()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C at the terminal is for the run
    for line in sys.stdin.buffer:
        answer, label = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, CPU_S)
        try:
            wanted, given = (parse(as_mathematics(text), parsing_timeout=None) for text in (label, answer))
            if not wanted or not given:
                said = f"the {'answer' if wanted else 'label'} states no mathematics that can be read"
            else:
                said = "" if verify(wanted, given, timeout_seconds=None) else "they state different results"
        except Exception as error:  # noqa: BLE001 - an expression may raise anything, also for want of memory
            said = f"they could not be compared ({type(error).__name__})"
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        out.write(json.dumps(said).encode() + b"\n")
        out.flush()


def _bound_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


_DELIMITED = re.compile(r"\$|\\[(\[]|boxed|\n")
_WORDS = re.compile(r"[A-Za-z]{3,}")
_COMMANDS = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\{[^{}]*\}|\\[A-Za-z]+")


def as_mathematics(text: str) -> str:
    """A short text that is only an expression, marked as one: unmarked, math-verify takes its last number."""
    text = text.strip()
    if len(text) > 200 or _DELIMITED.search(text) or _WORDS.search(_COMMANDS.sub("", text)):
        return text
    return f"${text}$"
