"""Parquet: a table with columns, read a few hundred rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from transforms.elements import reasons
from transforms.intake.formats.base import Record, UnusableFile
from transforms.intake.lines import ByteSource
from transforms.intake.refusal import UnusableRecord

ROWS_PER_BATCH = 256
BUFFER_BYTES = 1024 * 1024


class Parquet:
    """Needs a file that can be read from any place: not one that is compressed as a whole."""

    names_columns: ClassVar[bool] = True
    numbered_by: ClassVar[str] = "record"

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every row of the table; its number is its place."""
        import pyarrow

        table = _open(source)
        names = [name for name in table.schema_arrow.names if columns is None or name in columns]
        number = 0
        try:
            for batch in table.iter_batches(ROWS_PER_BATCH, columns=names, use_threads=False):
                roomy = batch.nbytes > max_row_bytes
                for fields in batch.to_pylist():
                    number += 1
                    yield number, _too_large(max_row_bytes) if roomy and _size(fields) > max_row_bytes else fields
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

    try:
        # without the buffer, whole columns of a row group would be in memory
        return pyarrow.parquet.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False)
    except (pyarrow.ArrowException, OSError) as error:
        if getattr(error, "errno", None):
            raise
        raise UnusableFile(
            f"this is no Parquet file ({str(error).splitlines()[0]}). Parquet is compressed inside; "
            "a file that is compressed as a whole must be unpacked first"
        ) from None


def _size(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, dict):
        return sum(_size(item) for item in value.values())
    return sum(_size(item) for item in value) if isinstance(value, list) else 8


def _too_large(max_row_bytes: int) -> UnusableRecord:
    return UnusableRecord(reasons.ROW_TOO_LARGE, f"the row is longer than the {max_row_bytes:,} bytes that are read; shorten it")
