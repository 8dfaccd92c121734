"""``Popen`` and ``run`` as in ``subprocess``, for Python commands of the tests: forked from a process that has imported Beam and our code.

A start and an end take a hundredth of a second of CPU instead of two, and Beam keeps what it asks again (quick_beam.py). The rest is as with
``subprocess``: a process of its own, a child of the test, with its arguments, environment, folder and streams, which gets real signals and
ends with a real exit code. What only an interpreter's start reads (``PYTHON*``, the locale) is as it was for the process that forks, and what
an interpreter prints while it takes its modules apart is not printed: tests of these, and of the start itself, use ``subprocess``.
"""

from __future__ import annotations

import ctypes
import functools
import inspect
import json
import os
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, SubprocessError, TimeoutExpired
from typing import Any

from builders import ROOT

__all__ = ["DEVNULL", "PIPE", "Popen", "SubprocessError", "TimeoutExpired", "run"]

_PROGRAM = Path(__file__).with_name("forking_python.py")
_PR_SET_CHILD_SUBREAPER = 36
_LARGEST_BYTES = 1 << 20
_APPLIED = ("PYTHONPATH", "PYTHONIOENCODING")
"""What an interpreter's start reads and a forked process applies as well."""


class Popen(subprocess.Popen[Any]):
    """A process of ``sys.executable``: the command's first word, followed by ``-m``, ``-c`` or the path of a script."""

    def _execute_child(self, *given: Any) -> None:
        """What ``subprocess.Popen`` calls to start the process."""
        start = super()._execute_child  # type: ignore[misc]
        if sys.platform != "linux":
            start(*given)
            return
        wanted = inspect.signature(start).bind(*given).arguments
        arguments = shlex.split(wanted["args"].removeprefix("exec ")) if wanted["shell"] else [os.fsdecode(word) for word in wanted["args"]]
        given_environment = os.environ if wanted["env"] is None else wanted["env"]
        environment = {os.fsdecode(name): os.fsdecode(value) for name, value in given_environment.items()}
        _check(arguments, environment, _forking().environment)
        request = {"arguments": arguments[1:], "environment": environment, "new_session": wanted["start_new_session"]}
        streams = [wanted[name] if wanted[name] != -1 else number for number, name in enumerate(("p2cread", "c2pwrite", "errwrite"))]
        folder = os.open(wanted["cwd"] or ".", os.O_PATH | os.O_DIRECTORY)
        try:
            self.pid = _forking().fork(json.dumps(request).encode(), [*streams, folder])
        finally:
            os.close(folder)
        self._child_created = True
        pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(wanted[name] for name in pipes))  # type: ignore[attr-defined]


def run(command: list[str], *, input: Any = None, timeout: float | None = None, **options: Any) -> subprocess.CompletedProcess[Any]:
    """As ``subprocess.run``."""
    if input is not None:
        options["stdin"] = PIPE
    if options.pop("capture_output", False):
        options["stdout"] = options["stderr"] = PIPE
    with Popen(command, **options) as process:
        try:
            out, errors = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, errors)


def forkable(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with those variables that only an interpreter's start reads as forked processes have them."""
    kept = {name: value for name, value in environment.items() if not _of_the_start(name)}
    return kept | {name: value for name, value in _forking().environment.items() if _of_the_start(name)}


def _of_the_start(name: str) -> bool:
    return name.startswith(("PYTHON", "LC_", "LANG")) and name not in _APPLIED


def _check(arguments: list[str], environment: dict[str, str], forking: dict[str, str]) -> None:
    """Raises ValueError for a start that needs an interpreter of its own."""
    if arguments[0] != sys.executable or (arguments[1].startswith("-") and arguments[1] not in ("-m", "-c")):
        raise ValueError(f"use subprocess: this is no module, text or script for {sys.executable}: {arguments[:3]}")
    changed = {name for name in {*environment, *forking} if environment.get(name) != forking.get(name)}
    if other := sorted(filter(_of_the_start, changed)):
        raise ValueError(f"use subprocess: only the start of an interpreter reads {', '.join(other)}")


class _Forking:
    """The process that forks. It ends with this one."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self._asking = threading.Lock()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGEST_BYTES)
        # one thread when it forks: these libraries start some at their import
        alone = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
        with theirs:
            command = [sys.executable, str(_PROGRAM), str(theirs.fileno())]
            environment = {**self.environment, **alone}
            environment.pop("PYTHONPATH", None)
            self._process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)

    def fork(self, request: bytes, descriptors: list[int]) -> int:
        """The id of a new process, which has the descriptors as its streams and folder. It handles signals as Python does at its start."""
        with self._asking, _parent_of_orphans():
            socket.send_fds(self._channel, [request], descriptors)
            pid = self._channel.recv(64)
        if not pid:
            raise RuntimeError(f"the process that forks has ended with {self._process.wait()}")
        return int(pid)


@contextmanager
def _parent_of_orphans() -> Iterator[None]:
    """Linux gives this process the child of a process below it that ends."""
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


_forking = functools.cache(_Forking)
