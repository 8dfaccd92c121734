"""ReadTrainingRows: files of both splits to rows with a key, in input order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.typehints import with_output_types

from transforms.counters import RowCounters
from transforms.elements.data_specs import InputSpec, SplitFiles
from transforms.elements.flow import Row
from transforms.intake.walk import OpenFile, ReadSpec, column_problems, walk_rows
from transforms.matching import sizes_of


def matching_files(pattern: str) -> list[str]:
    """The files a path or glob stands for, sorted; the order that line numbers and output follow."""
    return sorted(sizes_of(pattern))


def open_as_stored(path: str) -> OpenFile:
    """A file's own bytes; Beam would unpack compressed files, and take a torn one for whole."""
    opened: OpenFile = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    return opened


def missing_columns(spec: InputSpec, path: str) -> list[str]:
    """What the settings name and a file lacks, for a person. Raises UnusableFile and BadTemplate."""
    return column_problems(open_as_stored, path, _reading(spec))


def _reading(spec: InputSpec) -> ReadSpec:
    return ReadSpec(spec.max_row_bytes, spec.format, spec.columns)


def walk_split(spec: InputSpec, files: SplitFiles, share: int = 0, shares: int = 1) -> Iterator[Row]:
    """The rows of one split in input order; with ``shares`` above one, only every ``shares``-th part of them."""
    if files.pattern is None:
        return
    yield from walk_rows(
        open_as_stored,
        matching_files(files.pattern),
        files.split,
        spec.limit,
        _reading(spec),
        shard=(share, shares) if shares > 1 else None,
    )


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
