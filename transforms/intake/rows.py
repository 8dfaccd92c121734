"""The records of a stretch as rows or rejects, with their keys and places."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from transforms.elements import reasons
from transforms.elements.flow import Row
from transforms.elements.parts import Stretch
from transforms.elements.rows import RejectedRow, RowOrigin, TrainingRow
from transforms.elements.storable_text import storable_text
from transforms.intake.columns import RowColumns
from transforms.intake.missing_words import FieldsWithGaps
from transforms.intake.opening import OpenFile
from transforms.intake.parts import PartRecords
from transforms.intake.read_spec import ReadSpec
from transforms.intake.row_keys import RowKeys


def read_stretch(open_file: Callable[[str], OpenFile], stretch: Stretch, reading: ReadSpec) -> Iterator[Row]:
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
                detail = unusable.detail + (fields.remark(columns.looked_at) if isinstance(fields, FieldsWithGaps) else "")
                yield RejectedRow(RowOrigin(part.split, name, number, ordinal), unusable.reason, _written(detail), row_key)
            else:
                yield TrainingRow(row_key, RowOrigin(part.split, name, number, ordinal), messages, columns.others(fields))
            ordinal += 1
            if ordinal == end:
                return
        before = records.number
        if records.broken:
            broken_file = part.file


def _written(detail: str) -> str:
    """A detail that any file can hold: its quotes may contain half of a surrogate pair."""
    return detail if detail.isascii() else detail.encode("utf-8", "backslashreplace").decode("utf-8")
