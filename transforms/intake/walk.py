"""All rows of a split, part by part, record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from transforms.elements import reasons
from transforms.elements.data_specs import InputSpec, SplitFiles
from transforms.elements.flow import Row
from transforms.elements.parts import Stretch
from transforms.elements.rows import RejectedRow, RowOrigin, Split, TrainingRow
from transforms.elements.storable_text import storable_text
from transforms.files.matching import matching_files
from transforms.files.stored import open_as_stored
from transforms.intake.columns import RowColumns
from transforms.intake.opening import OpenFile, open_rows
from transforms.intake.parts import PartRecords, whole_files
from transforms.intake.read_spec import ReadSpec
from transforms.intake.row_keys import RowKeys


def walk_split(spec: InputSpec, files: SplitFiles) -> Iterator[Row]:
    """The rows of one split in input order."""
    if files.pattern is not None:
        yield from walk_rows(open_as_stored, matching_files(files.pattern), files.split, spec.limit, ReadSpec.of(spec))


def walk_rows(open_file: Callable[[str], OpenFile], files: Sequence[str], split: Split, limit: int | None, reading: ReadSpec) -> Iterator[Row]:
    """At most ``limit`` records of these files, in their order, as ``walk_stretch`` gives them."""
    parts = whole_files(split, files)
    if parts:
        yield from walk_stretch(open_file, Stretch(parts, most_rows=limit), reading)


def walk_stretch(open_file: Callable[[str], OpenFile], stretch: Stretch, reading: ReadSpec) -> Iterator[Row]:
    """Every record of a stretch, as a row or a reject, in order. Blank lines are not records.

    The unreadable rest of a truncated file is one reject. Raises BadTemplate, and the errors of opening and reading a file.
    """
    keys = RowKeys(stretch.split, stretch.repeats)
    columns = RowColumns(reading.columns, reading.max_row_bytes)
    ordinal = stretch.rows_before
    end = None if stretch.most_rows is None else ordinal + stretch.most_rows
    if end is not None and end <= ordinal:
        return
    before = stretch.lines_before
    broken_file = None
    for place, part in enumerate(stretch.parts):
        if part.file == broken_file:
            continue
        if place and part.file != stretch.parts[place - 1].file:
            before = 0
        name = storable_text(part.file)
        records = PartRecords(open_file, part, before)
        for number, fields in records.read(reading, columns.looked_at):
            row_key = None
            try:
                if isinstance(fields, reasons.Rejection):
                    raise fields
                messages = columns.chat(fields)
                # the label is not part of the key: after adding a label column no row is sent again
                row_key = keys.next_key(messages)
                messages = columns.with_label(messages, fields)
            except reasons.Rejection as unusable:
                yield RejectedRow(RowOrigin(part.split, name, number, ordinal), unusable.reason, _written(unusable.detail), row_key)
            else:
                yield TrainingRow(row_key, RowOrigin(part.split, name, number, ordinal), messages)
            ordinal += 1
            if ordinal == end:
                return
        before = records.number
        if records.broken:
            broken_file = part.file


def _written(detail: str) -> str:
    """A detail that any file can hold: its quotes may contain half of a surrogate pair."""
    return detail if detail.isascii() else detail.encode("utf-8", "backslashreplace").decode("utf-8")


def missing_columns(spec: InputSpec, path: str) -> list[str]:
    """Messages about columns in the settings that a file does not have. Raises UnusableFile and BadTemplate."""
    return column_problems(open_as_stored, path, ReadSpec.of(spec))


def column_problems(open_file: Callable[[str], OpenFile], file: str, reading: ReadSpec) -> list[str]:
    """Messages about columns in the settings that the file, or all of its first records, do not have. Empty if no record can be read.

    Raises UnusableFile and BadTemplate.
    """
    columns = RowColumns(reading.columns, reading.max_row_bytes)
    with closing(open_file(file)) as stored:
        kept_as, source = open_rows(file, stored, reading.format)
        found = kept_as.columns(source, reading.max_row_bytes)
    return [] if found is None else columns.problems(found)
