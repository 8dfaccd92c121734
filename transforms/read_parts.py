"""ReadParts: from parts of the input to rows with keys."""

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.typehints import with_output_types

from transforms.counters import RowCounters
from transforms.elements.data_specs import InputSpec
from transforms.elements.flow import Row
from transforms.elements.parts import Stretch
from transforms.files.stored import open_as_stored
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import walk_stretch


@with_output_types(Row)
class _ReadFn(beam.DoFn):
    def __init__(self, reading: ReadSpec) -> None:
        self._reading = reading

    def setup(self) -> None:
        self._counters = RowCounters()

    def process(self, stretch: Stretch) -> Iterator[Row]:
        for row in walk_stretch(open_as_stored, stretch, self._reading):
            self._counters.row_read(row.origin.split)
            yield row

    def finish_bundle(self) -> None:
        self._counters.flush()


@dataclass
class ReadParts(beam.PTransform[beam.PCollection[Stretch], beam.PCollection[Row]]):
    """Read every part with one row in memory.

    Out: a TrainingRow per well-formed record, a RejectedRow per other record; blank lines give nothing.
    """

    spec: InputSpec

    def expand(self, stretches: beam.PCollection[Stretch]) -> beam.PCollection[Row]:
        return stretches | "Read" >> beam.ParDo(_ReadFn(ReadSpec.of(self.spec)))
