"""Run ids sort as their runs began: the later of two answers to one request stands, and segments are read by name."""

from datetime import datetime, timedelta, timezone

from beam_distill.run_id import new_run_id

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)


def test_ids_sort_as_runs_began_also_within_a_second() -> None:
    ids = [new_run_id(NOON + timedelta(milliseconds=step), "pilot" * (step % 2)) for step in range(0, 3000, 7)]
    assert sorted(ids) == ids


def test_ids_of_earlier_versions_in_whole_seconds_come_before_those_of_the_seconds_after() -> None:
    assert "20260131T120000-ffffffff" < new_run_id(NOON) < "20260131T120001-00000000"


def test_runs_of_one_millisecond_have_ids_of_their_own() -> None:
    assert len({new_run_id(NOON) for _ in range(100)}) == 100
