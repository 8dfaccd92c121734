"""FormatPrompts: rows to what the teacher is asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

import apache_beam as beam
from apache_beam.typehints import with_output_types

from transforms.elements.rows import PromptRequest, RejectedRow, TrainingRow
from transforms.prompts.base import Prompt, UnusableRow
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec

Asked = Union[PromptRequest, RejectedRow]


def format_row(prompt: Prompt, row: Union[TrainingRow, RejectedRow]) -> Asked:
    """The request for a row; a row that is or becomes a reject stays one."""
    if isinstance(row, RejectedRow):
        return row
    try:
        return prompt.format(row)
    except UnusableRow as unusable:
        return RejectedRow(row.origin, unusable.reason, unusable.detail, row.row_key)


@with_output_types(Asked)
class _FormatFn(beam.DoFn):
    def __init__(self, spec: PromptSpec) -> None:
        self._spec = spec

    def setup(self) -> None:
        self._prompt = prompt_for(self._spec)

    def process(self, row: Union[TrainingRow, RejectedRow]) -> Iterator[Asked]:
        yield format_row(self._prompt, row)


@dataclass
class FormatPrompts(beam.PTransform[beam.PCollection[Union[TrainingRow, RejectedRow]], beam.PCollection[Asked]]):
    """Phrase every row for its task. In: rows and rejects. Out: a PromptRequest per row; rejects pass through."""

    spec: PromptSpec

    def expand(self, rows: beam.PCollection[Union[TrainingRow, RejectedRow]]) -> beam.PCollection[Asked]:
        return rows | "Format" >> beam.ParDo(_FormatFn(self.spec))
