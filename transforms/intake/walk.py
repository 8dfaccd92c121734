"""A whole split in input order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from transforms.elements import reasons
from transforms.elements.rows import RejectedRow, RowOrigin, Split, TrainingRow
from transforms.intake.identity import RowKeys
from transforms.intake.lines import read_lines
from transforms.intake.rows import UnusableLine, parse_row

SHARE_ROWS = 64  # neighbouring lines that one reader takes together


def walk_rows(
    open_file: Callable[[str], Any],
    files: Sequence[str],
    split: Split,
    limit: int | None,
    max_row_bytes: int,
    shard: tuple[int, int] | None = None,
) -> Iterator[TrainingRow | RejectedRow]:
    """Every line of ``files`` that is not blank, as a row or a reject.

    ``limit`` keeps the first lines of the split. ``shard`` (number, of how many) yields only that share of the lines; keys are counted over
    all, so that they do not depend on how many readers there are. Raises what ``open_file`` raises.
    """
    keys = RowKeys(split)
    ordinal = -1
    for file in files:
        with open_file(file) as stream:
            for line in read_lines(stream, max_row_bytes):
                ordinal += 1
                if limit is not None and ordinal >= limit:
                    return
                row = _row(keys, RowOrigin(split, file, line.number, ordinal), line.text, line.size_bytes, max_row_bytes)
                if shard is None or ordinal // SHARE_ROWS % shard[1] == shard[0]:
                    yield row


def _row(keys: RowKeys, origin: RowOrigin, text: bytes | None, size_bytes: int, max_row_bytes: int) -> TrainingRow | RejectedRow:
    if text is None:
        return RejectedRow(
            origin,
            reasons.ROW_TOO_LARGE,
            f"the line has {size_bytes:,} bytes, more than the {max_row_bytes:,} that any teacher could read",
        )
    try:
        messages = parse_row(text)
    except UnusableLine as unusable:
        return RejectedRow(origin, unusable.reason, unusable.detail)
    return TrainingRow(keys.key(messages), origin, messages)
