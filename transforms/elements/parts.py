"""Parts of the input, each read by one worker without the others."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.rows import Split


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
