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
from transforms.intake.parts import survey_parts, surveyed
from transforms.intake.read_spec import ReadSpec
from transforms.intake.repeats import packed_buckets, repeats_before

DIGESTS = "digests"
NOT_READ = "not_read"

Bucket = tuple[str, tuple[int, bytes]]
"""The bucket's name, with its split; the number of a part, and the digests that the part has of the bucket."""
Surveyed = Union[PartCount, TaggedOutput[Literal["digests"], Bucket]]
Placed = Union[tuple[str, Stretch], TaggedOutput[Literal["not_read"], str]]


def _name(part: Part) -> str:
    return f"{part.split.value}-{part.number}"


class _SurveyFn(beam.DoFn):
    def __init__(self, reading: ReadSpec) -> None:
        self._reading = reading

    def process(self, stretch: Stretch) -> Iterator[Surveyed]:
        for count, digests in survey_parts(open_as_stored, stretch, self._reading):
            yield count
            for bucket, packed in packed_buckets(digests):
                yield TaggedOutput(DIGESTS, (f"{count.part.split.value}-{bucket}", (count.part.number, packed)))


class _PlaceFn(beam.DoFn):
    """In: all counts. Out: every part to read with what comes before it, and the names of those that are not read.

    It writes the number of rows of each split, for the progress.
    """

    def __init__(self, splits: tuple[Split, ...], totals_path: str) -> None:
        self._splits = splits
        self._totals_path = totals_path

    def process(self, counts: tuple[int, Iterable[PartCount]]) -> Iterator[Placed]:
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


def _joined(of_part: tuple[str, dict[str, Any]]) -> Iterator[Stretch]:
    for stretch in of_part[1]["stretches"]:  # none for a part behind the end of a broken file
        yield replace(stretch, repeats=b"".join(of_part[1]["repeats"]))


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
        count = beam.ParDo(_SurveyFn(ReadSpec.of(self.spec))).with_outputs(DIGESTS, main="counts")
        found = stretches | "Spread" >> beam.Reshuffle() | "Count" >> count
        counts = found["counts"] | "AsOne" >> beam.WithKeys(0) | "AllCounts" >> beam.GroupByKey()  # ToList makes two stages more
        placed = counts | "Place" >> beam.ParDo(_PlaceFn(splits, self.totals_path)).with_outputs(NOT_READ, main="placed")
        repeated = beam.FlatMap(_repeats, beam.pvalue.AsList(placed[NOT_READ])).with_output_types(tuple[str, bytes])
        repeats = found[DIGESTS] | "Buckets" >> beam.GroupByKey() | "Repeats" >> repeated
        by_part = {"stretches": placed["placed"], "repeats": repeats} | "ByPart" >> beam.CoGroupByKey()
        return by_part | "Join" >> beam.FlatMap(_joined).with_output_types(Stretch)
