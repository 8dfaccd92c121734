"""Row keys."""

import pytest

from transforms.elements.rows import ChatMessage, Split
from transforms.intake import row_keys
from transforms.intake.row_keys import RowKeys, content_digest

ONE = (ChatMessage("user", "one"),)
TWO = (ChatMessage("user", "two"),)


def test_keys_are_the_same_in_every_process_and_version() -> None:
    assert RowKeys(Split.TRAIN).next_key(ONE) == "d59a425b7705daeccdd6f9fec635150b-0"


def test_equal_rows_are_counted() -> None:
    keys = RowKeys(Split.TRAIN)
    given = [keys.next_key(messages) for messages in (ONE, TWO, ONE, ONE, TWO)]
    assert [key[-2:] for key in given] == ["-0", "-0", "-1", "-2", "-1"]
    assert len(set(given)) == 5
    assert given[0][:-2] == given[2][:-2] == given[3][:-2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param((Split.TRAIN, ONE), (Split.VALIDATION, ONE), id="split"),
        pytest.param((Split.TRAIN, ONE), (Split.TRAIN, TWO), id="content"),
        pytest.param((Split.TRAIN, ONE), (Split.TRAIN, (ChatMessage("system", "s"), *ONE)), id="system message, same question"),
        pytest.param(
            (Split.TRAIN, (ChatMessage("user", "a"), ChatMessage("assistant", "b"))),
            (Split.TRAIN, (ChatMessage("user", 'a","assistant","b'),)),
            id="text that looks like the border of a message",
        ),
    ],
)
def test_different_rows_differ(one: tuple[Split, tuple[ChatMessage, ...]], other: tuple[Split, tuple[ChatMessage, ...]]) -> None:
    assert content_digest(*one) != content_digest(*other)


def test_keys_stay_different_where_the_remembered_bits_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = {ONE: b"\0" * 15 + b"\1", TWO: b"\0" * 15 + b"\2"}
    monkeypatch.setattr(row_keys, "content_digest", lambda split, messages: digests[messages])
    keys = RowKeys(Split.TRAIN)
    given = [keys.next_key(messages) for messages in (ONE, TWO, ONE, TWO)]
    assert len(set(given)) == 4
