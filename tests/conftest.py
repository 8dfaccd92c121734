"""Fixtures of every test, and the order of the tests."""

import fcntl
import gc
import importlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import forked_python
import pytest
from cpu_times import CpuTimes
from slow_marks import WrongMarks

from beam_distill.run import separate_report
from transforms.teacher.session import close_sessions

ROOT = Path(__file__).resolve().parent.parent

# Images for CI often turn off compiled modules. Each process that a test starts would compile all our modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The servers of the tests are on this machine.
for name in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(name, None)
    os.environ.pop(name.upper(), None)

# A collection makes objects that stay, and would search them for garbage again and again.
gc.disable()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--wrong-marks", action="store_true", help="list the tests that are slow without the mark, or have it and are not")
    parser.addoption("--cpu-times", action="store_true", help="list the CPU that the tests take, by file and by test")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--wrong-marks"):
        config.pluginmanager.register(WrongMarks())
    if config.getoption("--cpu-times"):
        config.pluginmanager.register(CpuTimes())


def pytest_sessionstart() -> None:
    """Tests that run in the background ignore Ctrl-C and hang-ups, and so would the processes that they start."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """The meaning of ``--numprocesses auto`` here: tests wait half of their time, so each core runs two."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In a fresh clone one worker compiles a file, and the others wait for that instead of doing the same: 6 s of CPU for each."""
    if "PYTEST_XDIST_WORKER" in os.environ and isinstance(collector, pytest.Module):
        name = f"{collector.path.stem}.{sys.implementation.cache_tag}-pytest-{pytest.__version__}.pyc"
        compiled = collector.path.with_name("__pycache__") / name
        if not compiled.exists():
            with open(collector.path) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not compiled.exists():
                    return (yield)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first, the same number for each worker: xdist gives each a part of the list, and a free worker takes from another's end."""
    if "PYTEST_XDIST_WORKER_COUNT" not in os.environ:
        return
    workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    at, total = 0, len(items)
    items.clear()
    for worker in range(workers):
        own = slow[worker::workers]
        share = max(0, (total - len(items)) // (workers - worker) - len(own))
        items += own + quick[at : at + share]
        at += share
    items += quick[at:]


def pytest_collection_finish() -> None:
    """What was collected stays until the end, and every run would search it for garbage, at least once."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # small tests make little garbage: looking for it every 700 objects is a twentieth of their CPU
    gc.enable()
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    if "apache_beam" in sys.modules:
        from quick_beam import keep_what_beam_asks_again

        keep_what_beam_asks_again()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    """No session is left. A hook costs each of many small tests less than a fixture does."""
    try:
        yield
    finally:
        close_sessions()


@pytest.fixture(autouse=True, scope="session")
def _runs_take_less() -> Iterator[None]:
    """Scoring processes and reports of the jobs that run in the process of the tests are forked; those of started commands are started."""
    with pytest.MonkeyPatch.context() as patch:
        if "apache_beam" in sys.modules:
            for name in ("apache_beam.runners.portability.local_job_service", "beam_distill.runners.loopback"):
                patch.setattr(importlib.import_module(name), "subprocess", forked_python)
        patch.setattr(separate_report, "subprocess", forked_python)
        # every run asks whether anything is frozen; Python counts what was collected, object by object, for that
        patch.setattr(gc, "get_freeze_count", lambda: 1)
        yield


@pytest.fixture(autouse=True, scope="session")
def _temporary_files_go_with_the_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Those of Beam and of killed processes, which nobody else removes."""
    folder = str(tmp_path_factory.mktemp("temporary"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield
