"""FormatPrompts: rows to requests for the teacher."""

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.typehints import with_output_types

from transforms.elements.flow import Asked, Row
from transforms.prompts.base import format_row
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec


@with_output_types(Asked)
class _FormatFn(beam.DoFn):
    def __init__(self, spec: PromptSpec) -> None:
        self._spec = spec

    def setup(self) -> None:
        self._prompt = prompt_for(self._spec)

    def process(self, row: Row) -> Iterator[Asked]:
        yield format_row(self._prompt, row)


@dataclass
class FormatPrompts(beam.PTransform[beam.PCollection[Row], beam.PCollection[Asked]]):
    """Phrase every row for its task. In: rows and rejects. Out: a PromptRequest per row; rejects pass through."""

    spec: PromptSpec

    def expand(self, rows: beam.PCollection[Row]) -> beam.PCollection[Asked]:
        return rows | "Format" >> beam.ParDo(_FormatFn(self.spec))
