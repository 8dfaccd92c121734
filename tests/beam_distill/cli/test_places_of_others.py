"""Places that belong to another user, as after a run in a container: known before anything is sent, with what to do."""

import errno
import os

import pytest
from jobs import Job

from beam_distill.simulator.server import start_simulator

OTHERS = 4_242


@pytest.fixture
def closed_to_us(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Paths without permission. Root may do everything, so the system is not asked; and this user is another one."""
    paths: set[str] = set()
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) not in paths and allowed(path, mode))
    monkeypatch.setattr(os, "geteuid", lambda: OTHERS)
    return paths


def said(job: Job, capsys: pytest.CaptureFixture[str]) -> str:
    job.url = "http://localhost:1"
    assert job.command("run") == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("folder", ["ledger", "timeline", "spending", "failures"])
def test_a_folder_of_the_run(folder: str, job: Job, closed_to_us: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    place = job.work_dir.absolute() / folder
    place.mkdir(parents=True)
    closed_to_us.add(str(place))
    assert f"no permission in {place}; it belongs to " in (shown := said(job, capsys))
    assert f"and this is user {OTHERS}: run as that user" in shown
    assert f"(sudo chown -R {OTHERS} {place})" in shown


def test_an_output(job: Job, closed_to_us: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    output = job.train_output.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    output.touch()
    closed_to_us.add(str(output))
    assert f"(sudo chown {OTHERS} {output})" in said(job, capsys)


def test_what_is_ours_needs_no_owner(
    job: Job, closed_to_us: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = job.train_output.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    output.touch()
    closed_to_us.add(str(output))
    monkeypatch.setattr(os, "geteuid", lambda: output.stat().st_uid)
    assert "cannot be written: no permission" in (shown := said(job, capsys))
    assert "belongs" not in shown


@pytest.mark.parametrize("command", ["run", "check", "plan"])
def test_a_ledger_that_cannot_be_read_is_no_defect(
    command: str, job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A container with umask 077 leaves files that nobody else reads."""

    def refuse(path: str, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--limit=3") == 0
        monkeypatch.setattr("transforms.ledger.byte_ranges.open", refuse, raising=False)
        monkeypatch.setattr(os, "geteuid", lambda: OTHERS)
        assert job.command(command) == 5
        assert simulator.stats()["requests"] == 3
    shown = capsys.readouterr().err
    assert ".avro: Permission denied; it belongs to " in shown
    assert "Traceback" not in shown
