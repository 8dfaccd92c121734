"""Parquet: a table with columns, read a few hundred rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from transforms.intake.formats.base import Record, UnusableFile
from transforms.intake.formats.columnar import ROWS_AT_A_TIME, rows_of
from transforms.intake.lines import ByteSource

BUFFER_BYTES = 1024 * 1024


class Parquet:
    """Needs a seekable file: not one that is compressed as a whole."""

    numbered_by: ClassVar[str] = "record"
    counts_by_parsing: ClassVar[bool] = False
    counts_by_footer: ClassVar[bool] = True

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every row of the table; its number is its place."""
        table = _open(source)
        names = [name for name in table.schema_arrow.names if columns is None or name in columns]
        batches = table.iter_batches(ROWS_AT_A_TIME, columns=names, use_threads=False)
        number = 0
        while True:
            try:
                batch = next(batches, None)
            except Exception as error:  # noqa: BLE001 - damaged bytes can make pyarrow raise anything
                raise _broken(f"the Parquet file is damaged behind row {number}", error) from None
            if batch is None:
                return
            yield from rows_of(batch, number, max_row_bytes, columns)
            number += batch.num_rows

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The number in the file's footer."""
        return int(_open(source).metadata.num_rows)

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The columns that the file's schema names."""
        return [str(name) for name in _open(source).schema_arrow.names]


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
        raise _broken("this is not a Parquet file", error) from None
    return table


def _broken(what: str, error: Exception) -> Exception:
    if getattr(error, "errno", None):
        return error  # the disk or the network, not the file
    return UnusableFile(f"{what} ({(str(error).splitlines() or [type(error).__name__])[0]})")
