"""Fixtures: an embedded teacher, and every session closed after each test."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from transforms.teacher.session import close_sessions

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _no_session_left() -> Iterator[None]:
    yield
    close_sessions()


@pytest.fixture(autouse=True, scope="session")
def _quiet_beam() -> None:
    logging.getLogger("apache_beam").setLevel(logging.ERROR)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
