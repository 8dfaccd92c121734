"""Parts of the input, each read and written by one worker without the others."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.conclusion import DamagedPart
from transforms.elements.rows import Split
from transforms.elements.tally import SuccessTally


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one input file.

    ``number`` is its place among the parts of its split, from 0. ``begin`` and ``end`` are places in the file as its format counts them
    (bytes, row groups, record batches); ``end`` is None for a whole file, which ``begin`` is 0 for.
    """

    split: Split
    file: str
    number: int
    begin: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Parts of one split that a worker reads one after another, in order, and what came before the first of them.

    ``lines_before`` are the lines (or records) of its file before it, ``rows_before`` the rows of the split. ``most_rows`` ends the stretch
    after so many rows. ``repeats`` has how often contents were met before, packed as ``intake.row_keys`` does; only those that come again.
    """

    parts: tuple[Part, ...]
    lines_before: int = 0
    rows_before: int = 0
    most_rows: int | None = None
    repeats: bytes = b""

    @property
    def split(self) -> Split:
        """The split that all parts are of."""
        return self.parts[0].split


@dataclass(frozen=True, slots=True)
class PartCount:
    """What a survey found in a part: ``lines`` that it takes of its file's numbering, ``rows`` that it gives, and whether the file cannot be
    read behind it."""

    part: Part
    lines: int
    rows: int
    broken: bool


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """What was written of one stretch of a split, and what is in it. ``number`` is that of its first part.

    ``examples`` are files of examples, each with the shard it belongs to; ``rejects`` is None where there are none. ``repeated`` and
    ``damaged`` are of the whole ledger, as far as the writer looked at it.
    """

    split: Split
    number: int
    examples: tuple[tuple[int, str], ...]
    rejects: str | None
    tally: SuccessTally
    repeated: int
    damaged: tuple[DamagedPart, ...]


@dataclass(frozen=True, slots=True)
class JoinedFile:
    """A file that is to have the name ``final``, made of ``staged`` in this order. ``is_table``: its rows are Parquet."""

    final: str
    staged: tuple[str, ...]
    is_table: bool
