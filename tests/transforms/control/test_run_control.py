"""The reports of a scoring process, and when they end."""

import shutil
from pathlib import Path

import pytest
from builders import a_reply, a_scored_row

from transforms.control.run_control import RunControl, heartbeats, request_stop, unfinished_requests
from transforms.elements.engine_totals import EngineTotals
from transforms.elements.failures import EarlyStop, StopCause
from transforms.elements.rows import Split
from transforms.elements.usage import Usage
from transforms.teacher.engine_counts import Snapshot
from transforms.teacher.enough import AcceptedRows


class Session:
    """The reported parts of a scoring session; ``closed`` keeps the control from checking by itself."""

    closed = True
    stopped: EarlyStop | None = None
    accepted: AcceptedRows | None = None
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
    (reported,) = heartbeats(f"{tmp_path}/staging/*/control").values()
    assert (reported["open"], reported["limit"]) == (3, 8)
    assert EngineTotals.from_fields(reported["totals"]) == session.snapshot().totals
    assert unfinished_requests(f"{tmp_path}/staging/*/control") == (1, 3)
    session.open = 0
    control.report()
    assert unfinished_requests(f"{tmp_path}/staging/*/control") == (0, 0)


def test_a_stop_reaches_a_session_that_cannot_read_what_the_others_count(tmp_path: Path, control: RunControl, session: Session) -> None:
    session.accepted = AcceptedRows(5, lambda row: True)
    control.report()
    (tmp_path / "staging" / "run-1" / "control" / "open-other.json").write_text('{"accepted": "torn"}')
    cause = EarlyStop(StopCause.INTERRUPTED, "Ctrl-C")
    request_stop(f"{tmp_path}/staging/run-1/control", cause)
    assert not control.check()
    assert session.stopped == cause


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


def test_accepted_rows_of_all_processes_are_added_up(tmp_path: Path) -> None:
    """Two processes with 3 rows each of the 6 that are wanted: neither asks more, and each row counts once."""
    processes = []
    for place in range(2):
        session = Session()
        session.accepted = AcceptedRows(6, lambda scored: True)
        for number in (0, 1, 2, 0):
            scored = a_scored_row(a_reply("4"))
            row = scored.request.row
            session.accepted.finished(scored._replace(request=scored.request._replace(row=row._replace(row_key=f"row-{place}-{number}"))))
        processes.append((session.accepted, RunControl(f"{tmp_path}/control", session)))  # type: ignore[arg-type]
    full: list[Split] = []
    processes[0][0].when_full = full.append
    assert not any(accepted.is_full(Split.TRAIN) for accepted, _ in processes)
    for _ in range(2):
        for _, control in processes:
            assert control.check()
    assert all(accepted.is_full(Split.TRAIN) for accepted, _ in processes)
    assert not any(accepted.is_full(Split.VALIDATION) for accepted, _ in processes)
    assert full == [Split.TRAIN]
