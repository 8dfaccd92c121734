"""One run at a time in a work_dir: the lock of a directory, and the lock file on object storage."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.work_dir.files import fields_of, write_text
from transforms.files.paths import is_remote
from transforms.files.stored import exists, files_for, read_json

log = logging.getLogger("beam_distill")

BEAT_EVERY_S = 20.0
STALE_AFTER_S = 90.0
"""A lock on object storage that was not renewed for this time belongs to a dead run."""


@contextmanager
def locked(work_dir: str) -> Iterator[None]:
    """Hold the work_dir for one run. Raises RunRefused when another run holds it or it cannot be created.

    The operating system locks a directory. Object storage has no locks: a file there is renewed during the run, and two runs
    that start within the same second can both get it.
    """
    with _locked_remote(work_dir) if is_remote(work_dir) else _locked_directory(work_dir):
        yield


@contextmanager
def _locked_directory(work_dir: str) -> Iterator[None]:
    path = Path(work_dir) / "lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        code = ExitCode.STORAGE_FAILED if error.errno in (errno.ENOSPC, errno.EIO) else ExitCode.WRONG_INPUT
        raise RunRefused(code, f"work_dir: {work_dir} cannot be used: {error.strerror}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                log.warning("work_dir: %s has no locks (%s): two simultaneous runs there would not notice each other", work_dir, error.strerror)
                yield
                return
            holder = os.read(handle, 64).decode(errors="replace").strip()
            raise RunRefused(
                ExitCode.WRONG_INPUT,
                f"work_dir: another run (process {holder or 'unknown'}) is working in {work_dir}; wait for it, "
                "or give this run another work_dir",
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


@contextmanager
def _locked_remote(work_dir: str) -> Iterator[None]:
    path = f"{work_dir}/lock.json"
    me = f"process {os.getpid()} on {socket.gethostname()}"
    try:
        found = read_json(path) if exists(path) else None
        if found is not None and time.time() - found["at_s"] < STALE_AFTER_S:
            raise RunRefused(
                ExitCode.WRONG_INPUT,
                f"work_dir: another run ({found['holder']}) is working in {work_dir}; wait for it, or give this run another work_dir. "
                f"If that run was killed, its lock expires {STALE_AFTER_S:.0f} s after its last renewal",
            )
        write_text(path, json.dumps({"holder": me, "at_s": time.time()}))
    except RunRefused:
        raise
    except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own
        raise RunRefused(ExitCode.STORAGE_FAILED, f"work_dir: {work_dir} cannot be used: {type(error).__name__}: {error}") from None
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT_EVERY_S):
            with suppress(Exception):  # tried again at the next beat
                write_text(path, json.dumps({"holder": me, "at_s": time.time()}))

    thread = threading.Thread(target=beat, name="work-dir-lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        files_for(path).remove(path)


def is_held(work_dir: str) -> bool:
    """Whether a run is working in this work_dir now."""
    if is_remote(work_dir):
        found = fields_of(f"{work_dir}/lock.json")
        return found is not None and time.time() - float(found["at_s"]) < STALE_AFTER_S
    try:
        with open(Path(work_dir) / "lock", "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except OSError:
        return False
    return False
