"""Decides which rows are left out, in reading order, some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from transforms.elements import reasons
from transforms.elements.data_specs import DoublesSpec
from transforms.elements.flow import Row
from transforms.elements.parts import Stretch
from transforms.elements.rows import RejectedRow, Split, TrainingRow
from transforms.files.matching import matching_files
from transforms.intake.doubles.other_files import WORDS_IN_COMMON, References, references_in
from transforms.intake.doubles.seen_rows import SeenRows
from transforms.intake.doubles.shared_words import ROWS_LOOKED_AT, shared_words
from transforms.intake.doubles.sketches import Sketcher, Sketches, digests_of, keys_with_system, without_words
from transforms.intake.formats.registry import place_in
from transforms.intake.opening import OpenFile
from transforms.intake.parts import whole_files
from transforms.intake.read_spec import ReadSpec
from transforms.intake.rows import read_stretch

ROWS_AT_ONCE = 256
"""Rows are decided together, because an array of many numbers costs hardly more than one of few. The first ones wait for few others."""
LETTERS_AT_ONCE = 128 * 1024
_FIRST_AT_ONCE = 16


class Double(NamedTuple):
    """Why a row is left out: the reason, and the sentence that names the other row."""

    reason: str
    detail: str


class Compared(NamedTuple):
    """What rows are compared with, besides the rows before them: validation rows, and other files."""

    validation: SeenRows | None = None
    references: References | None = None


class Sieve:
    """The rows of one split. ``sketcher`` is None if only equal rows are looked for; ``input_format`` is for messages."""

    def __init__(self, doubles: DoublesSpec, sketcher: Sketcher | None, compared: Compared, input_format: str | None) -> None:
        self._doubles = doubles
        self._sketcher = sketcher
        self._compared = compared
        self._format = input_format
        self._seen = SeenRows(doubles.drop == "near", doubles.similarity)

    def sift(self, rows: Iterator[Row]) -> Iterator[Row]:
        """All rows in their order, with rejects in place of those that are left out."""
        for some in together(rows):
            usable = [row for row in some if isinstance(row, TrainingRow)]
            doubles = iter(self._doubles_among(usable) if usable else ())
            for row in some:
                double = next(doubles) if isinstance(row, TrainingRow) else None
                yield row if double is None else RejectedRow(row.origin, double.reason, double.detail, row.row_key)

    def _doubles_among(self, rows: Sequence[TrainingRow]) -> list[Double | None]:
        found, sketches = self.look_at(rows)
        if self._compared.validation is not None:
            self._find_leaks(found, self._compared.validation, sketches)
        if self._doubles.drop != "off":
            self._find_earlier(found, rows, sketches)
        return found

    def look_at(self, rows: Sequence[TrainingRow]) -> tuple[list[Double | None], Sketches]:
        """What is known of rows without other rows of the run: which are contaminated, and their sketches."""
        found: list[Double | None] = [None] * len(rows)
        if self._sketcher is None:
            return found, without_words(digests_of(rows, self._doubles.several_turns))
        words = self._sketcher.words(rows)
        sketches = self._sketcher.sketches(rows, words)
        if self._compared.references is not None:
            self._find_contaminated(found, self._compared.references, self._compared.references.overlaps(words), sketches)
        return found, sketches._replace(keys=keys_with_system(sketches.keys, rows))

    def _find_contaminated(self, found: list[Double | None], references: References, overlaps: list[int], sketches: Sketches) -> None:
        near, similarities = references.near(sketches)
        for place, (overlap, similar) in enumerate(zip(overlaps, near.tolist(), strict=True)):
            if overlap >= 0:
                where = self._place(references.seen, overlap)
                found[place] = Double(reasons.CONTAMINATED, f"has {WORDS_IN_COMMON} words in a row in common with {where}")
            elif similar >= 0:
                found[place] = Double(reasons.CONTAMINATED, _nearly(self._place(references.seen, similar), similarities[place]))

    def _find_leaks(self, found: list[Double | None], validation: SeenRows, sketches: Sketches) -> None:
        near, similarities = validation.find_near(sketches.keys, sketches.signatures)
        for place, (equal, similar) in enumerate(zip(validation.find_exact(sketches).tolist(), near.tolist(), strict=True)):
            if found[place] is None and equal >= 0:
                found[place] = asks_same(self._place(validation, equal), is_leak=True)
            elif found[place] is None and similar >= 0:
                found[place] = asks_nearly(self._place(validation, similar), similarities[place], is_leak=True)

    def _find_earlier(self, found: list[Double | None], rows: Sequence[TrainingRow], sketches: Sketches) -> None:
        exact, near = self._seen.add(sketches, [row.origin for row in rows])
        for place, (equal, similar) in enumerate(zip(exact.tolist(), near.rows.tolist(), strict=True)):
            if found[place] is None and equal >= 0:
                found[place] = asks_same(self._place(self._seen, equal), is_leak=False)
            elif found[place] is None and similar >= 0:
                found[place] = asks_nearly(self._place(self._seen, similar), near.similarities[place], is_leak=False)

    def _place(self, seen: SeenRows, row: int) -> str:
        return place_of(*seen.place(row), self._format)


def asks_same(where: str, is_leak: bool) -> Double:
    """A row that asks what the row at ``where`` asks."""
    if is_leak:
        return Double(reasons.LEAK, f"asks the same as {where}, a validation row")
    return Double(reasons.EXACT_DOUBLE, f"asks the same as {where}")


def asks_nearly(where: str, similarity: float, is_leak: bool) -> Double:
    """A row that asks nearly what the row at ``where`` asks."""
    if is_leak:
        return Double(reasons.LEAK, f"{_nearly(where, similarity)}, a validation row")
    return Double(reasons.NEAR_DOUBLE, _nearly(where, similarity))


def place_of(file: str, line: int, input_format: str | None) -> str:
    """A row's place, for the sentence that names it."""
    return f"{place_in(file, line, input_format)} of {file}"


def _nearly(where: str, similarity: float) -> str:
    return f"asks nearly the same as {where} (estimated similarity {similarity:.2f})"


def together(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Rows in their order, some at a time."""
    some: list[Row] = []
    most, letters = _FIRST_AT_ONCE, 0
    for row in rows:
        some.append(row)
        letters += sum(len(message.content) for message in row.messages) if isinstance(row, TrainingRow) else 0
        if len(some) >= most or letters >= LETTERS_AT_ONCE:
            yield some
            some, most, letters = [], min(ROWS_AT_ONCE, 2 * most), 0
    if some:
        yield some


def sieve_for(open_file: Callable[[str], OpenFile], split: Split, reading: ReadSpec) -> Sieve:
    """The sieve for one split of a run, after reading what its rows are compared with.

    Raises BadTemplate, and the errors of opening and reading a file.
    """
    doubles = reading.doubles
    if not doubles.compares_words:
        return Sieve(doubles, None, Compared(), reading.format)
    shared = shared_words(_rows_of(open_file, reading.train, Split.TRAIN, ROWS_LOOKED_AT, reading), doubles.several_turns)
    sketcher = Sketcher(shared, doubles.several_turns)
    validation = references = None
    if doubles.leaks and split is Split.TRAIN:
        validation = _validation(open_file, reading, sketcher)
    if doubles.against is not None:
        own = replace(reading, columns=doubles.against_columns, format=None)
        references = references_in(_rows_of(open_file, doubles.against, split, None, own), sketcher, doubles.similarity)
    return Sieve(doubles, sketcher, Compared(validation, references), reading.format)


def _rows_of(open_file: Callable[[str], OpenFile], pattern: str | None, split: Split, limit: int | None, reading: ReadSpec) -> Iterator[Row]:
    parts = whole_files(split, matching_files(pattern)) if pattern is not None else ()
    if parts:
        yield from read_stretch(open_file, Stretch(parts, most_rows=limit), reading)


def _validation(open_file: Callable[[str], OpenFile], reading: ReadSpec, sketcher: Sketcher) -> SeenRows:
    seen = SeenRows(True, reading.doubles.similarity)
    for some in together(_rows_of(open_file, reading.validation, Split.VALIDATION, reading.limit, reading)):
        usable = [row for row in some if isinstance(row, TrainingRow)]
        if usable:
            sketches = sketcher.sketches(usable, sketcher.words(usable))
            seen.add(sketches._replace(keys=keys_with_system(sketches.keys, usable)), [row.origin for row in usable])
    return seen
