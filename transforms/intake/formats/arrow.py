"""Arrow files: a stream of record batches, with or without the file frame (also called Feather, version 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from transforms.intake.formats.base import Record, UnusableFile
from transforms.intake.formats.columnar import rows_of
from transforms.intake.lines import ByteSource, PushedBack, byte_stream

FRAME = b"ARROW1\x00\x00"
"""The first bytes of a file with the frame; the stream follows, so both are read the same way, from front to back."""


class ArrowBatches:
    """One record batch is in memory at a time, as large as its writer made it: Hugging Face's datasets writes a thousand rows."""

    numbered_by: ClassVar[str] = "record"
    counts_by_parsing: ClassVar[bool] = False
    counts_by_footer: ClassVar[bool] = False

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """A record for every row of the table; its number is its place."""
        number = 0
        for batch in _batches(_open(source)):
            yield from rows_of(batch, number, max_row_bytes, columns)
            number += batch.num_rows

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The sum of the batches' rows; no value is decoded."""
        number = 0
        for batch in _batches(_open(source)):
            number += batch.num_rows
            if not go_on(number):
                break
        return number

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The columns that the file's schema names."""
        return [str(name) for name in _open(source).schema.names]


def _open(source: Any) -> Any:
    # late: keeps PyArrow out of the start
    import pyarrow
    import pyarrow.ipc

    stream = byte_stream(source)
    head = stream.read(len(FRAME))
    whole = stream if head == FRAME else byte_stream(PushedBack(head, stream))
    try:
        reader = pyarrow.ipc.open_stream(pyarrow.PythonFile(whole, mode="r"))
        list(reader.schema.names)  # decodes the names, which may fail
    except Exception as error:  # noqa: BLE001 - damaged bytes can make pyarrow raise anything
        raise _broken("this is not an Arrow file", error) from None
    return reader


def _batches(reader: Any) -> Iterator[Any]:
    number = 0
    while True:
        try:
            batch = reader.read_next_batch()
            _check(batch)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - damaged bytes can make pyarrow raise anything
            raise _broken(f"the Arrow file breaks off or is damaged behind record {number:,}", error) from None
        number += batch.num_rows
        yield batch


def _check(batch: Any) -> None:
    """Raise ArrowException for a damaged batch: its values must not be read, because they may be outside of its memory.

    Text that is not UTF-8 is not damage here; it is found per value.
    """
    # late: keeps PyArrow out of the start
    import pyarrow

    try:
        batch.validate(full=True)
    except pyarrow.ArrowInvalid:
        for column in batch.columns:
            column.view(_without_text(column.type)).validate(full=True)


def _without_text(kind: Any) -> Any:
    """The type with binary instead of text; both have the same layout."""
    # late: keeps PyArrow out of the start
    import pyarrow

    binary = {pyarrow.string(): pyarrow.binary(), pyarrow.large_string(): pyarrow.large_binary()}
    if kind in binary:
        return binary[kind]
    if not kind.num_fields:
        return kind
    fields = [kind.field(place).with_type(_without_text(kind.field(place).type)) for place in range(kind.num_fields)]
    if pyarrow.types.is_struct(kind):
        return pyarrow.struct(fields)
    if pyarrow.types.is_list(kind):
        return pyarrow.list_(fields[0])
    return pyarrow.large_list(fields[0]) if pyarrow.types.is_large_list(kind) else kind


def _broken(what: str, error: Exception) -> Exception:
    if getattr(error, "errno", None):
        return error  # the disk or the network, not the file
    return UnusableFile(f"{what} ({(str(error).splitlines() or [type(error).__name__])[0]})")
