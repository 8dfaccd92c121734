"""How right the teacher was, as mergeable counts."""

import json

import pytest

from transforms.elements.sample_tally import RefusedSample, RowSamples, SampleTally, interval

ROWS = [
    RowSamples(1, (), True),
    RowSamples(3, ("not_a_number", "too_long"), False),
    RowSamples(2, ("too_long", "too_long"), None),
    RowSamples(0, (), None),
    RowSamples(2, ("too_long",), None, RefusedSample("b", 0, 0, "too_long", "it is"), ("b", 1), 1),
    *(RowSamples(1, (), None, RefusedSample(f"c{number:02}", 0, 1, "too_long", "it is"), (f"d{number:02}", 0), 2) for number in range(30)),
]


def tally_of(rows: list[RowSamples]) -> SampleTally:
    tally = SampleTally()
    for row in rows:
        tally.add(row)
    return tally


def test_samples_refusals_and_agreement_are_counted() -> None:
    tally = tally_of(ROWS[:4])
    assert (tally.rows, tally.samples, tally.accepted) == (3, 6, 2)
    assert tally.refused == {"not_a_number": 1, "too_long": 3}
    assert tally.pass_tenths == {10: 1, 3: 1, 0: 1}
    assert (tally.labelled, tally.agreeing) == (2, 1)


def test_the_same_few_samples_are_to_be_read_in_any_order() -> None:
    tally = tally_of(ROWS)
    assert [one.row_key for one in tally.refused_to_read] == ["b", *(f"c{number:02}" for number in range(19))]
    assert tally.accepted_to_read == [("b", 1), *((f"d{number:02}", 0) for number in range(11))]
    assert tally.votes == {1: 1, 2: 30}
    assert tally_of(ROWS[::-1]) == tally


@pytest.mark.parametrize("cut", range(len(ROWS) + 1))
def test_parts_add_up_in_any_order(cut: int) -> None:
    first, second = tally_of(ROWS[cut:]), tally_of(ROWS[:cut])
    first.merge(second)
    assert first == tally_of(ROWS)


def test_it_survives_json() -> None:
    tally = tally_of(ROWS)
    assert SampleTally.of_fields(json.loads(json.dumps(tally.fields()))) == tally


@pytest.mark.parametrize(("successes", "total", "least", "most"), [(0, 10, 0.0, 0.278), (13, 14, 0.685, 0.987), (500, 1000, 0.469, 0.531)])
def test_the_interval_of_a_share(successes: int, total: int, least: float, most: float) -> None:
    assert interval(successes, total) == pytest.approx((least, most), abs=0.001)
