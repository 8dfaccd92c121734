"""Fixtures: an embedded teacher, and every session closed after each test."""

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from transforms.teacher.session import close_sessions

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """What ``--numprocesses auto`` means here: half of what a test takes is waiting, so each core has two of them."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(autouse=True)
def _no_session_left() -> Iterator[None]:
    yield
    close_sessions()


@pytest.fixture(autouse=True, scope="session")
def _quiet_beam() -> None:
    logging.getLogger("apache_beam").setLevel(logging.ERROR)


@pytest.fixture(autouse=True, scope="session")
def _as_in_a_terminal() -> None:
    """Whoever runs the tests in the background has them ignore Ctrl-C and hang-ups, and so what they start."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
