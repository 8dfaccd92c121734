"""WriteDataset: behind the gate, the rows once more in input order, each joined with its answers from the ledger.

One element comes in, the verdict; so the writing stage stays in one piece on every runner, holds one row at a time, and the order of the
output is the order of the input.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Union

import apache_beam as beam
import orjson
from apache_beam.io import WriteToParquet, WriteToText
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.pvalue import TaggedOutput

from transforms.elements.conclusion import Conclusion, DamagedPart, as_written, conclusion_text, difference
from transforms.elements.data_specs import DatasetSpec, InputSpec, RunFiles, SplitFiles
from transforms.elements.failures import EarlyStop, FailureKind, RequestFailure, StopCause
from transforms.elements.replies import FailureRecord, ScoredRow
from transforms.elements.rows import DistilledExample, RejectedRow, Split
from transforms.elements.tally import RowOutcome, SuccessTally, Verdict, row_digest
from transforms.files.stored import files_for, put_in_place
from transforms.intake.walk import walk_split
from transforms.ledger.index import FailureIndex
from transforms.ledger.object_storage import storage_for
from transforms.prompts.base import Prompt, format_row
from transforms.prompts.progress import FindReplies, example_or_reject, replies_on_ledger
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec
from transforms.prompts.teacher_reasoning import reasoning_of
from transforms.reuse.answer_index import AnswerIndex
from transforms.reuse.lookup import LedgerLookup
from transforms.students.base import DROP, FIELD
from transforms.students.lines import example_line, reject_line
from transforms.students.registry import STUDENT_FORMATS
from transforms.teacher.specs import ScoringSpec

REJECTS = "rejects"
CONCLUDED = "concluded"
ELEMENT_CHARACTERS = 64 * 1024
ROW_GROUP_BYTES = 16 * 1024 * 1024
ROWS_PER_RECORD_BATCH = 128
_ONLY_FILE = "-00000-of-00001"
"""What Beam's writers put behind the name of a file that they wrote in one piece."""
_NOTHING_SENT = EarlyStop(StopCause.INTERRUPTED, "nothing was sent in this run.")


Joined = Union[
    TaggedOutput[Literal["train"], str],
    TaggedOutput[Literal["validation"], str],
    TaggedOutput[Literal["rejects"], str],
    TaggedOutput[Literal["concluded"], Verdict],
]
"""Lines of a dataset or of the rejects, or the verdict over what was written, each on the output of its tag."""


class _JoinWithLedgerFn(beam.DoFn):
    """Verdict in; dataset lines on a tag per split, reject lines on their own tag, and at the end the verdict over what was written."""

    def __init__(self, rows: InputSpec, files: RunFiles, prompt: PromptSpec, scoring: ScoringSpec, dataset: DatasetSpec) -> None:
        self._rows = rows
        self._conclusion_path = files.conclusion_path
        self._prompt_spec = prompt
        self._scoring = scoring
        self._dataset = dataset

    def process(self, verdict: Verdict) -> Iterator[Joined]:
        prompt = prompt_for(self._prompt_spec)
        # storage of their own: each removes its copies when it is closed
        answers = AnswerIndex(self._scoring.ledger_dir, storage_for(self._scoring.ledger_dir, self._scoring.sealing))
        failures = FailureIndex(self._scoring.failures_dir, self._scoring.run_id, storage_for(self._scoring.failures_dir, self._scoring.sealing))
        repeated = answers.repeated(self._scoring.run_id)
        found: dict[Split, dict[Union[str, None], int]] = {}
        changed: dict[Split, str] = {}
        find = LedgerLookup(answers, self._scoring.endpoint, self._scoring.sampling)
        try:
            for files in self._rows.splits:
                if files.pattern is None:
                    continue
                part = verdict.for_split(files.split)
                written = SuccessTally()
                examples, rejects = _LinesGathered(files.split.value), _LinesGathered(REJECTS)
                for ended in self._ends_of(prompt, files, find, failures, verdict):
                    reason = ended.reason if isinstance(ended, RejectedRow) else None
                    written.add(RowOutcome(files.split, reason, row_digest(ended.origin, ended.row_key)))
                    if isinstance(ended, RejectedRow):
                        yield from rejects.add(reject_line(ended, self._dataset))
                    elif part.published:
                        yield from examples.add(example_line(ended, self._dataset))
                yield from rejects.rest()
                yield from examples.rest()
                found[files.split] = {None: written.examples}
                found[files.split].update(written.reasons)
                differs = difference(part.tally, written, repeated) if part.published else None
                if differs is not None:
                    changed[files.split] = differs
            damaged = tuple(DamagedPart(part.path, part.kept, part.why) for part in answers.torn)
            conclusion = Conclusion(repeated, found, changed, damaged)
            files_for(self._conclusion_path).write_whole(self._conclusion_path, conclusion_text(conclusion).encode())
            yield TaggedOutput(CONCLUDED, as_written(verdict, conclusion))
        finally:
            answers.close()
            failures.close()

    def _ends_of(
        self, prompt: Prompt, files: SplitFiles, find: FindReplies, failures: FailureIndex, verdict: Verdict
    ) -> Iterator[Union[DistilledExample, RejectedRow]]:
        for row in walk_split(self._rows, files):
            asked = format_row(prompt, row)
            if isinstance(asked, RejectedRow):
                yield asked
                continue
            replies, complete = replies_on_ledger(prompt, asked, find)
            failed = None if complete else failures.find(asked.row.row_key)
            latest = failed if complete or failed is not None else failures.latest_attempt(asked.row.row_key)
            ended = example_or_reject(
                prompt,
                ScoredRow(
                    asked,
                    replies,
                    failure=_failure(failed),
                    stopped=verdict.stopped or (None if self._scoring.send else _NOTHING_SENT),
                    attempts=latest.attempts if latest is not None else 0,
                ),
            )
            if self._dataset.reasoning != DROP and isinstance(ended, DistilledExample):
                ended = ended._replace(reasoning=tuple(reasoning_of(prompt, reply) for reply in replies))
            yield ended


class _LinesGathered:
    """Lines gathered into elements of several lines: what Beam adds to an element costs more than making a line."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._lines: list[str] = []
        self._size = 0

    def add(self, line: str) -> Iterator[TaggedOutput]:
        self._lines.append(line)
        self._size += len(line)
        if self._size > ELEMENT_CHARACTERS:
            yield from self.rest()

    def rest(self) -> Iterator[TaggedOutput]:
        if self._lines:
            yield TaggedOutput(self._tag, "\n".join(self._lines))
            self._lines, self._size = [], 0


def _failure(record: Union[FailureRecord, None]) -> Union[RequestFailure, None]:
    if record is None:
        return None
    return RequestFailure(FailureKind(record.kind), record.detail, record.status, record.excerpt)


def _rows_of(lines: str) -> Iterator[dict[str, object]]:
    for line in lines.split("\n"):
        yield orjson.loads(line)


class _StageDataset(beam.PTransform):
    """Gathered lines in; the name of the one staged file out. Without a shard count the order stays and nothing is held back."""

    def __init__(self, staged: str, output: str, dataset: DatasetSpec) -> None:
        super().__init__()
        self._staged = staged
        self._output = output
        self._dataset = dataset

    def expand(self, lines: beam.PCollection[str]) -> beam.PCollection[str]:
        if not self._dataset.is_parquet(self._output):
            # asked of the final name: the staged one has no suffix
            packing = CompressionTypes.detect_compression_type(self._output)
            return lines | "Text" >> WriteToText(self._staged, compression_type=packing)
        schema = STUDENT_FORMATS[self._dataset.student_format].parquet_schema(self._dataset.reasoning == FIELD)
        return (
            lines
            | "Rows" >> beam.FlatMap(_rows_of)
            | "Parquet" >> WriteToParquet(self._staged, schema, ROW_GROUP_BYTES, ROWS_PER_RECORD_BATCH, codec="snappy")
        )


class _PutInPlaceFn(beam.DoFn):
    """The staged file's name in; the file under its final path, in one step where the filesystem can.

    Raises RuntimeError for a file that is not the only one: each would take the place of the one before.
    """

    def __init__(self, final_path: str) -> None:
        self._final_path = final_path

    def process(self, staged: str) -> Iterator[str]:
        if not staged.endswith(_ONLY_FILE):
            raise RuntimeError(f"the runner wrote {self._final_path} in several parts ({staged} is one of them), so it was not put in place")
        put_in_place(staged, self._final_path)
        yield self._final_path


def _is_published(_: str, verdict: Verdict, files: SplitFiles) -> bool:
    return files.pattern is None or verdict.for_split(files.split).published


@dataclass
class WriteDataset(beam.PTransform):
    """Write the datasets the verdict allows if they are what was judged, and rejects.jsonl always.

    In: the one Verdict. Out: the final paths put in place. A dataset appears under its final name whole or not at all; a split without
    input whose output was asked for becomes an empty file (a table without rows in Parquet).
    """

    rows: InputSpec
    files: RunFiles
    prompt: PromptSpec
    scoring: ScoringSpec
    dataset: DatasetSpec

    def expand(self, verdicts: beam.PCollection[Verdict]) -> beam.PCollection[str]:
        join = _JoinWithLedgerFn(self.rows, self.files, self.prompt, self.scoring, self.dataset)
        joined = verdicts | "JoinWithLedger" >> beam.ParDo(join).with_outputs(
            REJECTS, CONCLUDED, *(files.split.value for files in self.rows.splits)
        )
        # what is put in place hangs on what was found in writing: it must be what was judged
        verdict = beam.pvalue.AsSingleton(joined[CONCLUDED])
        placed = [
            joined[REJECTS]
            | "StageRejects" >> WriteToText(f"{self.files.staging_dir}/rejects")
            | "PlaceRejects" >> beam.ParDo(_PutInPlaceFn(self.files.rejects_path))
        ]
        for files in self.rows.splits:
            if files.output is None:
                continue
            name = files.split.value.capitalize()
            placed.append(
                joined[files.split.value]
                | f"Stage{name}" >> _StageDataset(f"{self.files.staging_dir}/{files.split.value}", files.output, self.dataset)
                | f"Allow{name}" >> beam.Filter(_is_published, verdict, files)
                | f"Place{name}" >> beam.ParDo(_PutInPlaceFn(files.output))
            )
        return placed | beam.Flatten()
