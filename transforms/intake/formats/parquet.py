"""Parquet: a table with columns, read a few hundred rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from transforms.intake.formats.base import Record, UnusableFile
from transforms.intake.formats.columnar import ROWS_AT_A_TIME, rows_of
from transforms.intake.lines import ByteSource

BUFFER_BYTES = 1024 * 1024


class Parquet:
    """Needs a file that can be read from any place: not one that is compressed as a whole."""

    numbered_by: ClassVar[str] = "record"

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every row of the table; its number is its place."""
        import pyarrow

        table = _open(source)
        names = [name for name in table.schema_arrow.names if columns is None or name in columns]
        number = 0
        try:
            for batch in table.iter_batches(ROWS_AT_A_TIME, columns=names, use_threads=False):
                yield from rows_of(batch, number, max_row_bytes, columns)
                number += batch.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            if getattr(error, "errno", None):
                raise  # the disk or the network, not the file
            raise UnusableFile(f"the Parquet file is damaged behind row {number}: {error}") from None

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The number in the file's footer."""
        return int(_open(source).metadata.num_rows)

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The columns that the file's schema names."""
        return [str(name) for name in _open(source).schema_arrow.names]


def _open(source: Any) -> Any:
    import pyarrow  # only people with a Parquet file wait for it
    import pyarrow.parquet

    if not hasattr(source, "seek"):
        raise UnusableFile("Parquet is compressed inside, and a Parquet file that is compressed as a whole cannot be read; unpack it first")
    try:
        # without the buffer, whole columns of a row group would be in memory
        return pyarrow.parquet.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False)
    except (pyarrow.ArrowException, OSError) as error:
        if getattr(error, "errno", None):
            raise
        raise UnusableFile(f"this is not a Parquet file ({str(error).splitlines()[0]})") from None
