"""ReadTrainingRows: files of both splits to rows with a key, in input order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.typehints import with_output_types

from transforms.counters import RowCounters
from transforms.elements.data_specs import InputSpec
from transforms.elements.flow import Row
from transforms.intake.walk import walk_split


@with_output_types(Row)
class _WalkSplitFn(beam.DoFn):
    def __init__(self, spec: InputSpec) -> None:
        self._spec = spec

    def setup(self) -> None:
        self._counters = RowCounters()

    def process(self, number: int) -> Iterator[Row]:
        for files in self._spec.splits:
            for row in walk_split(self._spec, files, number, self._spec.readers):
                self._counters.row_read(row.origin.split)
                yield row

    def finish_bundle(self) -> None:
        self._counters.hand_over()


def _dealt_out(one: tuple[str, Iterable[int]]) -> Iterator[int]:
    for readers in one[1]:
        yield from range(readers)


@dataclass
class ReadTrainingRows(beam.PTransform[beam.pvalue.PBegin, beam.PCollection[Row]]):
    """Read both splits.

    Out: a TrainingRow per well-formed record, a RejectedRow per other record; blank lines give nothing. Every reader walks the whole file
    for the sake of stable row keys and keeps its share of the lines, so no row crosses between workers.
    """

    spec: InputSpec

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection[Row]:
        # one share a worker, of both splits: dealt out in turn, shares of single splits would give one worker all of the first
        if self.spec.readers == 1:
            shares = pbegin | "Shares" >> beam.Create([0], reshuffle=False)
        else:
            # two steps: on Flink a worker's processes are dealt out to tasks as these start, so no other may start beside the reading ones.
            # The first is a GroupByKey, for Flink's optimizer takes the second of two Reshuffles for superfluous
            one = pbegin | "Start" >> beam.Create([("shares", self.spec.readers)], reshuffle=False) | "Apart" >> beam.GroupByKey()
            shares = one | "Shares" >> beam.FlatMap(_dealt_out) | "Spread" >> beam.Reshuffle()
        return shares | "Walk" >> beam.ParDo(_WalkSplitFn(self.spec))
