"""WriteVerdict: the verdict as JSON, where the command that started the job reads it when the job has ended."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam

from transforms.elements.tally import Verdict
from transforms.elements.verdict_json import verdict_fields
from transforms.files.stored import files_for


class _WriteFn(beam.DoFn):
    def __init__(self, path: str) -> None:
        self._path = path

    def process(self, verdict: Verdict) -> Iterator[str]:
        files_for(self._path).write_whole(self._path, json.dumps(verdict_fields(verdict), indent=2).encode())
        yield self._path


@dataclass
class WriteVerdict(beam.PTransform[beam.PCollection[Verdict], beam.PCollection[str]]):
    """Write the one Verdict to ``path``. Out: the path."""

    path: str

    def expand(self, verdicts: beam.PCollection[Verdict]) -> beam.PCollection[str]:
        return verdicts | "Write" >> beam.ParDo(_WriteFn(self.path))
