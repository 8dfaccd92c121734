"""The survey of parts on the embedded runner."""

import json
from collections.abc import Iterable
from pathlib import Path

import apache_beam as beam
import fastavro
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from builders import questions, write_rows

from transforms import survey_parts
from transforms.elements.data_specs import InputSpec, SplitFiles
from transforms.elements.parts import Part, PartCount, Stretch
from transforms.elements.rows import Split
from transforms.intake import parts as parts_module
from transforms.intake.parts import surveyed
from transforms.intake.walk import walk_split
from transforms.list_parts import ListParts
from transforms.read_parts import ReadParts
from transforms.survey_parts import SurveyParts


def test_all_counts_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def noted(counts: Iterable[PartCount]) -> tuple[list[Stretch], list[Part]]:
        listed = list(counts)
        looked_at.append(len(listed))
        return surveyed(listed)

    monkeypatch.setattr(survey_parts, "surveyed", noted)
    rows = write_rows(tmp_path / "rows.jsonl", questions(1_000))
    spec = InputSpec((SplitFiles(Split.TRAIN, rows, None),), readers=4)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        stretches = pipeline | ListParts(spec) | SurveyParts(spec, str(tmp_path / "totals.json"))
        total = stretches | beam.Map(lambda stretch: stretch.most_rows) | beam.CombineGlobally(sum)
        assert_that(total, equal_to([1_000]))
    (parts,) = looked_at
    assert parts > 2


def test_what_is_behind_the_end_of_a_damaged_file_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "LEAST_PART_BYTES", 200)
    chats = [{"messages": json.dumps([{"role": "user", "content": f"question {number % 60}"}])} for number in range(200)]
    schema = {"type": "record", "name": "row", "fields": [{"name": "messages", "type": "string"}]}
    for name in ("a.avro", "b.avro"):
        with open(tmp_path / name, "wb") as file:
            fastavro.writer(file, schema, chats, sync_interval=500)
    with open(tmp_path / "a.avro", "r+b") as file:
        file.seek(4_000)
        file.write(bytes(1_000))
    spec = InputSpec((SplitFiles(Split.TRAIN, f"{tmp_path}/*.avro", None),), readers=4)
    whole = list(walk_split(spec, spec.splits[0]))
    assert 200 < len(whole) < 400
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        read = pipeline | ListParts(spec) | SurveyParts(spec, str(tmp_path / "totals.json")) | ReadParts(spec)
        assert_that(read.rows, equal_to(whole))
    assert json.loads((tmp_path / "totals.json").read_text()) == {"train": len(whole)}
