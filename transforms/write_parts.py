"""WriteParts: after the gate, each part's rows again in input order, joined with their answers from the ledger."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Union

import apache_beam as beam
from apache_beam.typehints import with_output_types

from transforms.acceptance.row_result import Kept, RowRules, rules_for
from transforms.acceptance.spec import AcceptanceSpec
from transforms.elements.conclusion import DamagedPart
from transforms.elements.data_specs import DatasetSpec, InputSpec, RunFiles
from transforms.elements.failures import EarlyStop, FailureKind, RequestFailure, StopCause
from transforms.elements.parts import Stretch, WrittenPart
from transforms.elements.replies import FailureRecord, ScoredRow
from transforms.elements.rows import DistilledExample, PromptRequest, RejectedRow
from transforms.elements.tally import RowOutcome, SuccessTally, Verdict, row_digest
from transforms.files.matching import matching_files
from transforms.files.stored import files_for, open_as_stored
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import walk_stretch
from transforms.ledger.failure_index import FailureIndex
from transforms.ledger.object_storage import storage_for
from transforms.prompts.base import format_row
from transforms.prompts.spec import PromptSpec
from transforms.prompts.teacher_reasoning import reasoning_of
from transforms.reuse.answer_index import AnswerIndex
from transforms.reuse.lookup import LedgerLookup
from transforms.students.base import DROP
from transforms.students.dataset_files import ExamplesFile, examples_file
from transforms.students.lines import reject_line
from transforms.teacher.specs import ScoringSpec

_NOTHING_SENT = EarlyStop(StopCause.INTERRUPTED, "nothing was sent in this run.")


class _StagedFiles:
    """The files of one stretch, with names that are unique to this attempt."""

    def __init__(self, staging_dir: str, stretch: Stretch, dataset: DatasetSpec, is_table: bool) -> None:
        self._prefix = f"{staging_dir}/{stretch.split.value}-{stretch.parts[0].number:05d}-{uuid.uuid4().hex[:12]}"
        self._dataset = dataset
        self._is_table = is_table
        self._open: Union[ExamplesFile, None] = None
        self._rejects: Union[BinaryIO, None] = None
        self.examples: list[tuple[int, str]] = []
        self.rejects: Union[str, None] = None

    def write_example(self, example: DistilledExample, shard: int) -> None:
        """Add an example to a shard; shards come one after another."""
        if self._open is None or self.examples[-1][0] != shard:
            self._close_examples()
            path = f"{self._prefix}-{shard:05d}"
            self._open = examples_file(path, self._dataset, self._is_table)
            self.examples.append((shard, path))
        self._open.write(example)

    def write_reject(self, reject: RejectedRow) -> None:
        """Add a reject."""
        if self._rejects is None:
            self.rejects = f"{self._prefix}-rejects"
            self._rejects = files_for(self.rejects).create_bytes(self.rejects)
        self._rejects.write(reject_line(reject, self._dataset).encode() + b"\n")

    def close(self) -> None:
        """Complete the files."""
        self._close_examples()
        if self._rejects is not None:
            self._rejects.close()

    def _close_examples(self) -> None:
        if self._open is not None:
            self._open.close()


@with_output_types(WrittenPart)
class _WriteFn(beam.DoFn):
    def __init__(
        self, rows: InputSpec, files: RunFiles, rules: tuple[PromptSpec, AcceptanceSpec], scoring: ScoringSpec, dataset: DatasetSpec
    ) -> None:
        self._rows = rows
        self._files = files
        self._specs = rules
        self._scoring = scoring
        self._dataset = dataset

    def setup(self) -> None:
        self._rules: RowRules = rules_for(*self._specs)
        self._answers: Union[AnswerIndex, None] = None
        self._failures: Union[FailureIndex, None] = None

    def process(self, stretch: Stretch, verdict: Verdict, left_out: Union[dict[str, bytes], None] = None) -> Iterator[WrittenPart]:
        if left_out is not None:  # decided while the split was read as one stretch
            stretch = replace(stretch, left_out=left_out[stretch.split.value])
        if self._answers is None or self._failures is None:
            # with the first part: there is a verdict now, so all answers are on the ledger. Separate storages: each removes its copies
            sealing = self._scoring.sealing
            self._answers = AnswerIndex(self._scoring.ledger_dir, storage_for(self._scoring.ledger_dir, sealing))
            self._failures = FailureIndex(self._scoring.failures_dir, self._scoring.run_id, storage_for(self._scoring.failures_dir, sealing))
            self._find = LedgerLookup(self._answers, self._scoring.endpoint, self._scoring.sampling)
            self._repeated = self._answers.repeated(self._scoring.run_id)
        judged = verdict.for_split(stretch.split)
        (files,) = (files for files in self._rows.splits if files.split is stretch.split)
        is_written = judged.published and files.output is not None
        shards = files.shards_of(judged.tally.rows)
        is_table = files.output is not None and self._dataset.is_parquet(files.output)
        staged = _StagedFiles(self._files.staging_dir, stretch, self._dataset, is_table)
        tally = SuccessTally()
        for ended in self._ends_of(stretch, self._failures, verdict):
            of = ended if isinstance(ended, RejectedRow) else ended[0]
            reason = ended.reason if isinstance(ended, RejectedRow) else None
            tally.add(RowOutcome(stretch.split, reason, row_digest(of.origin, of.row_key)))
            if isinstance(ended, RejectedRow):
                staged.write_reject(ended)
            elif is_written:
                for example in ended:
                    staged.write_example(example, min(of.origin.ordinal * shards // judged.tally.rows, shards - 1))
        staged.close()
        damaged = tuple(DamagedPart(part.path, part.kept, part.why) for part in self._answers.torn)
        number = stretch.parts[0].number
        yield WrittenPart(stretch.split, number, tuple(staged.examples), staged.rejects, tally, self._repeated, damaged)

    def teardown(self) -> None:
        if self._answers is not None:
            self._answers.close()
        if self._failures is not None:
            self._failures.close()

    def _ends_of(self, stretch: Stretch, failures: FailureIndex, verdict: Verdict) -> Iterator[Union[list[DistilledExample], RejectedRow]]:
        """The examples of each row in input order, at least one, or its reject."""
        rules, prompt = self._rules, self._rules.prompt
        # the rows of a removed file are missing, so its split is not published; the other rows are reported
        there = tuple(part for part in stretch.parts if matching_files(part.file) == [part.file])
        if not there:
            return
        for row in walk_stretch(open_as_stored, replace(stretch, parts=there), ReadSpec.of(self._rows)):
            asked = format_row(prompt, row)
            if isinstance(asked, RejectedRow):
                yield asked
                continue
            replies, complete = rules.replies_on_ledger(asked, self._find)
            failed = None if complete else failures.find(asked.row.row_key)
            latest = failed if complete or failed is not None else failures.latest_attempt(asked.row.row_key)
            ended = rules.kept_or_reject(
                ScoredRow(
                    asked,
                    replies,
                    failure=_failure(failed),
                    stopped=verdict.stopped or (None if self._scoring.send else _NOTHING_SENT),
                    attempts=latest.attempts if latest is not None else 0,
                ),
            )
            yield ended if isinstance(ended, RejectedRow) else [self._example(asked, kept) for kept in ended]

    def _example(self, asked: PromptRequest, kept: Kept) -> DistilledExample:
        example = self._rules.example(asked, kept)
        if self._dataset.reasoning == DROP:
            return example
        return example._replace(reasoning=tuple(reasoning_of(self._rules.prompt, reply) for reply in kept.replies))


def _failure(record: Union[FailureRecord, None]) -> Union[RequestFailure, None]:
    if record is None:
        return None
    return RequestFailure(FailureKind(record.kind), record.detail, record.status, record.excerpt)


@dataclass
class WriteParts(beam.PTransform):
    """Write the examples of every part, if the verdict allows its split, and its rejects, with one row in memory.

    In: the parts, the one Verdict, and what was left out while they were read, if it was. Out: a WrittenPart each. Its file names
    are unique, so a part may be written twice, even by two workers at once.
    """

    rows: InputSpec
    files: RunFiles
    prompt: PromptSpec
    scoring: ScoringSpec
    dataset: DatasetSpec
    acceptance: AcceptanceSpec = AcceptanceSpec()

    # no annotation of the input: Beam has none for several collections and would warn on every run
    def expand(self, inputs) -> beam.PCollection[WrittenPart]:  # type: ignore[no-untyped-def]
        stretches, verdict, *left_out = inputs
        write = _WriteFn(self.rows, self.files, (self.prompt, self.acceptance), self.scoring, self.dataset)
        known = [beam.pvalue.AsSingleton(verdict), *map(beam.pvalue.AsDict, left_out)]
        return stretches | "Write" >> beam.ParDo(write, *known)
