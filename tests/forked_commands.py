"""``beam-distill`` for scripts that tests run: a small program that has the test start the command, forked (forked_python.py)."""

from __future__ import annotations

import itertools
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from builders import ROOT
from forked_python import Popen, forkable

_LARGEST_BYTES = 1 << 20
_NUMBERS = itertools.count()
_PROGRAM = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
    asking.connect({address!r})
    wanted = {{"arguments": sys.argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}}
    socket.send_fds(asking, [json.dumps(wanted).encode()], [0, 1, 2])
    sys.exit(int(asking.recv(16)))
"""


@contextmanager
def forked_command(path: Path) -> Iterator[None]:
    """While it lasts, the program at ``path`` is the command: its streams, folder, environment and exit code, in a process of its own.

    Signals to the program do not reach that process, which ends at the latest with this context.
    """
    if sys.platform != "linux":
        path.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m beam_distill "$@"\n', encoding="utf-8")
        path.chmod(0o755)
        yield
        return
    address = f"\0beam-distill-tests-{os.getpid()}-{next(_NUMBERS)}"
    path.write_text(_PROGRAM.format(python=sys.executable, address=address), encoding="utf-8")
    path.chmod(0o755)
    running: list[Popen] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen()
        thread = threading.Thread(target=_serve, args=(listening, running))
        thread.start()
        try:
            yield
        finally:
            with suppress(OSError):  # closed, if a command could not be started
                listening.shutdown(socket.SHUT_RDWR)
            for process in running:
                process.kill()
            thread.join()


def _serve(listening: socket.socket, running: list[Popen]) -> None:
    """One command after the other, as scripts run them."""
    with listening:  # also where this fails: a script must not wait for it
        while _served(listening, running):
            pass


def _served(listening: socket.socket, running: list[Popen]) -> bool:
    """Run the next command. False when no more are wanted."""
    try:
        asking, _ = listening.accept()
    except OSError:  # shut down
        return False
    with asking, suppress(BrokenPipeError):  # a script may be killed before its command ends
        said, streams, _, _ = socket.recv_fds(asking, _LARGEST_BYTES, 3)
        wanted = json.loads(said)
        environment = {**forkable(wanted["environment"]), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "beam_distill", *wanted["arguments"]]
        stdin, stdout, stderr = streams
        running.append(Popen(command, cwd=wanted["folder"], env=environment, stdin=stdin, stdout=stdout, stderr=stderr))
        for stream in streams:
            os.close(stream)
        asking.send(str(running[-1].wait()).encode())
    return True
