"""The process that forks for forked_python.py: ``python forking_python.py DESCRIPTOR`` with the descriptor of a socket.

It imports what commands import and starts no thread. The forked process returns from ``serve`` and then does what an interpreter does with its
arguments, to its own end.
"""

from __future__ import annotations

import atexit
import codecs
import gc
import importlib
import io
import json
import logging
import os
import pkgutil
import runpy
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

from quick_beam import keep_what_beam_asks_again

_LARGEST_BYTES = 1 << 20
_PATHS_OF_PYTHON = sys.path[1:]
_OURS = ("beam_distill", "transforms")
_LATE = ("apache_beam.runners.portability.fn_api_runner", "apache_beam.runners.worker.sdk_worker_main")
"""What ours import inside functions."""
_OF_REPORTS = ("matplotlib.figure", "matplotlib.backends.backend_svg")


def load() -> None:
    """Import every module of ours, and so Beam; then leave nothing to collect, so that forked processes share it."""
    folders = {name: importlib.import_module(name).__path__ for name in _OURS}
    names = [module.name for name, folder in folders.items() for module in pkgutil.walk_packages(folder, f"{name}.")]
    for name in (*names, *_LATE, *_OF_REPORTS):
        if not name.endswith("__main__"):
            importlib.import_module(name)
    logging.root.handlers.clear()  # Beam logs while it is imported
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        raise RuntimeError(f"{threads} threads after the imports: a forked process would have their locks and not them")
    keep_what_beam_asks_again()
    gc.collect()
    gc.freeze()


def serve(channel: socket.socket) -> list[str]:
    """Fork for every request. Returns in each forked process, with its arguments, and ends this one when the tests have ended."""
    while True:
        request, received, _, _ = socket.recv_fds(channel, _LARGEST_BYTES, 4)
        if not request:
            os._exit(0)
        orphaned, report = os.pipe()
        between = os.fork()
        if between == 0:
            if os.fork():
                os._exit(0)
            os.read(orphaned, 1)  # from here on its parent is the process of the tests
            for descriptor in (orphaned, report):
                os.close(descriptor)
            return become(json.loads(request), received, channel)
        os.waitpid(between, 0)
        os.write(report, b"x")
        for descriptor in (*received, orphaned, report):
            os.close(descriptor)


def become(wanted: dict[str, Any], received: list[int], channel: socket.socket) -> list[str]:
    """Take on the environment, the folder, the streams and the signals of a new process, and report it. Returns its arguments."""
    *streams, folder = received
    if wanted["new_session"]:
        os.setsid()
    os.fchdir(folder)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for descriptor in received:
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    time.tzset()
    tempfile.tempdir = None
    sys.stdin, sys.stdout, sys.stderr = _streams(os.environ.get("PYTHONIOENCODING", ""))
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    gc.enable()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    channel.send(str(os.getpid()).encode())
    channel.close()
    arguments: list[str] = wanted["arguments"]
    return arguments


def _streams(encoding: str) -> Iterator[Any]:
    """Standard input, output and error as Python's start opens them."""
    name, _, errors = encoding.partition(":")
    for number, ours in enumerate((sys.__stdin__, sys.__stdout__, sys.__stderr__)):
        assert ours is not None
        unbuffered = ours.write_through
        file = io.FileIO(number, "w" if number else "r", closefd=False)
        file.name = ours.name
        yield io.TextIOWrapper(
            io.BufferedReader(file) if number == 0 else file if unbuffered else io.BufferedWriter(file),
            codecs.lookup(name or ours.encoding).name,
            "backslashreplace" if number == 2 else errors or ("strict" if name else ours.errors),
            newline="\n",
            line_buffering=not unbuffered and (number == 2 or file.isatty()),
            write_through=unbuffered,
        )


def execute(arguments: list[str]) -> None:
    """What ``python ARGUMENTS`` executes, as ``__main__``."""
    kind, *others = arguments
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[1:] = dict.fromkeys([*filter(None, paths), *_PATHS_OF_PYTHON])
    if kind == "-m":
        sys.path[0], sys.argv[:] = os.getcwd(), others
        if not hasattr(sys.modules.get(others[0]), "__path__"):
            sys.modules.pop(others[0], None)  # it is executed, not imported
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.path[0], sys.argv[:] = "", ["-c", *others[1:]]
        exec(compile(others[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.path[0], sys.argv[:] = os.path.dirname(os.path.abspath(kind)), arguments
        runpy.run_path(kind, run_name="__main__")


def end(code: int) -> None:
    """End as an interpreter does, but do not take every module apart: for a forked process that is 0.12 s of CPU."""
    threading._shutdown()  # type: ignore[attr-defined] # waits for threads
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # its report, and its exit code, are Python's own
        sys.exit(code)
    os._exit(code & 0xFF)


if __name__ == "__main__":
    sys.path.insert(1, os.getcwd())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C at the terminal is for the tests
    load()
    try:
        execute(serve(socket.socket(fileno=int(sys.argv[1]))))
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        end(ended.code or 0)
    end(0)
