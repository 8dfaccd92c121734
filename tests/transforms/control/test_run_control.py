"""The reports of a scoring process, and when they end."""

import shutil
from pathlib import Path

import pytest

from transforms.control.run_control import RunControl, heartbeats, request_stop, unfinished_requests
from transforms.elements.engine_totals import EngineTotals
from transforms.elements.failures import EarlyStop, StopCause
from transforms.elements.usage import Usage
from transforms.teacher.engine_counts import Snapshot


class Session:
    """The reported parts of a scoring session; ``closed`` keeps the control from checking by itself."""

    closed = True
    stopped: EarlyStop | None = None
    open = 3

    def open_requests(self) -> int:
        return self.open

    def snapshot(self) -> Snapshot:
        return Snapshot(self.open, 8, 0, 0, 7, 4, 0, 0, Usage(40, 8), rows=(("train", 4),), failures=(("throttled", 1),))

    def stop(self, cause: EarlyStop) -> None:
        self.stopped = cause


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def control(tmp_path: Path, session: Session) -> RunControl:
    return RunControl(f"{tmp_path}/staging/run-1/control", session)  # type: ignore[arg-type]


def test_a_reported_header_is_read(tmp_path: Path, control: RunControl, session: Session) -> None:
    assert control.check()
    (told,) = heartbeats(f"{tmp_path}/staging/*/control").values()
    assert (told["open"], told["limit"]) == (3, 8)
    assert EngineTotals.from_fields(told["totals"]) == session.snapshot().totals
    assert unfinished_requests(f"{tmp_path}/staging/*/control") == (1, 3)
    session.open = 0
    control.report()
    assert unfinished_requests(f"{tmp_path}/staging/*/control") == (0, 0)


def test_a_stop_reaches_the_session(tmp_path: Path, control: RunControl, session: Session) -> None:
    cause = EarlyStop(StopCause.INTERRUPTED, "Ctrl-C")
    request_stop(f"{tmp_path}/staging/run-1/control", cause)
    assert not control.check()
    assert session.stopped == cause


def test_a_process_that_outlives_the_run_reports_nothing(tmp_path: Path, control: RunControl, session: Session) -> None:
    assert control.check()
    shutil.rmtree(tmp_path / "staging")
    assert not control.check()
    session.open = 7
    control.report()
    assert not (tmp_path / "staging").exists()
