"""Endpoints that refuse with 429 what comes while their slots are taken: found, filled and shared, in virtual time."""

import math

import pytest
from virtual_server import ServerModel, run_on_server

from transforms.teacher.ceiling import Ceiling

CAP = ServerModel(1.0, 0.6, slots=64, queue_limit=0)


@pytest.mark.parametrize(("hint_s", "queue_limit"), [(None, 0), (1.0, 0), (None, 32)])
def test_a_cap_is_filled_and_seldom_overrun(hint_s: float | None, queue_limit: int) -> None:
    seen = run_on_server(ServerModel(1.0, 0.6, slots=64, queue_limit=queue_limit, hint_s=hint_s), 1500)
    assert seen.reasons == {"answered": 1500}
    assert seen.answers_per_s(3.0, 20.0) >= 0.93 * 64
    assert seen.refused_share <= 0.04


def test_a_cap_that_changes_is_followed() -> None:
    seen = run_on_server(ServerModel(0.5, 0.6, slots=64, queue_limit=0, changes=((8.0, {"slots": 32}), (20.0, {"slots": 96}))), 4000)
    assert seen.answers_per_s(13.0, 20.0) >= 0.88 * 64
    assert seen.answers_per_s(27.0, 32.0) >= 0.9 * 192


def test_a_small_cap_with_late_answers_is_not_overrun() -> None:
    seen = run_on_server(ServerModel(20.0, 0.0, slots=4, queue_limit=0), 60)
    assert seen.reasons == {"answered": 60}
    assert seen.refused_share_from(60.0) <= 0.1
    assert seen.window_s <= 1.05 * seen.busy_s / 4


def test_occasional_429s_do_not_keep_slots_empty() -> None:
    seen = run_on_server(ServerModel(1.0, 0.6, slots=64, faults=((429, 0.02),)), 2000)
    assert seen.answers_per_s(5.0, 25.0) >= 0.93 * 64


def test_a_process_that_starts_later_gets_a_share() -> None:
    seen = run_on_server(ServerModel(0.5, 0.6, slots=32, queue_limit=0), 1500, starts_s=(0.0, 2.0))
    shares = [seen.answers_per_s(15.0, 45.0, client) for client in (0, 1)]
    assert sum(shares) >= 0.9 * 64
    assert min(shares) >= 0.3 * sum(shares)


def refused_beside(ceiling: Ceiling, taken: int, now_s: float) -> bool:
    """Whether a request refused at once counts as one too many, while ``taken`` have been on the wire for a second."""
    for number in range(1, taken + 1):
        ceiling.sent(number, now_s - 1.0, number)
    ceiling.sent(taken + 1, now_s, taken + 1)
    return ceiling.refused(taken + 1, now_s + 0.01)


def test_a_refusal_beside_many_is_one_of_number_and_beside_few_it_is_not() -> None:
    ceiling = Ceiling()
    assert refused_beside(ceiling, 20, 10.0)
    assert 18 <= ceiling.limit <= 20
    for few in (0, 1):
        ceiling = Ceiling()
        assert not refused_beside(ceiling, few, 10.0)
        assert ceiling.limit == math.inf


def test_a_refusal_says_nothing_where_those_beside_it_may_be_refused_as_well() -> None:
    ceiling = Ceiling()
    for number in range(1, 13):
        ceiling.sent(number, 10.0, number)
    assert not any(ceiling.refused(number, 10.05) for number in range(1, 13))
    assert ceiling.limit == math.inf


def test_refused_beside_fewer_than_were_taken_once_is_chance_and_twice_is_not() -> None:
    ceiling = Ceiling()
    assert refused_beside(ceiling, 20, 10.0)
    for number in (1, 2, 3):
        ceiling.answered(number, 10.1, 1.1)
    before = ceiling.limit
    ceiling.sent(22, 10.2, 18)
    assert ceiling.refused(22, 10.21)
    assert ceiling.limit >= before
    ceiling.sent(23, 10.21, 18)
    assert ceiling.refused(23, 10.22)
    assert ceiling.limit <= 17


def test_refused_beside_far_fewer_than_were_taken_is_not_about_number() -> None:
    ceiling = Ceiling()
    assert refused_beside(ceiling, 20, 10.0)
    for number in range(1, 11):
        ceiling.answered(number, 10.1, 1.1)
    before = ceiling.limit
    for number in (22, 23):
        ceiling.sent(number, 10.2, 11)
        assert not ceiling.refused(number, 10.21)
    assert ceiling.limit == before


def test_refused_beside_fewer_at_a_steady_pace_is_not_about_number() -> None:
    ceiling = Ceiling()
    assert refused_beside(ceiling, 20, 10.0)
    before = ceiling.limit
    for number, moment_s in ((22, 10.2), (23, 10.3)):
        ceiling.sent(number, moment_s, 18, is_paced=True)
        assert not ceiling.refused(number, moment_s + 0.01)
    assert ceiling.limit == before


def test_the_number_is_back_and_goes_beyond_it_when_nothing_more_is_refused() -> None:
    ceiling = Ceiling()
    refused_beside(ceiling, 20, 10.0)
    limits = []
    for tenth in range(100):
        ceiling.advance(10.0 + tenth / 10.0)
        limits.append(ceiling.limit)
    assert limits == sorted(limits)
    assert limits[0] < 20 < limits[-1]
