"""Files of a dataset, written row by row: lines of JSON, or a Parquet table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Protocol

from transforms.elements.data_specs import DatasetSpec
from transforms.files.stored import files_for, open_as_stored
from transforms.students.layouts import Layout, layout_of
from transforms.students.lines import json_line
from transforms.students.metadata import METADATA, metadata_in_table

ROW_GROUP_BYTES = 16 * 1024 * 1024
ROWS_PER_BATCH = 128
"""Rows that are collected in Python before they are converted to Arrow."""


class DatasetFile(Protocol):
    """A file of a dataset. It is complete when it is closed."""

    path: str

    def write(self, item: Any) -> None:
        """Add a row."""

    def close(self) -> None:
        """Complete the file."""


class DatasetLines:
    """Lines of JSON, not compressed."""

    def __init__(self, path: str, layout: Layout[Any], ensure_ascii: bool) -> None:
        self.path = path
        self._layout = layout
        self._ensure_ascii = ensure_ascii
        self._file = files_for(path).create_bytes(path)

    def write(self, item: Any) -> None:
        """Add a row."""
        self._file.write(json_line(self._layout.row(item), self._ensure_ascii).encode() + b"\n")

    def close(self) -> None:
        """Complete the file."""
        self._file.close()


class DatasetTable:
    """A Parquet table (snappy). Its row groups depend only on its rows: the same rows give the same bytes."""

    def __init__(self, path: str, layout: Layout[Any]) -> None:
        # late: keeps PyArrow out of the start
        import pyarrow.parquet

        self.path = path
        self._arrow: Any = pyarrow
        self._layout = layout
        self._schema = layout.parquet_schema()
        self._columns: dict[str, list[Any]] = {name: [] for name in self._schema.names}
        self._rows = 0
        self._batches: list[Any] = []
        self._bytes = 0
        self._file = files_for(path).create_bytes(path)
        self._writer = pyarrow.parquet.ParquetWriter(self._file, self._schema, compression="snappy")

    def write(self, item: Any) -> None:
        """Add a row."""
        row = self._layout.row(item)
        if METADATA in row:
            row[METADATA] = metadata_in_table(row[METADATA])
        self.add(row)

    def add(self, row: dict[str, Any]) -> None:
        """Add a row as it is in the table."""
        if self._rows >= ROWS_PER_BATCH:
            self._end_batch()
        if self._bytes >= ROW_GROUP_BYTES:
            self._end_row_group()
        for name, values in self._columns.items():
            values.append(row.get(name))
        self._rows += 1

    def close(self) -> None:
        """Complete the file."""
        if self._rows:
            self._end_batch()
        if self._batches:
            self._end_row_group()
        self._writer.close()
        self._file.close()

    def _end_batch(self) -> None:
        arrays = [self._arrow.array(values, type=self._schema.field(name).type) for name, values in self._columns.items()]
        for values in self._columns.values():
            values.clear()
        self._rows = 0
        self._batches.append(self._arrow.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._bytes += sum(buffer.size for array in arrays for buffer in array.buffers() if buffer is not None)

    def _end_row_group(self) -> None:
        self._writer.write_table(self._arrow.Table.from_batches(self._batches, schema=self._schema))
        self._batches, self._bytes = [], 0


def dataset_file(path: str, dataset: DatasetSpec, is_table: bool, holds_pairs: bool = False) -> DatasetFile:
    """A new file of examples, or of pairs."""
    layout = layout_of(dataset, holds_pairs)
    return DatasetTable(path, layout) if is_table else DatasetLines(path, layout, dataset.ensure_ascii)


def rows_of_table(path: str) -> Iterator[dict[str, Any]]:
    """The rows of a table that ``DatasetTable`` wrote."""
    # late: keeps PyArrow out of the start
    import pyarrow.parquet

    with closing(open_as_stored(path)) as stored:
        for batch in pyarrow.parquet.ParquetFile(stored).iter_batches(ROWS_PER_BATCH):
            yield from batch.to_pylist()
