"""If a process may open only few files, the endpoint is not blamed and the ledger still gets its files."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from virtual_teacher import Asked, answer, failed, play

from transforms.elements.failures import FailureKind
from transforms.teacher.client import AttemptResult
from transforms.teacher.descriptors import RESERVE, are_exhausted, room_for_connections
from transforms.teacher.specs import PatienceSpec

ROOT = Path(__file__).resolve().parents[3]
PROBE = """
import resource, sys
from transforms.teacher.descriptors import open_files, room_for_connections
soft, hard, wanted = (int(text) for text in sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
before = open_files()
print(room_for_connections(wanted), resource.getrlimit(resource.RLIMIT_NOFILE)[0], before)
"""


@pytest.mark.fault("D14")
@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "raised_to", "capped"),
    [(256, 256, 1000, 256, True), (256, 4096, 1000, 4096, False), (64, 64, 1000, 64, True), (1024, 1024, 200, 1024, False)],
)
def test_the_soft_limit_is_raised_and_connections_get_what_is_left(soft: int, hard: int, wanted: int, raised_to: int, capped: bool) -> None:
    command = [sys.executable, "-c", PROBE, str(soft), str(hard), str(wanted)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    room, limit, before = (int(text) for text in ended.stdout.split())
    assert limit == raised_to
    if capped:
        assert 1 <= room <= raised_to - before - min(RESERVE, raised_to // 4) + 2
        assert "ulimit -n" in ended.stderr
    else:
        assert room == wanted


def test_a_limit_that_is_high_enough_is_not_changed() -> None:
    assert room_for_connections(1) == 1


@pytest.mark.fault("D14")
def test_an_error_that_wraps_too_many_open_files_is_ours() -> None:
    try:
        try:
            raise OSError(errno.EMFILE, "Too many open files")
        except OSError as error:
            raise ConnectionError("Cannot connect to host") from error
    except ConnectionError as error:
        assert are_exhausted(error)
    assert not are_exhausted(OSError(errno.ECONNREFUSED, "refused"))


@pytest.mark.fault("D14")
def test_too_many_open_files_lower_the_limit_and_blame_nobody() -> None:
    open_now: list[float] = []

    def teacher(asked: Asked) -> AttemptResult:
        open_now[:] = [until_s for until_s in open_now if until_s > asked.now_s]
        if len(open_now) >= 20:
            return failed(FailureKind.CANNOT_CONNECT, is_ours=True, latency_s=0.001)
        open_now.append(asked.now_s + 0.5)
        return answer(latency_s=0.5)

    played = play(teacher, 500)
    assert played.reasons() == {"answered": 500}
    assert played.snapshot is not None
    assert played.snapshot.limit <= 20
    assert not played.snapshot.failures
    assert len(played.asked) < 600


@pytest.mark.fault("D14")
def test_a_row_that_found_no_file_to_open_ends_with_its_interval() -> None:
    def teacher(asked: Asked) -> AttemptResult:
        return failed(FailureKind.CANNOT_CONNECT, is_ours=True, latency_s=0.001) if asked.row == 3 else answer(latency_s=20.0)

    played = play(teacher, 4, patience=PatienceSpec(payload_s=5.0))
    assert played.reasons() == {"answered": 3, "cannot_connect": 1}
    assert played.ended_s < 40
