"""The cuts of the input into parts, and the records of one part."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from transforms.elements import reasons
from transforms.elements.data_specs import InputSpec, SplitFiles
from transforms.elements.parts import Part, PartCount, Stretch
from transforms.elements.rows import Split
from transforms.files.matching import sizes_of
from transforms.files.stored import open_as_stored
from transforms.intake.columns import RowColumns
from transforms.intake.formats.base import CutFormat, Record, UnusableFile
from transforms.intake.formats.registry import format_of
from transforms.intake.opening import OpenFile, open_rows
from transforms.intake.read_spec import ReadSpec
from transforms.intake.row_keys import content_digest, short_digest

MOST_PART_BYTES = 64 * 1024 * 1024
LEAST_PART_BYTES = 16 * 1024
PARTS_PER_PROCESS = 16
"""Runners assign parts at random: with fewer, some processes have much more work than others. More parts cost more opened files."""


def parts_of(spec: InputSpec) -> Iterator[list[Part]]:
    """The parts of each split that has any, in order. If one process reads everything, each file is one part."""
    sizes = {files.split: sizes_of(files.pattern) if files.pattern is not None else {} for files in spec.splits}
    each = sum(sum(found.values()) for found in sizes.values()) // (PARTS_PER_PROCESS * spec.readers)
    part_bytes = min(MOST_PART_BYTES, max(LEAST_PART_BYTES, each))
    for files in spec.splits:
        if sizes[files.split]:
            yield _parts(spec, files, sizes[files.split], part_bytes if spec.readers > 1 else None)


def whole_files(split: Split, paths: Sequence[str]) -> tuple[Part, ...]:
    """Files as parts, one each."""
    return tuple(Part(split, path, number) for number, path in enumerate(paths))


def _parts(spec: InputSpec, files: SplitFiles, sizes: dict[str, int], part_bytes: int | None) -> list[Part]:
    parts: list[Part] = []
    for path in sorted(sizes):
        cuts = [] if part_bytes is None or sizes[path] <= part_bytes else _cuts(spec, path, sizes[path], part_bytes)
        if len(cuts) < 2:
            parts.append(Part(files.split, path, len(parts)))
        else:
            parts += [Part(files.split, path, len(parts) + number, *cut) for number, cut in enumerate(cuts)]
    return parts


def _cuts(spec: InputSpec, path: str, size_bytes: int, part_bytes: int) -> list[tuple[int, int]]:
    """The byte ranges of a file's parts. One range if it cannot be cut or is not in the named format; reading it reports the reason."""
    with closing(open_as_stored(path)) as stored:
        try:
            kept_as, source = open_rows(path, stored, spec.format)
            if source is not stored or not isinstance(kept_as, CutFormat):
                return []
            return kept_as.cuts(stored, size_bytes, part_bytes)
        except UnusableFile:
            return []


class PartRecords:
    """The records of a part, numbered from ``number`` on. In a truncated file the last one is an UnusableFile.

    After the iteration ``number`` is the last number of the part, and ``broken`` says whether the file is truncated there.
    """

    def __init__(self, open_file: Callable[[str], OpenFile], part: Part, number: int = 0) -> None:
        self._open_file = open_file
        self._part = part
        self.number = number
        self.broken = False

    def read(self, reading: ReadSpec, columns: frozenset[str] | None) -> Iterator[Record]:
        """Only ``columns`` will be used, if they are known. Raises the errors of opening and reading a file."""
        part = self._part
        with closing(self._open_file(part.file)) as stored:
            try:
                if part.end is None:
                    kept_as, source = open_rows(part.file, stored, reading.format)
                    for record in kept_as.records(source, reading.max_row_bytes, columns):
                        self.number = record[0]
                        yield record
                    return
                cut: Any = format_of(part.file, reading.format)
                for record in self._to_the_end(cut.records_between(stored, (part.begin, part.end), self.number, reading.max_row_bytes, columns)):
                    self.number = record[0]
                    yield record
                self.number = self._last
            except UnusableFile as broken:
                self.broken = True
                yield self.number + 1, broken

    def _to_the_end(self, records: Generator[Record, None, int]) -> Iterator[Record]:
        self._last = yield from records


def survey_parts(open_file: Callable[[str], OpenFile], stretch: Stretch, reading: ReadSpec) -> Iterator[tuple[PartCount, array[int]]]:
    """The number of lines and rows of each part, and the digests of its rows. Parts without rows are left out: those behind the end of a
    truncated file, or behind ``most_rows``. Raises BadTemplate, and the errors of reading a file."""
    columns = RowColumns(reading.columns, reading.max_row_bytes)
    left = stretch.most_rows
    broken_file = None
    for part in stretch.parts:
        if part.file == broken_file or left == 0:
            continue
        digests = array("Q")
        rows = 0
        records = PartRecords(open_file, part)
        for _, fields in records.read(reading, columns.looked_at):
            rows += 1
            if isinstance(fields, dict):
                try:  # noqa: SIM105 - suppress() costs more, for every row
                    digests.append(short_digest(content_digest(part.split, columns.chat(fields))))
                except reasons.Rejection:
                    pass
            if rows == left:
                break
        if left is not None:
            left -= rows
        if records.broken:
            broken_file = part.file
        yield PartCount(part, records.number, rows, records.broken), digests


def surveyed(counts: Iterable[PartCount]) -> tuple[list[Stretch], list[Part]]:
    """A stretch for every part with rows to read, with what comes before it except the repeats; and the parts that are not read because
    their file is truncated before them. ``counts`` may be in any order."""
    stretches: list[Stretch] = []
    not_read: list[Part] = []
    before: PartCount | None = None
    lines = rows = 0
    broken_file = None
    for count in sorted(counts, key=lambda one: (one.part.split.value, one.part.number)):
        part = count.part
        if before is None or part.split is not before.part.split:
            rows, broken_file = 0, None
        if before is None or (part.split, part.file) != (before.part.split, before.part.file):
            lines = 0
        before = count
        if part.file == broken_file:
            not_read.append(part)
            continue
        if count.rows:
            stretches.append(Stretch((part,), lines, rows, count.rows))
        lines, rows = lines + count.lines, rows + count.rows
        if count.broken:
            broken_file = part.file
    return stretches, not_read
