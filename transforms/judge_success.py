"""CombineSuccess and JudgeSuccess: outcomes to one tally per split, tallies to one verdict."""

from collections.abc import Iterable
from dataclasses import dataclass

import apache_beam as beam

from transforms.elements.rows import Split
from transforms.elements.tally import GateSpec, RowOutcome, SuccessTally, Verdict, verdict_of

Tallies = dict[Split, SuccessTally]


class SuccessTallyFn(beam.CombineFn):
    """Sums outcomes per split; an empty collection gives the empty tally of every split of the run."""

    def __init__(self, splits: tuple[Split, ...]) -> None:
        self._splits = splits

    def create_accumulator(self) -> Tallies:
        return {split: SuccessTally() for split in self._splits}

    def add_input(self, tallies: Tallies, outcome: RowOutcome) -> Tallies:
        tallies[outcome.split].add(outcome)
        return tallies

    def merge_accumulators(self, accumulators: Iterable[Tallies]) -> Tallies:
        merged = self.create_accumulator()
        for tallies in accumulators:
            for split, tally in tallies.items():
                merged[split].merge(tally)
        return merged

    def extract_output(self, tallies: Tallies) -> Tallies:
        return tallies


@dataclass
class CombineSuccess(beam.PTransform[beam.PCollection[RowOutcome], beam.PCollection[Tallies]]):
    """Count every outcome. Out: one element, the tally of each split in ``splits``."""

    splits: tuple[Split, ...]

    def expand(self, outcomes: beam.PCollection[RowOutcome]) -> beam.PCollection[Tallies]:
        return outcomes | "Combine" >> beam.CombineGlobally(SuccessTallyFn(self.splits)).with_output_types(Tallies)


@dataclass
class JudgeSuccess(beam.PTransform[beam.PCollection[Tallies], beam.PCollection[Verdict]]):
    """Compare each split with ``gate``. Out: one Verdict. Never raises: a failed gate is data until the command."""

    gate: GateSpec

    def expand(self, tallies: beam.PCollection[Tallies]) -> beam.PCollection[Verdict]:
        return tallies | "Judge" >> beam.Map(verdict_of, self.gate).with_output_types(Verdict)
