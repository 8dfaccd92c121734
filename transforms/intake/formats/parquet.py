"""Parquet: a table with columns, read a few hundred rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, ClassVar

from transforms.intake.formats.base import Record, UnusableFile
from transforms.intake.formats.columnar import ROWS_AT_A_TIME, broken, rows_of
from transforms.intake.lines import ByteSource, SeekableSource

BUFFER_BYTES = 1024 * 1024


class Parquet:
    """Needs a seekable file: not one that is compressed as a whole."""

    numbered_by: ClassVar[str] = "record"
    counts_by_parsing: ClassVar[bool] = False
    counts_by_footer: ClassVar[bool] = True

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every row of the table; its number is its place."""
        table = _open(source)
        yield from _rows(table, range(table.num_row_groups), 0, max_row_bytes, columns)

    def cuts(self, source: SeekableSource, size_bytes: int, part_bytes: int) -> list[tuple[int, int]]:
        """Row groups, as many together as have the bytes."""
        metadata = _open(source).metadata
        cuts, begin, held_bytes = [], 0, 0
        for group in range(metadata.num_row_groups):
            described = metadata.row_group(group)
            held_bytes += sum(described.column(place).total_compressed_size for place in range(described.num_columns))
            if held_bytes >= part_bytes or group + 1 == metadata.num_row_groups:
                cuts.append((begin, group + 1))
                begin, held_bytes = group + 1, 0
        return cuts

    def records_between(
        self, source: SeekableSource, stretch: tuple[int, int], before: int, max_row_bytes: int, columns: frozenset[str] | None
    ) -> Generator[Record, None, int]:
        """A record for every row of these row groups."""
        return (yield from _rows(_open(source), range(*stretch), before, max_row_bytes, columns))

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The number in the file's footer."""
        return int(_open(source).metadata.num_rows)

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The columns that the file's schema names."""
        return [str(name) for name in _open(source).schema_arrow.names]


def _rows(table: Any, groups: range, number: int, max_row_bytes: int, columns: frozenset[str] | None) -> Generator[Record, None, int]:
    """The rows of row groups, numbered on from ``number``; returns the last number. One group after another, so that what can be read of a
    damaged file is the same however it is cut."""
    names = [name for name in table.schema_arrow.names if columns is None or name in columns]
    for group in groups:
        batches = None
        while True:
            try:
                batches = batches or table.iter_batches(ROWS_AT_A_TIME, row_groups=[group], columns=names, use_threads=False)
                batch = next(batches, None)
            except Exception as error:  # noqa: BLE001 - pyarrow raises whatever the damaged bytes lead it to
                raise broken(f"the Parquet file is damaged behind row {number}", error) from None
            if batch is None:
                break
            yield from rows_of(batch, number, max_row_bytes, columns)
            number += batch.num_rows
    return number


def _open(source: Any) -> Any:
    # late: keeps PyArrow out of the start
    import pyarrow.parquet

    if not hasattr(source, "seek"):
        raise UnusableFile("Parquet is compressed inside, and a Parquet file that is compressed as a whole cannot be read; unpack it first")
    try:
        # without the buffer, a row group's whole columns would be in memory
        table = pyarrow.parquet.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False)
        list(table.schema_arrow.names)  # decodes the names, which may fail
    except Exception as error:  # noqa: BLE001 - damaged bytes can make pyarrow raise anything
        raise broken("this is not a Parquet file", error) from None
    return table
