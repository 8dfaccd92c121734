"""Arrow files: a stream of record batches, with or without the file frame (also called Feather, version 2)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, ClassVar

from transforms.intake.formats.base import Record, UnusableFile
from transforms.intake.formats.columnar import broken, rows_of
from transforms.intake.lines import ByteSource, PushedBack, SeekableSource, byte_stream

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
        for batch in _batches(_open(source).read_next_batch, 0):
            yield from rows_of(batch, number, max_row_bytes, columns)
            number += batch.num_rows

    def cuts(self, source: SeekableSource, size_bytes: int, part_bytes: int) -> list[tuple[int, int]]:
        """Record batches, taken to be of one size. Only a file with the frame says where they are."""
        framed = _framed(source)
        if framed is None:
            return []
        batches = framed.num_record_batches
        count = max(1, min(batches, -(-size_bytes // part_bytes)))
        places = [batches * number // count for number in range(count + 1)]
        return list(zip(places, places[1:], strict=False))

    def records_between(
        self, source: SeekableSource, stretch: tuple[int, int], before: int, max_row_bytes: int, columns: frozenset[str] | None
    ) -> Generator[Record, None, int]:
        """A record for every row of these batches."""
        framed = _framed(source)
        if framed is None:
            raise UnusableFile("the Arrow file has lost its end while it was read")
        numbers = iter(range(*stretch))
        for batch in _batches(lambda: framed.get_batch(next(numbers)), before):
            yield from rows_of(batch, before, max_row_bytes, columns)
            before += batch.num_rows
        return before

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The sum of the batches' rows; no value is decoded."""
        number = 0
        for batch in _batches(_open(source).read_next_batch, 0):
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
        raise broken("this is not an Arrow file", error) from None
    return reader


def _framed(source: Any) -> Any:
    """A reader that goes to any batch; None for a stream without the frame, and where the end of a file is lost."""
    # late: keeps PyArrow out of the start
    import pyarrow
    import pyarrow.ipc

    source.seek(0)
    if source.read(len(FRAME)) != FRAME:
        return None
    try:
        return pyarrow.ipc.open_file(pyarrow.PythonFile(source, mode="r"))
    except pyarrow.ArrowInvalid:
        return None


def _batches(read_next: Callable[[], Any], number: int) -> Iterator[Any]:
    """Batch after batch; ``number`` records were read before."""
    while True:
        try:
            batch = read_next()
            _check(batch)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - damaged bytes can make pyarrow raise anything
            raise broken(f"the Arrow file breaks off or is damaged behind record {number:,}", error) from None
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
