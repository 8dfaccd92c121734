"""The scoring processes of the command: how they start, and who watches them."""

import json
import shlex
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from beam_distill.runners import unused_storage
from beam_distill.runners.local_workers import local_workers_watched, worker_command
from beam_distill.runners.unused_storage import leave_out, leave_out_unused_storage

AZURE = "apache_beam.io.azure.blobstoragefilesystem"


@pytest.mark.parametrize(("texts", "kept_out"), [(["/data"], {AZURE, "bson"}), (["/data", "azfs://account/container"], {"bson"})])
def test_a_process_loads_no_storage_client_that_its_command_does_not_need(
    monkeypatch: pytest.MonkeyPatch, texts: list[str], kept_out: set[str]
) -> None:
    monkeypatch.setattr(unused_storage, "sys", SimpleNamespace(modules={}))
    leave_out_unused_storage(texts)
    words = shlex.split(worker_command())
    assert set(words[words.index("beam_distill.runners.local_worker") + 1 :]) == kept_out


def test_a_module_that_is_loaded_is_not_left_out() -> None:
    leave_out(["json"])
    assert sys.modules["json"] is json


def test_the_hook_for_threads_is_restored(tmp_path: Path) -> None:
    """Whichever of the runs that watch their scoring processes ends first."""
    before = threading.excepthook
    first, second = ExitStack(), ExitStack()
    first.enter_context(local_workers_watched(str(tmp_path / "a"), 0.1))
    second.enter_context(local_workers_watched(str(tmp_path / "b"), 0.1))
    first.close()
    assert threading.excepthook is not before
    second.close()
    assert threading.excepthook is before
