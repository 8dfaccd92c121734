"""All rows of a split, part by part, record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from transforms.elements.data_specs import InputSpec, SplitFiles
from transforms.elements.flow import Row
from transforms.elements.parts import Stretch
from transforms.elements.rows import Split
from transforms.files.matching import matching_files
from transforms.files.stored import open_as_stored
from transforms.intake.columns import RowColumns
from transforms.intake.doubles.left_out import left_out_again
from transforms.intake.doubles.sieve import sieve_for
from transforms.intake.opening import OpenFile, open_rows
from transforms.intake.parts import whole_files
from transforms.intake.read_spec import ReadSpec
from transforms.intake.rows import read_stretch


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
    """As ``read_stretch``, but with rejects in place of the rows that double others, if the settings leave these out."""
    rows = read_stretch(open_file, stretch, reading)
    if stretch.left_out is not None:
        yield from left_out_again(rows, stretch.left_out)
    elif reading.doubles.is_on:
        yield from sieve_for(open_file, stretch.split, reading).sift(rows)
    else:
        yield from rows


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
