"""All rows of a split, file by file, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Protocol

from transforms.elements import reasons
from transforms.elements.rows import RejectedRow, RowOrigin, Split, TrainingRow
from transforms.intake.identity import RowKeys
from transforms.intake.lines import ByteSource, read_lines
from transforms.intake.rows import UnusableLine, parse_row

LINES_PER_SHARE = 64
"""Neighbouring lines go to the same shard in stretches of this many."""


class OpenFile(ByteSource, Protocol):
    """An open file to be read once and closed."""

    def close(self) -> None:
        """Lets go of the file."""
        ...


def walk_rows(
    open_file: Callable[[str], OpenFile],
    files: Sequence[str],
    split: Split,
    limit: int | None,
    max_row_bytes: int,
    shard: tuple[int, int] | None = None,
) -> Iterator[TrainingRow | RejectedRow]:
    """Every line of a split that is not blank, as a row or a reject, in the order of ``files`` and lines.

    ``limit`` ends the walk after so many lines. With ``shard`` (index, count) only that part of the lines comes out,
    with the keys and ordinals they have in the whole: all lines are read to count equal rows. What opening or reading
    a file raises is passed on.
    """
    keys = RowKeys(split)
    index, count = shard if shard is not None else (0, 1)
    ordinal = 0
    if limit is not None and limit <= 0:
        return
    for file in files:
        with closing(open_file(file)) as source:
            for number, text, size in read_lines(source, max_row_bytes):
                mine = ordinal // LINES_PER_SHARE % count == index
                try:
                    if text is None:
                        raise _too_large(size, max_row_bytes)
                    messages = parse_row(text)
                except UnusableLine as unusable:
                    if mine:
                        yield RejectedRow(RowOrigin(split, file, number, ordinal), unusable.reason, unusable.detail)
                else:
                    row_key = keys.next_key(messages)
                    if mine:
                        yield TrainingRow(row_key, RowOrigin(split, file, number, ordinal), messages)
                ordinal += 1
                if ordinal == limit:
                    return


def _too_large(size: int, max_row_bytes: int) -> UnusableLine:
    return UnusableLine(
        reasons.ROW_TOO_LARGE,
        f"the line is {size:,} bytes long, at most {max_row_bytes:,} are read; shorten it, or look whether line ends are missing",
    )
