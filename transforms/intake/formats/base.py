"""The interface of every input format, and the two ways a file can fail."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, Protocol, runtime_checkable

from transforms.elements import reasons
from transforms.intake.lines import ByteSource, SeekableSource
from transforms.intake.unusable import UnusableRecord

Record = tuple[int, "dict[str, Any] | reasons.Rejection"]
"""A record's number and its fields by name, or why it cannot be read.

The number is the 1-based line where the record begins, or, in formats without lines, its 1-based place in the file.
"""


class UnusableFile(reasons.Rejection):
    """A file that cannot be read as its format, from its beginning or from some place on; nothing after that place can be read."""

    def __init__(self, detail: str) -> None:
        super().__init__(reasons.UNREADABLE_FILE, detail)


@dataclass(frozen=True, slots=True)
class UnreadableValue:
    """A value of a record that Python cannot hold or that does not fit its column's type: a row that uses it is a reject."""

    reason: str
    detail: str

    def refusal(self) -> UnusableRecord:
        """What to raise when the value is used."""
        return UnusableRecord(self.reason, self.detail)

    def __str__(self) -> str:
        raise self.refusal()


class RowFormat(Protocol):
    """One file format. ``numbered_by`` is what a record's number counts, ``line`` or ``record``.

    ``count`` reads the whole file unless ``counts_by_footer``, and parses every record if ``counts_by_parsing``.
    """

    numbered_by: ClassVar[str]
    counts_by_parsing: ClassVar[bool]
    counts_by_footer: ClassVar[bool]

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """The records in order. Records longer than ``max_row_bytes`` come out as unusable.

        ``columns`` are the only fields in use, if known: a format may leave out the others. Raises UnusableFile.
        """
        ...

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The names of the fields that the file, or its first records, have; None when no usable record is found. Raises UnusableFile."""
        ...

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The number of records, counted as cheaply as the format allows; fewer if ``go_on`` returned False on the way.

        For the progress view: it may be wrong for a damaged file. Raises UnusableFile.
        """
        ...


@runtime_checkable
class CutFormat(Protocol):
    """A format whose files can be read in stretches, each without what is before it."""

    def cuts(self, source: SeekableSource, size_bytes: int, part_bytes: int) -> list[tuple[int, int]]:
        """Where a file of this size is cut into stretches of some ``part_bytes``: begin and end of each, one behind the other.

        None at all for a file that cannot be cut. What they count is the format's own affair. Raises UnusableFile.
        """
        ...

    def records_between(
        self, source: SeekableSource, stretch: tuple[int, int], before: int, max_row_bytes: int, columns: frozenset[str] | None
    ) -> Generator[Record, None, int]:
        """The records of one stretch as ``records`` gives them, numbered on from ``before``. Returns the last number that the stretch takes,
        blank lines included. Raises UnusableFile."""
        ...


LOOKS_EVERY = 1024
"""Records counted between two calls of ``go_on``."""
FIRST_RECORDS = 20


def first_columns(records: Iterator[Record]) -> list[str] | None:
    """The names in the first records, for formats without a schema: several records, because the first may be bad."""
    names: dict[str, None] = {}
    for _, fields in islice(records, FIRST_RECORDS):
        if isinstance(fields, dict):
            names.update(dict.fromkeys(map(str, fields)))
    return list(names) or None
