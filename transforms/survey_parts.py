"""SurveyParts: count what comes before each part, so that its rows get their keys, lines and places in the whole split."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Union

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from transforms.elements.data_specs import InputSpec
from transforms.elements.parts import Part, PartCount, Stretch
from transforms.elements.rows import Split
from transforms.files.stored import open_as_stored, write_json
from transforms.intake.doubles.across_parts import Leaders, Pairs, PartName, PartSketcher, SketchedPart, decided, pairs_in, with_leaders
from transforms.intake.parts import survey_parts, surveyed
from transforms.intake.read_spec import ReadSpec
from transforms.intake.repeats import packed_buckets, repeats_before

DIGESTS = "digests"
NOT_READ = "not_read"
SKETCHES = "sketches"
MARKS = "marks"

Bucket = tuple[str, tuple[int, bytes]]
"""The bucket's name, with its split; the number of a part, and the digests that the part has of the bucket."""
Mark = tuple[str, tuple[PartName, bytes]]
"""The number of a mark with its bucket; a part, and the marks that it has of the bucket, packed by ``intake.doubles.across_parts``."""
Sketched = Union[TaggedOutput[Literal["sketches"], tuple[str, SketchedPart]], TaggedOutput[Literal["marks"], Mark]]
Surveyed = Union[PartCount, TaggedOutput[Literal["digests"], Bucket]]
NumberedStretch = Union[tuple[str, Stretch], TaggedOutput[Literal["not_read"], str]]


def _name(part: Part) -> str:
    return _named((part.split.value, part.number))


def _named(part: PartName) -> str:
    return f"{part[0]}-{part[1]}"


class _SurveyFn(beam.DoFn):
    def __init__(self, reading: ReadSpec) -> None:
        self._reading = reading

    def process(self, stretch: Stretch) -> Iterator[Surveyed]:
        for count, digests in survey_parts(open_as_stored, stretch, self._reading):
            yield count
            for bucket, packed in packed_buckets(digests):
                yield TaggedOutput(DIGESTS, (f"{count.part.split.value}-{bucket}", (count.part.number, packed)))


class _SketchFn(beam.DoFn):
    def __init__(self, reading: ReadSpec) -> None:
        self._reading = reading
        self._sketcher: Union[PartSketcher, None] = None

    def process(self, stretch: Stretch) -> Iterator[Sketched]:
        if self._sketcher is None:  # with the first part: it reads files
            self._sketcher = PartSketcher(open_as_stored, self._reading)
        sketched = self._sketcher.sketch(stretch)
        for part in stretch.parts:
            yield TaggedOutput(SKETCHES, (_name(part), sketched._replace(marks=())))
        for (number, bucket), packed in sketched.marks:
            yield TaggedOutput(MARKS, (f"{number}-{bucket}", ((stretch.split.value, stretch.parts[0].number), packed)))


class _PlaceFn(beam.DoFn):
    """In: all counts. Out: every part to read with what comes before it, and the names of those that are not read.

    It writes the number of rows of each split, for the progress.
    """

    def __init__(self, splits: tuple[Split, ...], totals_path: str) -> None:
        self._splits = splits
        self._totals_path = totals_path

    def process(self, counts: tuple[int, Iterable[PartCount]]) -> Iterator[NumberedStretch]:
        totals = {split.value: 0 for split in self._splits}
        stretches, not_read = surveyed(counts[1])
        for stretch in stretches:
            totals[stretch.split.value] += stretch.most_rows or 0
            yield _name(stretch.parts[0]), stretch
        for part in not_read:
            yield TaggedOutput(NOT_READ, _name(part))
        write_json(self._totals_path, totals)


def _repeats(bucket: tuple[str, Iterable[tuple[int, bytes]]], not_read: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    split, passed_over = bucket[0].partition("-")[0], set(not_read)
    for number, packed in repeats_before(part for part in bucket[1] if f"{split}-{part[0]}" not in passed_over):
        yield f"{split}-{number}", packed


def _pairs(bucket: tuple[str, Iterable[tuple[PartName, bytes]]], not_read: Sequence[str], reading: ReadSpec) -> Iterator[tuple[str, Pairs]]:
    passed_over = set(not_read)
    parts = (part for part in bucket[1] if _named(part[0]) not in passed_over)
    for leader, pairs in pairs_in(int(bucket[0].partition("-")[0]), parts, reading.doubles):
        yield _named(leader), pairs


def _with_leaders(of_part: tuple[str, dict[str, Any]]) -> Iterator[tuple[str, Leaders]]:
    for stretch in of_part[1]["stretches"]:
        for sketched in of_part[1]["sketches"]:
            for part, leaders in with_leaders(stretch, sketched.rows, of_part[1]["pairs"]):
                yield _named(part), leaders


def _joined(of_part: tuple[str, dict[str, Any]], reading: ReadSpec) -> Iterator[Stretch]:
    found = of_part[1]
    for stretch in found["stretches"]:  # none for a part behind the end of a broken file
        left_out = decided(stretch, next(iter(found["sketches"])), found["leaders"], reading) if "sketches" in found else None
        yield replace(stretch, repeats=b"".join(found["repeats"]), left_out=left_out)


@dataclass
class SurveyParts(beam.PTransform[beam.PCollection[Stretch], beam.PCollection[Stretch]]):
    """Read every part once, on any worker, and count.

    Out: a Stretch for each part with rows. It has the number of lines and rows before it, and for its own contents how often they came
    before it. Contents are compared by 64 bits, grouped by eight of these. If one process reads everything in order, the stretches come
    out unchanged. ``totals_path`` is the file for the number of rows of each split.
    """

    spec: InputSpec
    totals_path: str

    def expand(self, stretches: beam.PCollection[Stretch]) -> beam.PCollection[Stretch]:
        if self.spec.readers == 1:
            return stretches
        splits = tuple(files.split for files in self.spec.splits if files.pattern is not None)
        reading = ReadSpec.of(self.spec)
        spread = stretches | "Spread" >> beam.Reshuffle()
        found = spread | "Count" >> beam.ParDo(_SurveyFn(reading)).with_outputs(DIGESTS, main="counts")
        counts = found["counts"] | "AsOne" >> beam.WithKeys(0) | "AllCounts" >> beam.GroupByKey()  # ToList makes two stages more
        placed = counts | "Place" >> beam.ParDo(_PlaceFn(splits, self.totals_path)).with_outputs(NOT_READ, main="placed")
        not_read = beam.pvalue.AsList(placed[NOT_READ])
        repeated = beam.FlatMap(_repeats, not_read).with_output_types(tuple[str, bytes])
        parts = {"stretches": placed["placed"], "repeats": found[DIGESTS] | "Buckets" >> beam.GroupByKey() | "Repeats" >> repeated}
        if self.spec.doubles.is_on:
            parts.update(self._doubles(spread, placed["placed"], not_read, reading))
        return parts | "ByPart" >> beam.CoGroupByKey() | "Join" >> beam.FlatMap(_joined, reading).with_output_types(Stretch)

    def _doubles(
        self, spread: beam.PCollection[Stretch], placed: beam.PCollection[tuple[str, Stretch]], not_read: beam.pvalue.AsList, reading: ReadSpec
    ) -> dict[str, beam.PCollection[Any]]:
        """The sketches of each part, and the first rows with the marks of its rows."""
        sketched = spread | "Sketch" >> beam.ParDo(_SketchFn(reading)).with_outputs(SKETCHES, MARKS)
        pairs = (
            sketched[MARKS]
            | "Marks" >> beam.GroupByKey()
            | "Pairs" >> beam.FlatMap(_pairs, not_read, reading).with_output_types(tuple[str, Pairs])
        )
        of_leaders = {"stretches": placed, "sketches": sketched[SKETCHES], "pairs": pairs}
        leaders = (
            of_leaders | "ByLeader" >> beam.CoGroupByKey() | "Leaders" >> beam.FlatMap(_with_leaders).with_output_types(tuple[str, Leaders])
        )
        return {"sketches": sketched[SKETCHES], "leaders": leaders}
