"""PlaceDataset: join the written parts in order and give the dataset its final name, if it is what was judged."""

import shutil
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Union

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.typehints import with_output_types

from transforms.elements.conclusion import Conclusion, DamagedPart, as_written, conclusion_text, difference
from transforms.elements.data_specs import DatasetSpec, InputSpec, RunFiles, SplitFiles
from transforms.elements.parts import JoinedFile, WrittenPart
from transforms.elements.rows import Split
from transforms.elements.tally import SuccessTally, Verdict
from transforms.files.shards import shard_path
from transforms.files.stored import files_for, open_as_stored, put_in_place
from transforms.students.dataset_files import DatasetTable, rows_of_table
from transforms.students.layouts import layout_of

PIECE_BYTES = 1024 * 1024

ReadyFile = tuple[str, str]
"""A final path, and the complete file for it."""


@with_output_types(JoinedFile)
class _ConcludeFn(beam.DoFn):
    """In: the verdict and every written part. It writes the conclusion. Out: the files that may be placed."""

    def __init__(self, rows: InputSpec, files: RunFiles, dataset: DatasetSpec) -> None:
        self._rows = rows
        self._files = files
        self._dataset = dataset

    def process(self, verdict: Verdict, written: Iterable[WrittenPart]) -> Iterator[JoinedFile]:
        # one of each part, however often it was written
        parts = {(part.split, part.number): part for part in written}
        in_order = [part for files in self._rows.splits for (split, _), part in sorted(parts.items()) if split is files.split]
        conclusion = self._conclude(verdict, in_order)
        files_for(self._files.conclusion_path).write_whole(self._files.conclusion_path, conclusion_text(conclusion).encode())
        final = as_written(verdict, conclusion)
        yield JoinedFile(self._files.rejects_path, tuple(part.rejects for part in in_order if part.rejects is not None), is_table=False)
        for files in self._rows.splits:
            if files.pattern is None or final.for_split(files.split).published:
                for output, holds_pairs in ((files.output, False), (files.preference, True)):
                    if output is not None:
                        yield from self._dataset_files(files, (output, holds_pairs), verdict, in_order)

    def _conclude(self, verdict: Verdict, parts: list[WrittenPart]) -> Conclusion:
        repeated = max((part.repeated for part in parts), default=0)
        found: dict[Split, dict[Union[str, None], int]] = {}
        changed: dict[Split, str] = {}
        pairs: dict[Split, int] = {}
        without_logprobs: dict[Split, int] = {}
        for files in self._rows.splits:
            if files.pattern is None:
                continue
            judged, written = verdict.for_split(files.split), SuccessTally()
            for part in parts:
                if part.split is files.split:
                    written.merge(part.tally)
            found[files.split] = {None: written.examples}
            found[files.split].update(written.reasons)
            if written.pairs is not None:
                pairs[files.split] = written.pairs
            if written.without_logprobs is not None:
                without_logprobs[files.split] = written.without_logprobs
            differs = difference(judged.tally, written, repeated) if judged.published else None
            if differs is not None:
                changed[files.split] = differs
        damaged: dict[str, DamagedPart] = {}
        for one in (one for part in parts for one in part.damaged):  # each writer has seen what it looked at
            if one.path not in damaged or one.kept < damaged[one.path].kept:
                damaged[one.path] = one
        return Conclusion(repeated, found, changed, tuple(damaged[path] for path in sorted(damaged)), pairs, without_logprobs)

    def _dataset_files(self, files: SplitFiles, wanted: tuple[str, bool], verdict: Verdict, parts: list[WrittenPart]) -> Iterator[JoinedFile]:
        output, holds_pairs = wanted
        staged: dict[int, list[str]] = defaultdict(list)
        for part in parts:
            if part.split is files.split:
                for shard, path in part.pairs if holds_pairs else part.examples:
                    staged[shard].append(path)
        is_table = self._dataset.is_parquet(output)
        if files.shards is None:
            yield JoinedFile(output, tuple(staged[0]), is_table, holds_pairs)
            return
        count = files.shards_of(0 if files.pattern is None else verdict.for_split(files.split).tally.rows)
        for shard in range(count):
            yield JoinedFile(shard_path(output, shard, count), tuple(staged[shard]), is_table, holds_pairs)


class _JoinFn(beam.DoFn):
    """In: files in order. Out: one complete file with a unique name in the staging folder."""

    def __init__(self, staging_dir: str, dataset: DatasetSpec) -> None:
        self._staging_dir = staging_dir
        self._dataset = dataset

    def process(self, file: JoinedFile) -> Iterator[ReadyFile]:
        packing = CompressionTypes.detect_compression_type(file.final)
        if len(file.staged) == 1 and (file.is_table or packing == CompressionTypes.UNCOMPRESSED):
            yield file.final, file.staged[0]
            return
        path = f"{self._staging_dir}/joined-{uuid.uuid4().hex[:12]}"
        files_for(path).make_folder(self._staging_dir)
        if file.is_table:
            table = DatasetTable(path, layout_of(self._dataset, file.holds_pairs))
            for staged in file.staged:
                for row in rows_of_table(staged):
                    table.add(row)
            table.close()
        else:
            with FileSystems.create(path, compression_type=packing) as joined:
                for staged in file.staged:
                    with closing(open_as_stored(staged)) as source:
                        shutil.copyfileobj(source, joined, PIECE_BYTES)
        yield file.final, path


def _put_in_place(files: tuple[int, Iterable[ReadyFile]]) -> Iterator[str]:
    for final, whole in sorted(files[1]):
        put_in_place(whole, final)
        yield final


@dataclass
class PlaceDataset(beam.PTransform):
    """Place the datasets that the verdict allows, if they are what was judged; rejects.jsonl is always placed.

    In: the one Verdict, and the written parts. Out: the final paths. No file gets its final name before all are complete. A split
    with an output but without input becomes an empty file (a table without rows in Parquet).
    """

    rows: InputSpec
    files: RunFiles
    dataset: DatasetSpec

    # no annotation of the input: Beam has none for several collections and would warn on every run
    def expand(self, inputs) -> beam.PCollection[str]:  # type: ignore[no-untyped-def]
        verdict, written = inputs
        return (
            verdict
            | "Conclude" >> beam.ParDo(_ConcludeFn(self.rows, self.files, self.dataset), beam.pvalue.AsIter(written))
            | "Spread" >> beam.Reshuffle()
            | "Join" >> beam.ParDo(_JoinFn(self.files.staging_dir, self.dataset)).with_output_types(ReadyFile)
            | "AsOne" >> beam.WithKeys(0)
            | "WholeFiles" >> beam.GroupByKey()
            | "Place" >> beam.FlatMap(_put_in_place).with_output_types(str)
        )
