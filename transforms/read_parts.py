"""ReadParts: from parts of the input to rows with keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Union

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from transforms.counters import RowCounters
from transforms.elements.data_specs import InputSpec
from transforms.elements.flow import Row
from transforms.elements.parts import Stretch
from transforms.files.stored import open_as_stored
from transforms.intake.doubles.left_out import LeftOutRows
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import walk_stretch

LEFT_OUT = "left_out"

LeftOut = tuple[str, bytes]
"""A split, and its rows that are left out, packed by ``intake.doubles.left_out``."""
Read = Union[Row, TaggedOutput[Literal["left_out"], LeftOut]]


class ReadRows(NamedTuple):
    """The rows, and what was left out of each stretch while it was read: one collection, or none if nothing is decided while reading."""

    rows: beam.PCollection[Row]
    left_out: tuple[beam.PCollection[LeftOut], ...] = ()


class _ReadFn(beam.DoFn):
    def __init__(self, reading: ReadSpec) -> None:
        self._reading = reading

    def setup(self) -> None:
        self._counters = RowCounters()

    def process(self, stretch: Stretch) -> Iterator[Read]:
        left_out = LeftOutRows() if self._reading.doubles.is_on and stretch.left_out is None else None
        for row in walk_stretch(open_as_stored, stretch, self._reading):
            self._counters.row_read(row.origin.split)
            if left_out is not None:
                left_out.note(row)
            yield row
        if left_out is not None:
            yield TaggedOutput(LEFT_OUT, (stretch.split.value, left_out.packed()))

    def finish_bundle(self) -> None:
        self._counters.flush()


@dataclass
class ReadParts(beam.PTransform):
    """Read every part with one row in memory, or a few hundred where doubles are left out.

    Out: ReadRows. A TrainingRow per well-formed record, a RejectedRow per other record; blank lines give nothing. What is decided about
    doubles while reading comes out, too, so that WriteParts need not decide it again.
    """

    spec: InputSpec

    # no return annotation: Beam supports none for a tuple of collections, and would warn on every run
    def expand(self, stretches: beam.PCollection[Stretch]):  # type: ignore[no-untyped-def]
        read = beam.ParDo(_ReadFn(ReadSpec.of(self.spec)))
        if not self.spec.doubles.is_on or self.spec.readers > 1:
            return ReadRows(stretches | "Read" >> read.with_output_types(Row))
        outputs = stretches | "Read" >> read.with_outputs(LEFT_OUT, main="rows")
        return ReadRows(outputs["rows"], (outputs[LEFT_OUT],))
