"""Run ids sort as their runs began: the later of two answers to one request counts, and segments are read by name."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from beam_distill.work_dir.run_id import new_run_id

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)


def test_ids_sort_as_runs_began_also_within_a_second() -> None:
    ids = [new_run_id(NOON + timedelta(milliseconds=step), "pilot" * (step % 2)) for step in range(0, 3000, 7)]
    assert sorted(ids) == ids


def test_ids_of_earlier_versions_in_whole_seconds_come_before_those_of_the_seconds_after() -> None:
    assert "20260131T120000-ffffffff" < new_run_id(NOON) < "20260131T120001-00000000"


def test_runs_of_one_millisecond_have_ids_of_their_own() -> None:
    assert len({new_run_id(NOON) for _ in range(100)}) == 100


@pytest.mark.fault("X-C8")
@pytest.mark.parametrize("latest", ["20260131T130000042-1f0c55ab", "20260131T120000-1f0c55ab", "20260131T120000999-pilot1f0c55ab"])
def test_a_clock_that_was_set_back_does_not_make_a_later_run_an_earlier_one(tmp_path: Path, latest: str) -> None:
    (tmp_path / f"{latest}-77-aa.avro").touch()
    (tmp_path / "copy of something.avro").touch()
    run_id = new_run_id(NOON, ledger_dir=str(tmp_path))
    assert run_id > latest
    (tmp_path / f"{run_id}-78-bb.avro").touch()
    assert new_run_id(NOON, ledger_dir=str(tmp_path)) > run_id


def test_a_ledger_of_earlier_runs_or_none_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "20260131T110000042-1f0c55ab-77-aa.avro").touch()
    for folder in (tmp_path, tmp_path / "none"):
        assert new_run_id(NOON, ledger_dir=str(folder)).startswith("20260131T120000000-")
