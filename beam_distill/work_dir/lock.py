"""The work_dir, a directory or a place on any filesystem that Beam knows: one run at a time, older datasets out of the way, staging
cleaned up."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.work_dir.files import STALE_AFTER_S, is_remote
from transforms.filesystems import exists

log = logging.getLogger("beam_distill")

BEAT_EVERY_S = 20.0
CONTROL = "control"


def absolute(path: str) -> str:
    """The path without a working directory in it, and without a slash at its end."""
    return path.rstrip("/") if is_remote(path) else str(Path(path).absolute())


@contextmanager
def locked(work_dir: str) -> Iterator[None]:
    """Hold the work_dir for one run. Raises RunRefused when another run holds it or it cannot be made.

    On a directory the lock is the operating system's. Object storage has none: a file there is renewed while the run lasts, and two runs
    that start within the same second are not told apart.
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
                log.warning("work_dir: %s has no locks (%s): two runs there at once would not notice each other", work_dir, error.strerror)
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
        found = json.loads(read_file(path)) if exists(path) else None
        if found is not None and time.time() - found["at_s"] < STALE_AFTER_S:
            raise RunRefused(
                ExitCode.WRONG_INPUT,
                f"work_dir: another run ({found['holder']}) is working in {work_dir}; wait for it, or give this run another work_dir. "
                f"If that run was killed, its lock ends {STALE_AFTER_S:.0f} s after its last sign of life",
            )
        write_file(path, json.dumps({"holder": me, "at_s": time.time()}))
    except RunRefused:
        raise
    except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own
        raise RunRefused(ExitCode.STORAGE_FAILED, f"work_dir: {work_dir} cannot be used: {type(error).__name__}: {error}") from None
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT_EVERY_S):
            with suppress(Exception):  # tried again at the next beat
                write_file(path, json.dumps({"holder": me, "at_s": time.time()}))

    thread = threading.Thread(target=beat, name="work-dir-lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        FileSystems.delete([path])


def read_file(path: str) -> str:
    """A small file as text."""
    with FileSystems.open(path) as file:
        return str(file.read().decode())


def write_file(path: str, text: str) -> None:
    """A small file, whole or not at all. Raises OSError, or what the filesystem raises."""
    if is_remote(path):
        with FileSystems.create(path) as remote:
            remote.write(text.encode())
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".partial")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, target)


def remove_staging(work_dir: str, keep_control: bool = False) -> None:
    """Remove what runs left behind before their files were put in place; ``keep_control`` leaves what their processes told of themselves."""
    if not is_remote(work_dir):
        for run in Path(work_dir, "staging").glob("*"):
            for entry in run.iterdir() if keep_control and run.is_dir() else [run]:
                if keep_control and entry.name == CONTROL:
                    continue
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            Path(work_dir, "staging").rmdir()
        return
    with suppress(Exception):  # only litter, and the next run tries again
        left = [found.path for found in FileSystems.match([f"{work_dir}/staging/**"])[0].metadata_list]
        left = [path for path in left if not (keep_control and f"/{CONTROL}/" in path)]
        if left:
            FileSystems.delete(left)
