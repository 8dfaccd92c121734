"""Parts of the input. One worker reads and writes a part, independently of the others."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.conclusion import DamagedPart
from transforms.elements.rows import Split
from transforms.elements.tally import SuccessTally


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one input file.

    ``number`` is its place among the parts of its split, from 0. ``begin`` and ``end`` are places in the file in the unit of its format
    (bytes, row groups, record batches). A whole file has ``begin`` 0 and ``end`` None.
    """

    split: Split
    file: str
    number: int
    begin: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive parts of one split that a worker reads in order, and what comes before the first of them.

    ``lines_before`` are the lines (or records) of its file before it, ``rows_before`` the rows of the split. The stretch has at most
    ``most_rows`` rows. ``repeats`` says how often its contents occur before it, packed by ``intake.repeats``; only those that do.
    ``left_out`` has the rows that double others, packed by ``intake.doubles.left_out``; None if that is decided while reading.
    """

    parts: tuple[Part, ...]
    lines_before: int = 0
    rows_before: int = 0
    most_rows: int | None = None
    repeats: bytes = b""
    left_out: bytes | None = None

    @property
    def split(self) -> Split:
        """The split that all parts are of."""
        return self.parts[0].split


@dataclass(frozen=True, slots=True)
class PartCount:
    """The survey of a part: its number of ``lines`` in the file's numbering, its number of ``rows``, and whether the file cannot be read
    behind it."""

    part: Part
    lines: int
    rows: int
    broken: bool


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """The written files of one stretch, and their contents. ``number`` is that of its first part.

    ``examples`` are files of examples, each with its shard, ``pairs`` those of pairs; ``rejects`` is None without rejects. ``repeated`` and
    ``damaged`` are about the whole ledger, as far as the writer read it.
    """

    split: Split
    number: int
    examples: tuple[tuple[int, str], ...]
    rejects: str | None
    tally: SuccessTally
    repeated: int
    damaged: tuple[DamagedPart, ...]
    pairs: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class JoinedFile:
    """A file with the final name ``final``, joined from ``staged`` in this order. ``is_table``: its rows are Parquet; ``holds_pairs``: they are
    pairs of answers."""

    final: str
    staged: tuple[str, ...]
    is_table: bool
    holds_pairs: bool = False
