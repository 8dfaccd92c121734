"""Several processes leave out the rows that one process leaves out, each with the same sentence."""

import json
import pickle
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from prompts_in_bulk import with_copies

from transforms.elements.data_specs import ColumnSpec, DoublesSpec, InputSpec, SplitFiles
from transforms.elements.flow import Row
from transforms.elements.rows import RejectedRow, Split
from transforms.intake import parts as parts_module
from transforms.intake.walk import walk_split
from transforms.list_parts import ListParts
from transforms.read_parts import ReadParts
from transforms.survey_parts import SurveyParts

QUESTION = "Which of the rivers in the north of the old country is the longest when it is measured from its source to the sea"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "LEAST_PART_BYTES", 5_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files to train on and one to validate with, with doubles within and across files and parts, unreadable lines and system messages."""
    made = tmp_path_factory.mktemp("input")
    chance = random.Random(2)
    texts = with_copies(300, 60)
    rows = [{"messages": [{"role": "user", "content": text}]} for text in texts]
    for row in chance.sample(rows, 40):
        row["messages"].insert(0, {"role": "system", "content": chance.choice(["Answer in verse.", "answer  in VERSE."])})
    lines = [json.dumps(row) for row in rows]
    lines += chance.sample(lines, 20) + ["no json", "", json.dumps({"messages": [{"role": "user", "content": f"Say: {QUESTION}?"}]})] * 2
    chance.shuffle(lines)
    (made / "train-1.jsonl").write_text("\n".join(lines[:200]) + "\n")
    (made / "train-2.jsonl").write_text("\n".join(lines[200:]) + "\n")
    validation = [*chance.sample(lines, 25), *(json.dumps({"messages": [{"role": "user", "content": text.upper()}]}) for text in texts[::11])]
    (made / "validation.jsonl").write_text("\n".join(validation) + "\n")
    (made / "tests.csv").write_text(f'question\n"{QUESTION}"\n')
    return made


def spec_of(folder: Path, doubles: DoublesSpec, readers: int, limit: int | None = None) -> InputSpec:
    splits = (SplitFiles(Split.TRAIN, f"{folder}/train-*.jsonl", None), SplitFiles(Split.VALIDATION, f"{folder}/validation.jsonl", None))
    return InputSpec(splits, limit, readers=readers, doubles=doubles)


def keep(rows: list[Row], path: Path) -> None:
    path.write_bytes(pickle.dumps(rows))


def read_by_several(spec: InputSpec, folder: Path) -> list[Row]:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        read = pipeline | ListParts(spec) | SurveyParts(spec, str(folder / "totals.json")) | ReadParts(spec)
        read.rows | beam.combiners.ToList() | beam.Map(keep, folder / "rows")
    rows: list[Row] = pickle.loads((folder / "rows").read_bytes())
    return sorted(rows, key=lambda row: (row.origin.split.value, row.origin.ordinal))


@pytest.mark.slow
@pytest.mark.parametrize(
    "doubles",
    [
        DoublesSpec("exact"),
        DoublesSpec("near"),
        DoublesSpec("off", leaks=True),
        DoublesSpec("exact", 0.9, leaks=True),
        DoublesSpec("near", leaks=True, against="tests.csv", against_columns=ColumnSpec(user_template="{{question}}")),
        DoublesSpec(against="tests.csv", against_columns=ColumnSpec(user_template="{{question}}")),
    ],
    ids=["exact", "near", "leaks", "exact and leaks", "all", "test set"],
)
@pytest.mark.parametrize("limit", [None, 150])
def test_several_processes_decide_as_one(doubles: DoublesSpec, limit: int | None, folder: Path, tmp_path: Path) -> None:
    if doubles.against is not None:
        doubles = replace(doubles, against=str(folder / doubles.against))
    one = spec_of(folder, doubles, 1, limit)
    rows = [row for files in one.splits for row in walk_split(one, files)]
    assert read_by_several(spec_of(folder, doubles, 4, limit), tmp_path) == rows
    reasons = Counter(row.reason for row in rows if isinstance(row, RejectedRow))
    expected = {"exact": {"exact_double"}, "near": {"exact_double", "near_double"}, "off": set()}[doubles.drop]
    expected |= {"leak"} if doubles.leaks else set()
    expected |= {"contaminated"} if doubles.against and limit is None else set()
    assert expected <= reasons.keys()
