"""ListParts: from input files to the parts that workers read."""

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam

from transforms.elements.data_specs import InputSpec
from transforms.elements.parts import Stretch
from transforms.intake.parts import parts_of


class _ListFn(beam.DoFn):
    def process(self, spec: InputSpec) -> Iterator[Stretch]:
        for parts in parts_of(spec):
            if spec.readers == 1 or spec.limit is not None:
                # one after another: rows are counted while they are read, and nothing is read behind the limit
                yield Stretch(tuple(parts), most_rows=spec.limit)
            else:
                yield from (Stretch((part,)) for part in parts)


@dataclass
class ListParts(beam.PTransform[beam.pvalue.PBegin, beam.PCollection[Stretch]]):
    """Cut the files of both splits.

    Out: a Stretch for every part, or one for a whole split if one process reads it. Its counts of what comes before it are not filled in.
    """

    spec: InputSpec

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection[Stretch]:
        return pbegin | "Input" >> beam.Create([self.spec], reshuffle=False) | "Cut" >> beam.ParDo(_ListFn())
