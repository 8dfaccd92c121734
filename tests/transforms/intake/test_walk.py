"""A whole split."""

import io
import json

import pytest

from transforms.elements import reasons
from transforms.elements.rows import RejectedRow, Split, TrainingRow
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import walk_rows


def row(text: str) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": text}]}).encode() + b"\n"


FILES = {
    "one": row("a") + b"\n" + b"not json\n" + row("b"),
    "none": b"",
    "two": b"\xef\xbb\xbf" + row("a") + b"x" * 1001 + b"\n" + row("c"),
}


def walk(files: dict[str, bytes], **options: object) -> list[TrainingRow | RejectedRow]:
    settings = {"limit": None, "reading": ReadSpec(1000), **options}
    return list(walk_rows(lambda name: io.BytesIO(files[name]), list(files), Split.TRAIN, **settings))  # type: ignore[arg-type]


def seen(row: TrainingRow | RejectedRow) -> tuple[str, str, int, int]:
    what = row.reason if isinstance(row, RejectedRow) else row.messages[0].content + row.row_key[-2:]
    return what, row.origin.file, row.origin.line, row.origin.ordinal


ALL = [
    ("a-0", "one", 1, 0),
    (reasons.INVALID_JSON, "one", 3, 1),
    ("b-0", "one", 4, 2),
    ("a-1", "two", 1, 3),
    (reasons.ROW_TOO_LARGE, "two", 2, 4),
    ("c-0", "two", 3, 5),
]


def test_every_line_is_read_once_in_order() -> None:
    rows = walk(FILES)
    assert [seen(row) for row in rows] == ALL
    assert all(row.origin.split is Split.TRAIN for row in rows)
    too_large = rows[4]
    assert isinstance(too_large, RejectedRow)
    assert too_large.row_key is None
    assert "1,001 bytes" in too_large.detail
    assert "1,000" in too_large.detail


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, 6, 7])
def test_limit_takes_the_first_lines_of_the_split(limit: int) -> None:
    assert [seen(row) for row in walk(FILES, limit=limit)] == ALL[:limit]


def test_limit_opens_only_the_files_it_needs() -> None:
    opened = []

    def open_file(name: str) -> io.BytesIO:
        opened.append(name)
        return io.BytesIO(FILES[name])

    list(walk_rows(open_file, list(FILES), Split.TRAIN, 3, ReadSpec(1000)))
    assert opened == ["one"]


def test_files_are_closed_even_when_the_walk_is_left() -> None:
    source = io.BytesIO(row("a") + row("b"))
    walking = walk_rows(lambda name: source, ["x"], Split.TRAIN, None, ReadSpec(1000))
    next(walking)
    walking.close()  # type: ignore[attr-defined]
    assert source.closed


def test_errors_while_opening_are_raised() -> None:
    def missing(name: str) -> io.BytesIO:
        raise FileNotFoundError(name)

    with pytest.raises(FileNotFoundError, match="nowhere"):
        list(walk_rows(missing, ["nowhere"], Split.TRAIN, None, ReadSpec(1000)))
