"""All rows of a split, file by file, record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec, InputSpec, SplitFiles
from transforms.elements.flow import Row
from transforms.elements.rows import RejectedRow, RowOrigin, Split, TrainingRow
from transforms.elements.storable_text import storable_text
from transforms.files.matching import matching_files
from transforms.files.stored import open_as_stored
from transforms.intake.columns import RowColumns
from transforms.intake.formats.base import UnusableFile
from transforms.intake.lines import ByteSource
from transforms.intake.opening import open_rows
from transforms.intake.row_keys import RowKeys

LINES_PER_SHARE = 64
"""Neighbouring lines go to the same shard in stretches of this many."""


class OpenFile(ByteSource, Protocol):
    """An open file to be read once and closed; as it is stored, not unpacked."""

    def close(self) -> None:
        """Lets go of the file."""
        ...


@dataclass(frozen=True, slots=True)
class ReadSpec:
    """How files become rows: ``format`` is a name in ``formats.registry``, None to go by each file's suffix; records longer than
    ``max_row_bytes`` become rejects."""

    max_row_bytes: int
    format: str | None = None
    columns: ColumnSpec = ColumnSpec()

    @classmethod
    def of(cls, spec: InputSpec) -> ReadSpec:
        """The part of a run's input that is the same for every file."""
        return cls(spec.max_row_bytes, spec.format, spec.columns)


def walk_split(spec: InputSpec, files: SplitFiles, share: int = 0, shares: int = 1) -> Iterator[Row]:
    """The rows of one split in input order; with ``shares`` above one, only every ``shares``-th part of them."""
    if files.pattern is None:
        return
    yield from walk_rows(
        open_as_stored,
        matching_files(files.pattern),
        files.split,
        spec.limit,
        ReadSpec.of(spec),
        shard=(share, shares) if shares > 1 else None,
    )


def walk_rows(
    open_file: Callable[[str], OpenFile],
    files: Sequence[str],
    split: Split,
    limit: int | None,
    reading: ReadSpec,
    shard: tuple[int, int] | None = None,
) -> Iterator[Row]:
    """Every record of a split, as a row or a reject, in the order of ``files`` and their records; blank lines are none.

    ``limit`` ends the walk after so many. With ``shard`` (index, count) only that part of the records comes out,
    with the keys and ordinals they have in the whole: all are read to count equal rows. A file that breaks off gives one reject for
    all that cannot be read of it. What opening or reading a file raises is passed on, and BadTemplate.
    """
    keys = RowKeys(split)
    columns = RowColumns(reading.columns, reading.max_row_bytes)
    index, count = shard if shard is not None else (0, 1)
    ordinal = 0
    if limit is not None and limit <= 0:
        return
    for file in files:
        number = 0
        name = storable_text(file)
        with closing(open_file(file)) as stored:
            try:
                kept_as, source = open_rows(file, stored, reading.format)
                for number, fields in kept_as.records(source, reading.max_row_bytes, columns.looked_at):
                    mine = ordinal // LINES_PER_SHARE % count == index
                    row_key = None
                    try:
                        if isinstance(fields, reasons.Rejection):
                            raise fields
                        messages = columns.chat(fields)
                        # the label is not part of who a row is: a label column that is added asks nothing again
                        row_key = keys.next_key(messages)
                        if mine:
                            messages = columns.with_label(messages, fields)
                    except reasons.Rejection as unusable:
                        if mine:
                            yield RejectedRow(RowOrigin(split, name, number, ordinal), unusable.reason, _written(unusable.detail), row_key)
                    else:
                        if mine:
                            yield TrainingRow(row_key, RowOrigin(split, name, number, ordinal), messages)
                    ordinal += 1
                    if ordinal == limit:
                        return
            except UnusableFile as broken:
                if ordinal // LINES_PER_SHARE % count == index:
                    yield RejectedRow(RowOrigin(split, name, number + 1, ordinal), broken.reason, _written(broken.detail))
                ordinal += 1
                if ordinal == limit:
                    return


def _written(detail: str) -> str:
    """A detail as any file can hold it: what it quotes may have half of a character in it."""
    return detail if detail.isascii() else detail.encode("utf-8", "backslashreplace").decode("utf-8")


def missing_columns(spec: InputSpec, path: str) -> list[str]:
    """What the settings name and a file lacks, for a person. Raises UnusableFile and BadTemplate."""
    return column_problems(open_as_stored, path, ReadSpec.of(spec))


def column_problems(open_file: Callable[[str], OpenFile], file: str, reading: ReadSpec) -> list[str]:
    """What the settings name and the file, or all of its first records, lack; nothing when no record can be read.

    Raises UnusableFile and BadTemplate.
    """
    columns = RowColumns(reading.columns, reading.max_row_bytes)
    with closing(open_file(file)) as stored:
        kept_as, source = open_rows(file, stored, reading.format)
        found = kept_as.columns(source, reading.max_row_bytes)
    return [] if found is None else columns.problems(found)
