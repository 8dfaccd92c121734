"""WriteParts: after the gate, each part's rows again in input order, joined with their answers from the ledger."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, NamedTuple, Union

import apache_beam as beam
from apache_beam.typehints import with_output_types

from transforms.acceptance.row_result import Kept, RowRules, rules_for
from transforms.acceptance.spec import AcceptanceSpec
from transforms.elements.conclusion import DamagedPart
from transforms.elements.data_specs import DatasetSpec, InputSpec, RunFiles, SplitFiles
from transforms.elements.failures import EarlyStop, FailureKind, RequestFailure, StopCause
from transforms.elements.parts import Stretch, WrittenPart
from transforms.elements.replies import FailureRecord, ScoredRow
from transforms.elements.rows import DistilledExample, PreferencePair, PromptRequest, RejectedRow
from transforms.elements.tally import RowOutcome, SuccessTally, Verdict, row_digest
from transforms.files.matching import matching_files
from transforms.files.stored import files_for, open_as_stored
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import walk_stretch
from transforms.ledger.failure_index import FailureIndex, FailureIndexes
from transforms.ledger.object_storage import storage_for
from transforms.prompts.base import format_row
from transforms.prompts.spec import PromptSpec
from transforms.prompts.teacher_reasoning import reasoning_of
from transforms.reuse.paid_answers import PaidAnswers
from transforms.students.base import DROP
from transforms.students.dataset_files import DatasetFile, dataset_file
from transforms.students.lines import reject_line
from transforms.teacher.enough import ENOUGH
from transforms.teacher.log_probabilities import tokens_of
from transforms.teacher.specs import ScoringSpec

_NOTHING_SENT = EarlyStop(StopCause.INTERRUPTED, "nothing was sent in this run.")


class _Ended(NamedTuple):
    """A row that gives examples, at least one, and its pair, if it has one and pairs are wanted."""

    examples: list[DistilledExample]
    pair: Union[PreferencePair, None]


class _StagedDataset:
    """The files of one dataset of one stretch: one for each shard, which come one after another."""

    def __init__(self, prefix: str, open_file: Callable[[str], DatasetFile]) -> None:
        self._prefix = prefix
        self._open_file = open_file
        self._open: Union[DatasetFile, None] = None
        self.files: list[tuple[int, str]] = []

    def write(self, item: Union[DistilledExample, PreferencePair], shard: int) -> None:
        """Add a row to a shard."""
        if self._open is None or self.files[-1][0] != shard:
            self.close()
            path = f"{self._prefix}-{shard:05d}"
            self._open = self._open_file(path)
            self.files.append((shard, path))
        self._open.write(item)

    def close(self) -> None:
        """Complete the files."""
        if self._open is not None:
            self._open.close()


class _StagedFiles:
    """The files of one stretch, with names that are unique to this attempt. Nothing is written of a dataset without a path."""

    def __init__(self, staging_dir: str, stretch: Stretch, dataset: DatasetSpec, files: SplitFiles) -> None:
        prefix = f"{staging_dir}/{stretch.split.value}-{stretch.parts[0].number:05d}-{uuid.uuid4().hex[:12]}"
        self._dataset = dataset
        self._of_examples, self._of_pairs = (
            _StagedDataset(named, partial(dataset_file, dataset=dataset, is_table=dataset.is_parquet(path), holds_pairs=holds_pairs))
            if path is not None
            else None
            for named, path, holds_pairs in ((prefix, files.output, False), (f"{prefix}-pairs", files.preference, True))
        )
        self._rejects_path = f"{prefix}-rejects"
        self._rejects: Union[BinaryIO, None] = None
        self.rejects: Union[str, None] = None

    def write(self, row: _Ended, shard: int) -> None:
        """Add the examples of a row to a shard, and its pair."""
        if self._of_examples is not None:
            for example in row.examples:
                self._of_examples.write(example, shard)
        if self._of_pairs is not None and row.pair is not None:
            self._of_pairs.write(row.pair, shard)

    def write_reject(self, reject: RejectedRow) -> None:
        """Add a reject."""
        if self._rejects is None:
            self.rejects = self._rejects_path
            self._rejects = files_for(self.rejects).create_bytes(self.rejects)
        self._rejects.write(reject_line(reject, self._dataset).encode() + b"\n")

    def close(self) -> tuple[tuple[tuple[int, str], ...], ...]:
        """Complete the files. Returns those of the examples and of the pairs, each with its shard."""
        for file in (self._of_examples, self._of_pairs, self._rejects):
            if file is not None:
                file.close()
        return tuple(() if dataset is None else tuple(dataset.files) for dataset in (self._of_examples, self._of_pairs))


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
        self._answers: Union[PaidAnswers, None] = None
        self._failures: Union[FailureIndexes, None] = None

    def process(self, stretch: Stretch, verdict: Verdict, left_out: Union[dict[str, bytes], None] = None) -> Iterator[WrittenPart]:
        if left_out is not None:  # decided while the split was read as one stretch
            stretch = replace(stretch, left_out=left_out[stretch.split.value])
        if self._answers is None or self._failures is None:
            # with the first part: there is a verdict now, so all answers are on the ledger. Separate storages: each removes its copies
            sealing = self._scoring.sealing
            self._answers = PaidAnswers(self._scoring, with_bodies=self._dataset.logprobs)
            folders = [spec.failures_dir for spec in (self._scoring, self._scoring.judge) if spec is not None]
            self._failures = FailureIndexes([FailureIndex(folder, self._scoring.run_id, storage_for(folder, sealing)) for folder in folders])
            self._repeated = self._answers.repeated(self._scoring.run_id)
        judged = verdict.for_split(stretch.split)
        files = self._rows.files_of(stretch.split)
        shards = files.shards_of(judged.tally.rows)
        staged = _StagedFiles(self._files.staging_dir, stretch, self._dataset, files)
        tally = SuccessTally(pairs=None if files.preference is None else 0, without_logprobs=0 if self._dataset.logprobs else None)
        for ended in self._ends_of(stretch, self._answers, self._failures, verdict):
            of = ended if isinstance(ended, RejectedRow) else ended.examples[0]
            reason = ended.reason if isinstance(ended, RejectedRow) else None
            tally.add(RowOutcome(stretch.split, reason, row_digest(of.origin, of.row_key)))
            if isinstance(ended, RejectedRow):
                staged.write_reject(ended)
                continue
            if tally.pairs is not None:
                tally.pairs += ended.pair is not None
            if tally.without_logprobs is not None:
                tally.without_logprobs += any(None in example.logprobs for example in ended.examples)
            if judged.published:
                staged.write(ended, min(of.origin.ordinal * shards // judged.tally.rows, shards - 1))
        examples, pairs = staged.close()
        damaged = tuple(DamagedPart(part.path, part.kept, part.why) for part in self._answers.torn)
        number = stretch.parts[0].number
        yield WrittenPart(stretch.split, number, examples, staged.rejects, tally, self._repeated, damaged, pairs)

    def teardown(self) -> None:
        if self._answers is not None:
            self._answers.close()
        if self._failures is not None:
            self._failures.close()

    def _ends_of(
        self, stretch: Stretch, answers: PaidAnswers, failures: FailureIndexes, verdict: Verdict
    ) -> Iterator[Union[_Ended, RejectedRow]]:
        """What each row gives, in input order, or its reject."""
        rules, prompt = self._rules, self._rules.prompt
        has_pairs = self._rows.files_of(stretch.split).preference is not None
        # a split with enough rows has nothing left to send, whatever ended the run
        has_enough = bool(verdict.for_split(stretch.split).tally.not_needed)
        stopped = ENOUGH if has_enough else verdict.stopped or (None if self._scoring.send else _NOTHING_SENT)
        # the rows of a removed file are missing, so its split is not published; the other rows are reported
        there = tuple(part for part in stretch.parts if matching_files(part.file) == [part.file])
        if not there:
            return
        for row in walk_stretch(open_as_stored, replace(stretch, parts=there), ReadSpec.of(self._rows)):
            asked = format_row(prompt, row)
            if isinstance(asked, RejectedRow):
                yield asked
                continue
            replies, complete = rules.replies_on_ledger(asked, answers)
            failed = None if complete else failures.find(asked.row.row_key)
            latest = failed if complete or failed is not None else failures.latest_attempt(asked.row.row_key)
            ended = rules.kept_or_reject(
                ScoredRow(
                    asked,
                    replies,
                    failure=_failure(failed),
                    stopped=stopped,
                    attempts=latest.attempts if latest is not None else 0,
                ),
            )
            if isinstance(ended, RejectedRow):
                yield ended
                continue
            refused = rules.refused_beside(asked, replies, ended[0]) if has_pairs else None
            examples = [self._example(asked, kept) for kept in ended]
            pair = None if refused is None else PreferencePair(examples[0], self._example(asked, refused.sample), refused.reason)
            yield _Ended(examples, pair)

    def _example(self, asked: PromptRequest, kept: Kept) -> DistilledExample:
        example = self._rules.example(asked, kept)
        if self._dataset.logprobs:
            bodies = ((reply.body or "", answer) for reply, answer in zip(kept.replies, kept.answers, strict=True))
            example = example._replace(logprobs=tuple(tokens_of(body, answer) for body, answer in bodies))
        if self._dataset.reasoning == DROP:
            return example
        return example._replace(reasoning=tuple(reasoning_of(self._rules.prompt, reply) for reply in kept.replies))


def _failure(record: Union[FailureRecord, None]) -> Union[RequestFailure, None]:
    if record is None:
        return None
    return RequestFailure(FailureKind(record.kind), record.detail, record.status, record.excerpt)


@dataclass
class WriteParts(beam.PTransform):
    """Write the examples and pairs of every part, if the verdict allows its split, and its rejects, with one row in memory.

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
