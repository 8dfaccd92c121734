"""Texts of a stream: once, also where a server repeats them."""

import pytest

from transforms.teacher.message_parts import TextSoFar

WORDS = ["The ", "river ", "rose ", "on ", "Monday."]
TEXT = "".join(WORDS)


def text(*pieces: str) -> str:
    so_far = TextSoFar(pieces[0])
    for piece in pieces[1:]:
        so_far.add(piece)
    return so_far.whole()


@pytest.mark.parametrize(
    "pieces",
    [
        WORDS,
        ["", *WORDS],
        [*WORDS, TEXT],
        ["", *WORDS, TEXT],
        [*WORDS, f" {TEXT}"],
        [TEXT[:end] for end in range(1, len(TEXT) + 1)],
        ["", *(TEXT[:end] for end in (4, 10, 15, 18)), TEXT, TEXT],
    ],
)
def test_a_text_that_the_server_repeats_is_there_once(pieces: list[str]) -> None:
    assert text(*pieces).strip() == TEXT


@pytest.mark.parametrize("repeated", [False, True])
def test_a_long_text_too(repeated: bool) -> None:
    words = [f"word {number} " for number in range(5_000)]
    assert text(*words, *["".join(words)] * repeated) == "".join(words)
    growing = ["x" * number for number in range(1, 3_000)]
    assert text(*growing, *growing[-1:] * repeated) == growing[-1]


@pytest.mark.parametrize(
    "pieces",
    [
        ["1", "2", "12"],
        ["1", "2", "1", "2", "1212"],
        ["ha ", "ha ", "ha ", "ha "],
        ["a", "ab", "abc"],
        ["Row, row, row your boat. ", "Row, row, row your boat. "],
        ["Row, ", "row, ", "row your boat. ", "Row, ", "row, ", "row your boat. "],
        ["a", "a", "a", "a", "a"],
        ["x", "x" * 2, "x" * 3, "x" * 4, "y"],
    ],
)
def test_what_the_model_repeats_stays(pieces: list[str]) -> None:
    assert text(*pieces) == "".join(pieces)
