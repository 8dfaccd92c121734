"""Which samples are kept, and when a row needs no other."""

import itertools

import pytest

from transforms.acceptance.selection import Choice, CompleteSample, Keep, SelectionSpec


def samples(answers: str, sizes: str = "") -> list[CompleteSample]:
    """A sample a letter: its answer; ``-`` is refused, ``.`` not answered."""
    lengths = itertools.chain(map(int, sizes), itertools.repeat(1))
    return [
        CompleteSample(number, None if one == "-" else one, size)
        for number, (one, size) in enumerate(zip(answers, lengths, strict=False))
        if one != "."
    ]


def kept(spec: SelectionSpec, answers: str, sizes: str = "") -> tuple[tuple[int, ...], bool]:
    choice = spec.choose(samples(answers, sizes))
    return choice.kept, choice.is_final


@pytest.mark.parametrize(
    ("answers", "expected"),
    [("", ((), False)), ("a", ((0,), True)), ("-", ((), False)), ("--a", ((2,), True)), ("----", ((), True)), ("-a.b", ((1,), True))],
)
def test_the_first_accepted_one_is_enough(answers: str, expected: tuple[tuple[int, ...], bool]) -> None:
    assert kept(SelectionSpec(4), answers) == expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ("aa", ((), False)),
        ("aba", ((), False)),
        ("aaaa", ((), False)),
        ("aaaaa", ((0,), True)),  # three are left
        ("abaca", ((), False)),
        ("abacaaa", ((0,), True)),
        ("bacaaba", ((1,), True)),
        ("bacaab-a", ((1,), True)),
        ("aaabb---", ((0,), True)),
        ("aaabbb--", ((), True)),  # a tie
        ("abcd", ((), False)),
        ("abcdefg", ((), True)),  # with one left, none can reach three votes
        ("aabbcc--", ((), True)),
        ("aabb-----", ((), True)),
    ],
)
def test_a_vote_ends_when_it_is_decided(answers: str, expected: tuple[tuple[int, ...], bool]) -> None:
    assert kept(SelectionSpec(8, votes=3), answers) == expected


def test_the_choice_does_not_depend_on_what_was_asked_ahead() -> None:
    for spec in (SelectionSpec(8, votes=3), SelectionSpec(6, votes=2), SelectionSpec(8)):
        for answers in map("".join, itertools.product("ab-", repeat=6)):
            begun = next((answers[:count] for count in range(7) if spec.choose(samples(answers[:count])).is_final), None)
            if begun is not None:
                assert spec.choose(samples(answers)).kept == spec.choose(samples(begun)).kept
                assert spec.choose(reversed(samples(answers))).kept == spec.choose(samples(begun)).kept


@pytest.mark.parametrize(("keep", "expected"), [(Keep.ALL, (0, 2, 3)), (Keep.ONE_PER_ANSWER, (0, 2)), (Keep.SHORTEST, (3,)), (Keep.FIRST, (0,))])
def test_which_of_the_accepted_are_kept(keep: Keep, expected: tuple[int, ...]) -> None:
    assert kept(SelectionSpec(4, keep=keep), "a-ba", "5942") == (expected, True)


@pytest.mark.parametrize("keep", [Keep.ALL, Keep.ONE_PER_ANSWER, Keep.SHORTEST])
def test_to_compare_them_all_samples_are_asked(keep: Keep) -> None:
    assert kept(SelectionSpec(4, keep=keep), "aa-") == ((0, 1) if keep is Keep.ALL else (0,), False)


def test_of_those_that_agree_the_shortest() -> None:
    assert kept(SelectionSpec(5, 3, Keep.SHORTEST), "abaa", "5131") == ((3,), True)


def test_a_lower_number_of_samples_looks_at_the_first_ones_only() -> None:
    assert kept(SelectionSpec(2), "--a") == ((), True)
    assert kept(SelectionSpec(3), "--a") == ((2,), True)


def test_the_next_sample_is_the_lowest_that_nobody_asks() -> None:
    spec = SelectionSpec(4)
    assert spec.next_sample([], ()) == 0
    assert spec.next_sample(samples("-"), {1}) == 2
    assert spec.next_sample(samples("-.-"), ()) == 1
    assert spec.next_sample(samples("-"), {1, 2, 3}) is None
    assert spec.next_sample(samples("-a"), ()) is None


def test_one_sample_is_a_choice_like_before() -> None:
    assert SelectionSpec().choose(samples("a")) == Choice((0,), True, {"a": 1}, 1)
    assert SelectionSpec().choose(samples("-")) == Choice((), True, {}, 1)
