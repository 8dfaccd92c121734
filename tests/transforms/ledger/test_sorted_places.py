"""Where records are, by key: whatever is in memory and whatever in a file, the same is found."""

import random
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from transforms.ledger.record_keys import REQUEST_BITS
from transforms.ledger.sorted_places import SortedPlaces, place_of, segment_and_offset
from transforms.ledger.sorted_run import PAGE_RECORDS

ALL_IN_MEMORY = 1 << 18
RECORDS = 3_000
SEGMENTS = 5


def records(seed: int) -> list[tuple[int, int]]:
    """Keys and places; some keys occur twice, one on more than a page, and several belong to the same turn."""
    chance = random.Random(seed)
    keys = [chance.getrandbits(64) for _ in range(RECORDS // 2)]
    keys += chance.choices(keys, k=RECORDS // 4)
    keys += [chance.choice(keys) ^ chance.getrandbits(REQUEST_BITS) for _ in range(RECORDS // 4 - 2 * PAGE_RECORDS)]
    keys += [keys[0]] * 2 * PAGE_RECORDS
    chance.shuffle(keys)
    return [(key, place_of(chance.randrange(SEGMENTS), 100 * number)) for number, key in enumerate(keys)]


def places_of(made: list[tuple[int, int]], in_memory: int, at_once: int = 97) -> SortedPlaces:
    places = SortedPlaces(in_memory)
    for begin in range(0, len(made), at_once):
        piece = made[begin : begin + at_once]
        places.add(np.array([key for key, _ in piece], np.uint64), np.array([place for _, place in piece], np.uint64))
    return places


def assert_same(places: SortedPlaces, made: list[tuple[int, int]]) -> None:
    chance = random.Random(0)
    assert len(places) == len(made)
    for key in [*chance.sample([key for key, _ in made], 30), *(chance.getrandbits(64) for _ in range(10)), 0, 2**64 - 1]:
        first = key >> REQUEST_BITS << REQUEST_BITS
        for begin, end in ((key, key), (first, first | (1 << REQUEST_BITS) - 1)):
            assert sorted(places.find(begin, end)) == sorted(place for one, place in made if begin <= one <= end)
    counts = Counter(key for key, _ in made)
    assert sorted(places.with_equal_keys(RECORDS)) == sorted(place for key, place in made if counts[key] > 1)
    assert len(places.with_equal_keys(10)) == 10
    assert places.turns == len({key >> REQUEST_BITS for key, _ in made})
    inside = [(key, place) for key, place in made if segment_and_offset(place)[0] in (1, 3)]
    assert places.repeated([1, 3]) == len(inside) - len({key for key, _ in inside})
    assert places.repeated([]) == 0
    keys, offsets = places.of_segment(2)
    in_order = sorted((segment_and_offset(place)[1], key) for key, place in made if segment_and_offset(place)[0] == 2)
    assert list(zip(offsets.tolist(), keys.tolist(), strict=True)) == in_order


@pytest.mark.parametrize("in_memory", [60, 500, RECORDS - 1, ALL_IN_MEMORY])
def test_the_same_is_found_in_memory_and_in_a_file(in_memory: int) -> None:
    made = records(1)
    places = places_of(made, in_memory)
    assert_same(places, made)
    more = [(key ^ 1, place_of(7, offset)) for key, offset in made[:500]]
    places.add(np.array([key for key, _ in more], np.uint64), np.array([place for _, place in more], np.uint64))
    assert_same(places, made + more)
    places.close()


@pytest.mark.parametrize("in_memory", [60, 1_000, ALL_IN_MEMORY])
@pytest.mark.parametrize("looked_up_before", [False, True])
def test_a_segment_is_forgotten_wherever_its_records_are(in_memory: int, looked_up_before: bool) -> None:
    made = records(2)
    places = places_of(made, in_memory)
    if looked_up_before:
        places.find(0, 0)
    places.drop(4)
    assert_same(places, [(key, place) for key, place in made if segment_and_offset(place)[0] != 4])
    places.close()


def test_there_may_be_none() -> None:
    places = SortedPlaces()
    assert (len(places), places.find(0, 2**64 - 1), places.turns, places.repeated([0]), places.with_equal_keys(5)) == (0, [], 0, 0, [])
    places.drop(0)
    assert places.of_segment(0)[0].tolist() == []


def refuse_after(files: int) -> Callable[..., object]:
    """A disk that takes so many files and no more."""
    real, left = tempfile.TemporaryFile, [files]

    def make() -> object:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return real()

    return make


@pytest.mark.parametrize("files", [0, 1])
def test_where_no_file_can_be_written_all_is_found(files: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse_after(files))
    made = records(3)
    places = places_of(made, 1_000)
    assert_same(places, made)
    places.close()


def test_memory_does_not_grow_with_the_ledger() -> None:
    chance = np.random.default_rng(4)
    tracemalloc.start()
    try:
        places = SortedPlaces(4_000)
        for number in range(200):
            places.add(chance.integers(2**63, size=1_000, dtype=np.uint64) * np.uint64(2), np.full(1_000, number, np.uint64))
        places.find(0, 0)
        held_bytes, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(places) == 200_000
    assert held_bytes < 200_000
    assert most_bytes < 1_000_000
    places.close()
