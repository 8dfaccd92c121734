"""Concurrent runs that watch their scoring processes restore the hook for threads, whichever ends first."""

import threading
from contextlib import ExitStack
from pathlib import Path

from beam_distill.runners.local_workers import local_workers_watched


def test_the_hook_for_threads_is_restored(tmp_path: Path) -> None:
    before = threading.excepthook
    first, second = ExitStack(), ExitStack()
    first.enter_context(local_workers_watched(str(tmp_path / "a"), 0.1))
    second.enter_context(local_workers_watched(str(tmp_path / "b"), 0.1))
    first.close()
    assert threading.excepthook is not before
    second.close()
    assert threading.excepthook is before
